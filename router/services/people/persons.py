"""Persons as they come and go: whose a message is, who there is, and who is put out."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from router.clock import Clock
from router.domain.audit import AuditEvent
from router.domain.browser import Browser
from router.domain.command import ChatRef
from router.domain.credentials import hashed
from router.domain.errors import Reason, Refusal
from router.domain.note import theirs
from router.domain.notification import SetAside
from router.domain.person import PairedChat, Person
from router.domain.routing import Inbound
from router.services.people.subscriptions import Subscriptions
from router.store import (
    audit,
    browsers,
    chats,
    deferred,
    notes,
    notifications,
    passkeys,
    people,
    read_marks,
    second_factors,
    subscriptions,
)
from router.store.database import Transaction
from router.store.statements import Connection

_NOT_PAIRED = "They may not write here, or not any more. `pointsman pair` lets somebody in."
_NOBODY_THERE = "nobody is let in there any more"
_NO_BROWSER = "{name} is let into some sessions only, and the console shows all: end the other's browsers first."
_NOBODY = "There is nobody of that id, or nothing. `pointsman people` shows who was let in."


@dataclass(frozen=True, slots=True)
class Present:
    """A person, or None for whoever has the key, with all that they come with."""

    person: Person | None
    chats: tuple[PairedChat, ...]
    browsers: tuple[Browser, ...]
    has_second_factor: bool = False
    passkeys: int = 0


@dataclass(frozen=True, slots=True)
class Persons:
    """Each call is one step inside one transaction."""

    _clock: Clock
    _subscriptions: Subscriptions

    def identified(self, tx: Transaction, inbound: Inbound) -> Inbound:
        """A message with the person whose it is, and their name as its actor. Raises Refusal for nobody's."""
        if inbound.login_id:
            return _of(inbound, self.at_browser(tx, inbound.login_id), "web:console")
        paired = people.paired(tx, inbound.chat, inbound.user_id)
        if paired is None:
            if inbound.needs_pairing:
                raise Refusal(Reason.NOT_PAIRED, _NOT_PAIRED)
            return inbound
        said = _of(inbound, people.find(tx, paired.person_id), f"{inbound.chat.transport}:{inbound.user_id}")
        # Whom the settings let in may everything, whoever they say they are.
        return said if inbound.needs_pairing else replace(said, person=None)

    def at_browser(self, tx: Transaction, login_id: str) -> Person | None:
        """Whose browser it is; None for whoever has the key. Raises Refusal for one that is not let in."""
        browser = browsers.find(tx, hashed(login_id))
        if browser is None or not browser.is_open(self._clock.now()):
            raise Refusal(Reason.NOT_PAIRED, _NOT_PAIRED)
        return people.find(tx, browser.person_id)

    def page(self, on: Connection) -> list[Present]:
        """All of them by name; first whoever has the key, where they have browsers."""
        places: dict[str, list[PairedChat]] = defaultdict(list)
        there: dict[str, list[Browser]] = defaultdict(list)
        for chat in people.chats(on):
            places[chat.person_id].append(chat)
        for browser in browsers.open_ones(on, self._clock.now()):
            there[browser.person_id].append(browser)
        owner = [Present(None, (), tuple(there[""]))] if there[""] else []
        found = ((person, person.person_id) for person in people.page(on))
        return owner + [
            Present(
                person,
                tuple(places[its]),
                tuple(there[its]),
                second_factors.find(on, its) is not None,
                len(passkeys.all_of(on, its)),
            )
            for person, its in found
        ]

    def unpair(self, tx: Transaction, person_or_browser_id: str) -> tuple[int, int]:
        """Put a person out, or a browser; how many chats and browsers ended. Raises Refusal."""
        there = browsers.open_ones(tx, self._clock.now())
        if person := people.find(tx, person_or_browser_id):
            left = [each.chat for each in people.chats(tx) if each.person_id == person.person_id]
            people.delete(tx, person.person_id)
            self._withhold(tx, left)
            second_factors.delete(tx, person.person_id)
            passkeys.delete_all_of(tx, person.person_id)
            self._subscriptions.put_out(tx, person.person_id)
            ended = self._close(tx, (each for each in there if each.person_id == person.person_id))
            self._note(tx, person.person_id, f"{person.name}: all")
            return len(left), ended
        ended = self._close(tx, (each for each in there if each.browser_id == person_or_browser_id))
        was_pushed_to = self._subscriptions.end(tx, person_or_browser_id)
        if not ended and not was_pushed_to:
            raise Refusal(Reason.NOT_FOUND, _NOBODY)
        self._note(tx, person_or_browser_id, "a browser")
        return 0, ended

    def join(self, tx: Transaction, kept_id: str, other_id: str) -> Present:
        """Make one of two who are the same: of the other nothing stays but chats and browsers. Raises Refusal."""
        kept, other = people.find(tx, kept_id), people.find(tx, other_id)
        if kept is None or other is None or kept_id == other_id:
            raise Refusal(Reason.NOT_FOUND, _NOBODY)
        there = browsers.open_ones(tx, self._clock.now())
        if kept.is_limited and any(each.person_id == other_id for each in there):
            raise Refusal(Reason.ILLEGAL_STATE, _NO_BROWSER.format(name=kept.name))
        people.give(tx, other_id, kept_id)
        browsers.give(tx, other_id, kept_id)
        subscriptions.give(tx, other_id, kept_id)
        deferred.give(tx, other_id, kept_id)
        read_marks.give(tx, other_id, kept_id)
        notes.rename_place(tx, theirs(other_id), theirs(kept_id))
        people.delete(tx, other_id)
        # What the one signs with must not answer for the other.
        second_factors.delete(tx, other_id)
        passkeys.delete_all_of(tx, other_id)
        what = f"{kept.name}: all of {other.name}, {other_id}"
        audit.record(tx, self._clock.now(), AuditEvent.JOINED, tx.caller, subject=kept_id, detail=what)
        return next(each for each in self.page(tx) if each.person and each.person.person_id == kept_id)

    def unpair_chat(self, tx: Transaction, chat: ChatRef, user_id: str) -> None:
        """Let a user write in a chat no more. Raises Refusal."""
        paired = people.paired(tx, chat, user_id)
        if paired is None:
            raise Refusal(Reason.NOT_FOUND, _NOBODY)
        people.delete_chat(tx, chat, user_id)
        self._withhold(tx, [chat])
        self._note(tx, paired.person_id, f"{chat.transport} user {user_id} in chat {chat.chat_id}")

    def _withhold(self, tx: Transaction, ended: Iterable[ChatRef]) -> None:
        """What waits for a chat where nobody is let in any more, does not go there."""
        for chat in ended:
            if not chats.is_known(tx, chat):
                for waiting in notifications.queued_for(tx, chat):
                    notifications.change(tx, waiting, SetAside(_NOBODY_THERE), self._clock.now(), "router")

    def _close(self, tx: Transaction, ended: Iterable[Browser]) -> int:
        closed = list(ended)
        for browser in closed:
            browsers.close(tx, browser.login_hash)
        self._subscriptions.logged_out(tx, closed)
        return len(closed)

    def _note(self, tx: Transaction, subject: str, detail: str) -> None:
        audit.record(tx, self._clock.now(), AuditEvent.UNPAIRED, tx.caller, subject=subject, detail=detail)


def _of(inbound: Inbound, person: Person | None, where: str) -> Inbound:
    # Ours, and not what the platform calls them: anybody may take any name there.
    return inbound if person is None else replace(inbound, person=person, actor=f"{where} ({person.name})")
