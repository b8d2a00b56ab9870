"""What chats show of turns: a message that changes while a turn goes on, and where it is wanted each step of it.

All of it is extra. It is lent to couriers beside the queue, only where nothing waits for the chat, and no sooner than
some seconds after the last. Nothing of it is kept but which message it is: what changes is made anew from events, so
that the newest state is all that is ever sent. Where nobody knows whether a message came, it is left.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from router.clock import Clock
from router.domain.command import ChatRef
from router.domain.notification import Delivered, Event, Kind, Notification, Refused
from router.domain.wording import work as wording
from router.domain.work import Shows, Work
from router.services.outbox.couriers import Later
from router.services.outbox.leases import Outbox
from router.services.people.audience import hearers
from router.store import chats, messages, sessions, work_messages
from router.store.database import Transaction
from router.store.work_messages import WorkMessage

EVERY = 4.0  # seconds between two calls for what is extra, in one chat
PAUSE = 15.0  # after one that had no answer
GIVEN_UP = 3600.0  # seconds after its end in which a turn is still shown to be over
YOUNG = 2.0  # a turn that is over so soon shows nothing

_Chat = tuple[str, str]
_Place = tuple[str, str, str]  # transport, chat, session


@dataclass(frozen=True, slots=True)
class _Sent:
    """What is with a courier: a first message (`row` is what there was before), steps, or a change."""

    notification_id: str
    text: str
    row: WorkMessage
    is_change: bool = False
    is_last: bool = False  # says that the turn is over
    are_steps: bool = False


@dataclass(slots=True)
class WorkMessages:
    """Everything is called inside of a transaction, and what is remembered here changes with it."""

    _outbox: Outbox
    _clock: Clock
    _new_id: Callable[[], str]
    _new_token: Callable[[], str]
    _settled: Callable[[str], None] = lambda _session_id: None  # after the commit: a courier is done with something
    _sent: dict[_Place, _Sent] = field(default_factory=dict)
    _shown: dict[_Place, str] = field(default_factory=dict)
    _next: dict[_Chat, float] = field(default_factory=dict)  # when a chat may have something again

    def listen(self, settled: Callable[[str], None]) -> None:
        """Who is told of what came of something, by its session."""
        self._settled = settled

    def update(self, tx: Transaction, session_id: str, work: Work) -> bool:
        """Show a turn as it is now wherever that is wanted; whether something is left to be shown in a while."""
        session = sessions.find(tx, session_id)
        if session is None:
            return False
        rows = {_chat(row.chat): row for row in work_messages.of_session(tx, session_id)}
        left = False
        for chat in hearers(tx, session):
            row = rows.pop(_chat(chat), None)
            shows = chats.settings(tx, chat).shows
            if row is not None and row.begun == work.begun:
                left |= row.is_open and self._go_on(tx, row, shows, work)
            elif row is not None and row.is_open and work.begun:
                # The message of an earlier turn comes first to its end.
                left |= self._go_on(tx, row, shows, self._earlier(work, row.begun)) or not work.is_over
            elif shows is not Shows.QUIET and not work.is_over:
                left |= self._begin(
                    tx, WorkMessage(ChatRef(*_chat(chat)), session_id, work.begun, work.begun - 1), work
                )
        for row in rows.values():
            # Whoever does not hear of it any more keeps what they saw.
            if row.is_open and work.is_over:
                work_messages.write(tx, replace(row, is_open=False))
        return left

    def answer(self, tx: Transaction, session_id: str, text: str) -> None:
        """Say what came of a turn whose end its session did not tell, where turns are shown: a message like others."""
        if session := sessions.find(tx, session_id):
            for chat in hearers(tx, session):
                if chats.settings(tx, chat).shows is not Shows.QUIET:
                    note = Notification(
                        self._new_id(), session.session_id, chat, Kind.PROGRESS, text, self._new_token(),
                        self._clock.now(), is_markdown=True,
                    )  # fmt: skip
                    self._outbox.add(tx, note, "router")

    def reported(self, tx: Transaction, note: Notification, outcome: Event | Later) -> None:
        """A courier says what became of what it was lent."""
        place = (*_chat(note.chat), note.session_id)
        sent = self._sent.get(place)
        if sent is None or sent.notification_id != note.notification_id:
            return
        tx.pop(self._sent, place)
        match outcome:
            case Delivered(message_ids, _):
                self._came(tx, place, sent, message_ids)
            case Later(_, None):
                self._wait(tx, _chat(note.chat), PAUSE)  # it may have come, or not: a first one is left
            case Later(_, after):
                self._wait(tx, _chat(note.chat), after or 0.0)
                self._not_sent(tx, sent)
            case Refused() if not sent.are_steps:
                work_messages.write(tx, replace(sent.row, is_open=False))  # somebody took it away
        tx.after_commit(lambda: self._settled(note.session_id))

    def _begin(self, tx: Transaction, row: WorkMessage, work: Work) -> bool:
        if self._clock.now() - work.since < YOUNG:
            return True
        text = wording.under_way(work)
        if not self._send(tx, _Sent(self._new_id(), text, row)):
            return True
        # On disk before it leaves: whoever starts again knows that it may have come.
        work_messages.write(tx, row)
        return False

    def _go_on(self, tx: Transaction, row: WorkMessage, shows: Shows, work: Work) -> bool:
        place = (*_chat(row.chat), row.session_id)
        if sent := self._sent.get(place):
            if self._outbox.is_lent(sent.notification_id):
                return work.is_over  # its receipt wakes us, as long as anybody follows
            tx.pop(self._sent, place)  # with its courier
        if work.is_over and self._clock.now() - (work.ended or 0.0) > GIVEN_UP:
            self._close(tx, place, row)
            return False
        if shows is Shows.EVERYTHING and (text := wording.steps(work, row.told)):
            if self._send(tx, _Sent(self._new_id(), text, row, are_steps=True)):
                work_messages.write(tx, replace(row, told=work.steps[-1].seq))
            return True
        if shows is Shows.QUIET and not work.is_over:
            return False
        text = wording.ended(work) if work.is_over else wording.under_way(work)
        if row.message_ids and text != self._shown.get(place):
            change = _Sent(self._new_id(), text, row, is_change=True, is_last=work.is_over)
            return not self._send(tx, change) or work.is_over  # until it is known to say so
        if work.is_over:
            self._close(tx, place, row)
        return False

    def _earlier(self, work: Work, begun: int) -> Work:
        """A turn that is over, as far as it is known still."""
        before = work.before
        return before if before is not None and before.begun == begun else Work(begun, ended=self._clock.now())

    def _send(self, tx: Transaction, sent: _Sent) -> bool:
        chat = _chat(sent.row.chat)
        if self._clock.monotonic() < self._next.get(chat, 0.0):
            return False
        note = Notification(
            sent.notification_id, sent.row.session_id, ChatRef(*chat), Kind.WORK, sent.text, "", self._clock.now(),
            attempt=1, is_markdown=True,
        )  # fmt: skip
        if not self._outbox.lend(tx, note, sent.row.message_ids if sent.is_change else ()):
            return False
        tx.put(self._sent, (*chat, sent.row.session_id), sent)
        self._wait(tx, chat, EVERY)
        return True

    def _came(self, tx: Transaction, place: _Place, sent: _Sent, message_ids: tuple[str, ...]) -> None:
        chat = chats.current(tx, sent.row.chat)
        messages.remember(tx, chat, message_ids, sent.row.session_id, "", self._clock.now())
        if sent.are_steps or _chat(chat) != _chat(sent.row.chat):
            return
        if sent.is_last:
            self._close(tx, place, sent.row)
            return
        tx.put(self._shown, place, sent.text)
        if not sent.is_change:
            work_messages.write(tx, replace(sent.row, message_ids=message_ids))

    def _not_sent(self, tx: Transaction, sent: _Sent) -> None:
        """It may be tried again: what was written before it left is taken back."""
        if sent.are_steps:
            work_messages.write(tx, sent.row)
        elif not sent.is_change:
            work_messages.write(tx, replace(sent.row, begun=0, is_open=False))

    def _close(self, tx: Transaction, place: _Place, row: WorkMessage) -> None:
        tx.pop(self._shown, place)
        work_messages.write(tx, replace(row, is_open=False))

    def _wait(self, tx: Transaction, chat: _Chat, seconds: float) -> None:
        now = self._clock.monotonic()
        for over in [each for each, until in self._next.items() if until <= now]:
            tx.pop(self._next, over)
        tx.put(self._next, chat, max(now + seconds, self._next.get(chat, 0.0)))


def _chat(chat: ChatRef) -> _Chat:
    return chat.transport, chat.chat_id
