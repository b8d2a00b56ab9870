"""Ends of turns of several sessions that a chat hears of in one message: they wait for each other where nobody looks.

By a chat's wish alone, and not where each session has a topic of its own, which one message could not stand in.
"""

from collections.abc import Iterable, Sequence

from router.clock import Clock
from router.domain import digest, namesakes
from router.domain.audience import PAGES
from router.domain.command import ChatRef
from router.domain.notification import Kind, Notification
from router.domain.routing import Inbound
from router.domain.session import Session, SessionState
from router.domain.subscription import PUSH
from router.services.delivery.backoffs import Backoffs
from router.services.outbox.troubles import Withheld
from router.services.people import rights
from router.services.wakeups import Wakeups
from router.store import chats, messages, notifications, sessions
from router.store.database import Transaction

WAIT = 60.0  # seconds for which the first waits for others
LOOKS = 120.0  # seconds after somebody wrote or pressed in a chat
GRAIN = 5.0  # seconds
_LOOKED = "looked"


class Bundles:
    """Which chats' messages wait for others, and what comes before those."""

    def __init__(self, clock: Clock, wakeups: Wakeups) -> None:
        self._clock = clock
        self._backoffs: Backoffs[tuple[str, str]] = Backoffs(clock, wakeups)  # chats
        self.release, self.next = self._backoffs.release, self._backoffs.next

    def first(
        self, tx: Transaction, transport: str, chat_id: str, choices: Iterable[tuple[Withheld, Kind]]
    ) -> Notification | None:
        """The first of these choices that a chat may get now."""
        for way, kind in choices:
            found = _first_of(tx, transport, chat_id, kind, way)
            if found and self.waits(tx, found):  # changes of what is out already do not
                found = _first_of(tx, transport, chat_id, kind, Withheld(way.ids, way.kinds | {kind}))
            if found:
                return found
        return None

    def waits(self, tx: Transaction, head: Notification) -> bool:
        """Whether it is left for a moment, so that others can come with it."""
        left = wait(tx, head, self._clock.now())
        if left > 0:
            self._backoffs.add(tx, (head.chat.transport, head.chat.chat_id), left)
        return left > 0


def looked(tx: Transaction, chat: ChatRef, now: float) -> None:
    """Somebody does something in a chat. In memory alone: after a restart what ends waits a moment at most."""
    key = (_LOOKED, chat.transport, chat.chat_id)
    if not 0 <= now - tx.memory.get(key, -LOOKS) < GRAIN:  # each message comes through here
        tx.put(tx.memory, key, now)


def may_bundle(tx: Transaction, head: Notification, now: float) -> bool:
    """Whether what comes next in a chat goes out together with what other sessions say."""
    chat = head.chat
    if not digest.can_bundle(head) or chat.transport in (PAGES, PUSH):
        return False
    settings = chats.settings(tx, chat)
    return settings.bundles and not settings.has_topics and not _is_looked_at(tx, chat, now)


def wait(tx: Transaction, head: Notification, now: float) -> float:
    """Seconds for which it waits for others to come with; 0 for none."""
    age = now - head.created_at
    # By the cheaper first: most are no end of a turn, or old enough.
    return WAIT - age if head.ends_turn and age < WAIT and may_bundle(tx, head, now) else 0.0


def names(tx: Transaction, run: Sequence[Notification]) -> dict[str, str]:
    """What the sessions of a bundle are called, each unlike the others."""
    ids = list(dict.fromkeys(each.session_id for each in run))
    found = [session for each in ids if (session := sessions.find(tx, each))]
    labels = zip(found, namesakes.on_button(found), strict=True)
    return {each: each for each in ids} | {session.session_id: label for session, label in labels}


def is_bundle(tx: Transaction, chat: ChatRef, message_id: str) -> bool:
    """Whether a message of a chat is one: it shows what a session said, and is about none."""
    return bool(_first(tx, chat, message_id))


def offered(tx: Transaction, inbound: Inbound, most: int) -> tuple[list[Session], int]:
    """The sessions that a message may be meant for, at most so many, and how many: of a bundle its own, else all."""
    person, reply_to = inbound.person, inbound.reply_to
    first = _first(tx, inbound.chat, reply_to) if reply_to else None
    ids = dict.fromkeys(each.session_id for each in notifications.told_with(tx, first)) if first else ()
    found = (sessions.find(tx, each) for each in ids)
    there = rights.reached(person, [each for each in found if each and each.state is not SessionState.ENDED])
    return (there[:most], len(there)) if there else rights.first_reached(tx, person, most)


def _is_looked_at(tx: Transaction, chat: ChatRef, now: float) -> bool:
    last: float | None = tx.memory.get((_LOOKED, chat.transport, chat.chat_id))
    return last is not None and 0 <= now - last < LOOKS


def _first_of(tx: Transaction, transport: str, chat_id: str, kind: Kind, held: Withheld) -> Notification | None:
    return notifications.first(tx, transport, chat_id, kind, held.ids, changes_only=kind in held.kinds)


def _first(tx: Transaction, chat: ChatRef, message_id: str) -> Notification | None:
    if messages.session_of(tx, chat, message_id) != "":
        return None
    shown = notifications.find(tx, messages.notification_of(tx, chat, message_id))
    return shown if shown and shown.session_id else None
