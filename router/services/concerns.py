"""What goes up ladders beside questions, for those who said so: begun where it happens, ended by who sees it first.

Each is begun in the transaction of what it tells of, by an id made from that: so once, whatever dies. Of one session
one of each kind is open: what comes while it waits is told as always, and goes up no ladder.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from router.clock import Clock, moment
from router.domain import concern
from router.domain.audience import place
from router.domain.command import ChatRef, Command, Origin
from router.domain.concern import Concern
from router.domain.notification import Notification
from router.domain.permission import MAX_OPEN, Closed, Permission, PermissionState
from router.domain.permission_input import Answer
from router.domain.person import Deed, Person
from router.domain.session import Session
from router.domain.wording import answers, status_lines
from router.domain.wording import concerns as wording
from router.link.hub import Hub
from router.services.controls import Controls
from router.services.deferral.limits import Limits
from router.services.escalations import Escalations
from router.services.outbox.notifications import Notifications
from router.services.outbox.status_messages import StatusMessages
from router.services.people import audience, rights
from router.services.permissions import Permissions
from router.services.sessions import SessionService
from router.store import machines, notifications, people, permissions, sessions
from router.store.database import Transaction

LOOK_EVERY = 60.0  # seconds
LOST_AFTER = 300.0  # seconds without a word of a machine
_NAMED = 5  # sessions of a machine that is lost


@dataclass(slots=True)
class Looked:
    """When machines were looked at last, and since when that is done without a break."""

    since: float = 0.0
    last: float = 0.0


@dataclass(frozen=True, slots=True)
class Concerns:
    """Hears of what happens. Each call is one step in a transaction."""

    _permissions: Permissions
    _escalations: Escalations
    _hub: Hub
    _clock: Clock
    _looked: Looked = field(default_factory=Looked)

    def hear(
        self,
        status_messages: StatusMessages,
        notifications: Notifications,
        session_service: SessionService,
        limits: Limits,
        controls: Controls,
    ) -> None:
        """Be told by all where something of it happens."""
        status_messages.on_failed.append(self.failed)
        status_messages.on_came.append(self.came)
        status_messages.on_settled.append(self.settled)
        notifications.on_said.append(self.said)
        session_service.on_ended.append(self.ended)
        limits.on_limited.append(self.limited)
        controls.on_write.append(self.wrote)

    def failed(self, tx: Transaction, command: Command, line: str) -> None:
        """A command ended badly; where it came from a chat, that is told."""
        if (session := sessions.find(tx, command.session_id)) and self._whose(tx, Concern.FAILED):
            said = answers.DEAD_LETTER.format(what=status_lines.quoted(command), line=line, id=command.command_id)
            is_told = command.origin.chat is not None
            words = wording.FAILED if is_told else wording.FAILED_UNTOLD
            text = words.format(line=said, actor=command.origin.actor or command.origin.source)
            self._begin(tx, Concern.FAILED, command.command_id, session, text, is_told=is_told)

    def settled(self, tx: Transaction, command: Command) -> None:
        """Somebody decided what becomes of a command."""
        self._over(tx, concern.identity(Concern.FAILED, command.command_id), wording.SETTLED)

    def said(self, tx: Transaction, session: Session, sent: list[Notification]) -> None:
        """A session said something, or its turn is over; it is about those alone to whom it was said."""
        kind = Concern.FINISHED if sent[0].ends_turn else Concern.SAID
        if self._whose(tx, kind):
            words = wording.FINISHED if sent[0].ends_turn else wording.SAID
            about, chats = sent[0].notification_id, {place(note.chat) for note in sent}
            self._begin(tx, kind, about, session, words.format(text=sent[0].text), is_told=True, chats=chats)

    def limited(self, tx: Transaction, session: Session, limit: float) -> None:
        """A session is at its usage limit, until a time of the wall clock."""
        if self._whose(tx, Concern.LIMITED):
            about, text = f"{session.session_id}/{limit}", wording.LIMITED.format(name=session.name)
            ends = self._clock.now() + limit - self._clock.wall()
            self._begin(tx, Concern.LIMITED, about, session, text, is_told=True, ends=ends)

    def ended(self, tx: Transaction, session: Session) -> None:
        """A session is over, as its machine says."""
        if self._whose(tx, Concern.ENDED):
            about = f"{session.session_id}/{session.generation}"
            text = wording.ENDED.format(name=session.name, machine=session.machine_id)
            self._begin(tx, Concern.ENDED, about, session, text, is_told=False)

    def look(self, tx: Transaction) -> None:
        """Ask about machines of which nothing is heard, once for each time, where they have sessions."""
        now, looked = self._clock.now(), self._looked
        if now - looked.last > 2 * LOOK_EVERY:  # a start, or a sleep: they have to have the time to come back
            looked.since = now
        looked.last = now
        if not self._whose(tx, Concern.MACHINE_LOST):
            return
        for machine in machines.page(tx):
            heard = machine.last_seen_at  # None of one that was never there
            if heard is None or machine.revoked or self._hub.connected(machine.machine_id):
                continue
            if now - max(heard, looked.since) >= LOST_AFTER:
                self._lost(tx, machine.machine_id, machine.epoch, heard)

    def came(self, tx: Transaction, machine_id: str) -> None:
        """A machine has a link again: also those are over that nobody would want any more."""
        noticed = permissions.noticed(tx)
        for session in sessions.page(tx, machine_id) if noticed else ():
            for asked in permissions.open_of_session(tx, session.session_id) if session.session_id in noticed else ():
                if concern.is_of(asked, Concern.MACHINE_LOST):
                    self._over(tx, asked.permission_id, wording.BACK)

    def wrote(self, tx: Transaction, session_id: str, origin: Origin) -> None:
        """A person wrote to a session, or pressed something of it: they have seen what it said."""
        if session_id in permissions.noticed(tx):  # each message comes through here
            self._seen(tx, permissions.open_of_session(tx, session_id), origin)

    def read(self, tx: Transaction, person: Person | None, session_id: str, notification_id: str) -> None:
        """A person has read what a session said, as far as this message."""
        newest = notifications.find(tx, notification_id)
        if newest is not None and newest.session_id == session_id and not rights.refusal(
            tx, person, Deed.ANSWER, session_id
        ):  # fmt: skip
            there = permissions.open_of_session(tx, session_id)
            who = Origin("web", f"web ({person.name})" if person else "web")
            self._seen(tx, [asked for asked in there if asked.created_at <= newest.created_at], who)

    def _lost(self, tx: Transaction, machine_id: str, epoch: int, since: float) -> None:
        living = sessions.page(tx, machine_id)
        # Those that the same people hear of, and may be told of in the same places later.
        together: dict[tuple[frozenset[ChatRef], frozenset[ChatRef]], list[Session]] = {}
        for session in living:
            reached = frozenset(audience.listeners(tx, session)), audience.left(tx, session)
            together.setdefault(reached, []).append(session)
        for some in together.values():
            names = ", ".join(each.name for each in some[:_NAMED])
            if len(some) > _NAMED:
                names = wording.MORE.format(names=names, count=len(some) - _NAMED)
            when = moment(since, self._clock.now())
            text = wording.MACHINE_LOST.format(machine=machine_id, since=when, names=names)
            about = f"{machine_id}/{epoch}/{some[0].session_id}"
            self._begin(tx, Concern.MACHINE_LOST, about, some[0], text, is_told=False)

    def _begin(
        self,
        tx: Transaction,
        kind: Concern,
        about: str,
        session: Session,
        text: str,
        *,
        is_told: bool,
        ends: float | None = None,
        chats: Collection[ChatRef] = (),
    ) -> None:
        """`chats`: for who hears in these; none: for all who hear of the session."""
        asked = concern.question(kind, about, session.session_id, text, self._clock.now(), ends)
        there = permissions.open_of_session(tx, session.session_id)
        is_full = len(there) >= MAX_OPEN or any(concern.is_of(each, kind) for each in there)
        if is_full or permissions.find(tx, asked.permission_id) is not None:
            return
        heard = audience.listeners(tx, session)
        hear = {person_id for chat in heard if not chats or place(chat) in chats for person_id in heard[chat]}
        if whose := self._whose(tx, kind) & hear:
            self._permissions.begin(tx, asked)
            self._escalations.concern(tx, session, asked, whose, is_told=is_told)

    def _whose(self, tx: Transaction, kind: Concern) -> set[str]:
        """Those who want it."""
        return {person_id for person_id, text in people.concerns(tx).items() if kind in concern.kept(text)}

    def _seen(self, tx: Transaction, there: list[Permission], origin: Origin) -> None:
        for asked in there:
            if asked.is_notice:
                self._permissions.respond(tx, asked.permission_id, asked.input_digest, Answer(concern.SEEN), origin)

    def _over(self, tx: Transaction, permission_id: str, why: str) -> None:
        known = permissions.find(tx, permission_id)
        if known is not None and known.is_open:
            self._permissions.close(tx, known, Closed(PermissionState.WITHDRAWN, why), "router")
