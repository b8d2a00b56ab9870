"""What couriers report: how a delivery ended, how long its chat rests, where it moved. People hear what they miss."""

from dataclasses import dataclass

from router.domain import wording
from router.domain.command import ChatRef
from router.domain.notification import Delivered, Event, Kind, Notification, Refused
from router.services.outbox import NO_REST, Courier, Outbox, Rest
from router.services.receipts import Receipts
from router.services.topics import NO_TOPIC, Brought, Topics
from router.store import closings, messages, moves
from router.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Later:
    """The platform says not now; `after` in seconds where it said when."""

    detail: str
    after: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """One receipt of a courier."""

    notification_id: str
    attempt: int
    outcome: Event | Later
    rest: Rest = NO_REST
    moved_to: str = ""
    chat_closed: bool = False
    brought: Brought = NO_TOPIC


class Reports:
    """Takes receipts. Each is one transaction with all that follows from it."""

    def __init__(self, outbox: Outbox, receipts: Receipts, topics: Topics) -> None:
        self._outbox = outbox
        self._receipts = receipts
        self._topics = topics
        self._closed: set[ChatRef] = set()  # chats of whose closing people were told; the writer thread's

    def recover(self, tx: Transaction) -> None:
        """After a start: which chats took no messages before."""
        self._closed = closings.known(tx)

    def take(self, tx: Transaction, courier: Courier, report: Report) -> None:
        """One receipt; one for an older lease changes nothing."""
        leased = courier.leased.get(report.notification_id)
        if leased is not None and report.moved_to:
            self._move(tx, courier.transport, leased.chat.chat_id, report.moved_to)  # before more is leased to it
        if leased is not None and leased.attempt == report.attempt:
            self._topics.brought(tx, leased, report.brought)  # before more is leased to it: it may go there too
        notification = self._settle(tx, courier, report)
        if notification is None:
            return
        chat = moves.current(tx, ChatRef(courier.transport, notification.chat.chat_id))
        if isinstance(report.outcome, Delivered):
            self._opened(tx, chat)
        elif isinstance(report.outcome, Refused):
            self._refused(tx, chat, notification, closed=report.chat_closed)

    def _move(self, tx: Transaction, transport: str, old: str, new: str) -> None:
        if moves.move(tx, transport, old, new):
            self._receipts.answer(tx, ChatRef(transport, new), wording.MOVED.format(old=old, new=new))

    def _settle(self, tx: Transaction, courier: Courier, report: Report) -> Notification | None:
        match report.outcome:
            case Later(detail, after):
                return self._outbox.retry_later(
                    tx, courier, report.notification_id, report.attempt, detail, after, report.rest
                )
            case event:
                return self._outbox.receipt(tx, courier, report.notification_id, report.attempt, event, report.rest)

    def _opened(self, tx: Transaction, chat: ChatRef) -> None:
        if chat in self._closed:
            self._closed.discard(chat)
            tx.on_undo(lambda: self._closed.add(chat))
            closings.write(tx, chat, closed=False)

    def _refused(self, tx: Transaction, chat: ChatRef, notification: Notification, *, closed: bool) -> None:
        """Say in the chat that a message is missing there; say elsewhere, once, that a chat takes none at all."""
        if not closed and notification.kind is not Kind.ANSWER:  # else the refusal of an answer would be answered
            text = wording.NOT_SHOWN.format(why=notification.detail, id=notification.notification_id)
            self._receipts.answer(tx, chat, text, notification.session_id)
        if closed and chat not in self._closed:
            self._closed.add(chat)
            tx.on_undo(lambda: self._closed.discard(chat))
            closings.write(tx, chat, closed=True)
            for other in messages.default_chats(tx):
                if other not in self._closed:
                    text = wording.CLOSED.format(platform=chat.transport, chat=chat.chat_id, why=notification.detail)
                    self._receipts.answer(tx, other, text)
