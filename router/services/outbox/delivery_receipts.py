"""What couriers report: how a delivery ended, how long its chat rests, where it moved. People hear what they miss."""

from collections.abc import Callable
from dataclasses import dataclass

from router.domain.command import ChatRef
from router.domain.notification import Event, Kind, Notification, NotificationState
from router.domain.subscription import PUSH
from router.domain.wording import alerts
from router.services.chat.topics import NO_TOPIC, Brought, Topics
from router.services.outbox.couriers import NO_PAUSE, Courier, Later, RateLimitPause
from router.services.outbox.leases import Outbox
from router.services.outbox.status_messages import StatusMessages
from router.services.outbox.work_messages import WorkMessages
from router.services.people.audience import hearers
from router.services.people.subscriptions import Subscriptions
from router.store import chats
from router.store.database import Transaction


@dataclass(frozen=True, slots=True)
class DeliveryReceipt:
    """One receipt of a courier."""

    notification_id: str
    attempt: int
    outcome: Event | Later
    pause: RateLimitPause = NO_PAUSE
    moved_to: str = ""
    chat_closed: bool = False
    brought: Brought = NO_TOPIC


class DeliveryReceipts:
    """Takes receipts. Each is one transaction with all that follows from it."""

    def __init__(
        self,
        outbox: Outbox,
        status_messages: StatusMessages,
        topics: Topics,
        subscriptions: Subscriptions,
        work_messages: WorkMessages,
        failed: Callable[[Transaction, Notification], None] = lambda *_: None,
    ) -> None:
        """`failed` hears of each message that a platform did not take for good."""
        self._failed = failed
        self._outbox = outbox
        self._work_messages = work_messages
        self._status_messages = status_messages
        self._topics = topics
        self._subscriptions = subscriptions
        self._closed: set[ChatRef] = set()  # chats of whose closing people were told; the writer thread's

    def recover(self, tx: Transaction) -> None:
        """After a start: which chats took no messages before."""
        self._closed = chats.closed(tx)

    def take(self, tx: Transaction, courier: Courier, receipt: DeliveryReceipt) -> None:
        """One receipt; one for an older lease changes nothing."""
        if lent := self._outbox.given_back(tx, courier, receipt.notification_id, receipt.pause):
            if receipt.moved_to:
                self._move(tx, courier.transport, lent.chat.chat_id, receipt.moved_to)
            self._topics.brought(tx, lent, receipt.brought)
            self._work_messages.reported(tx, lent, receipt.outcome)
            return
        leased = courier.leased.get(receipt.notification_id)
        if leased is not None and receipt.moved_to:
            self._move(tx, courier.transport, leased.chat.chat_id, receipt.moved_to)  # before more is leased to it
        if leased is not None and leased.attempt == receipt.attempt:
            self._topics.brought(tx, leased, receipt.brought)  # before more is leased to it: it may go there too
        for changed in self._settle(tx, courier, receipt):
            # The message may have been queued for the old id of a chat that has moved since.
            chat = chats.current(tx, ChatRef(courier.transport, changed.chat.chat_id))
            if chat.transport == PUSH:
                # What is missing there stands in the console, and a browser that is gone is no news.
                if receipt.chat_closed and changed.state is NotificationState.REFUSED:
                    self._subscriptions.closed(tx, chat)
            else:
                self._settled(tx, chat, changed, closed=receipt.chat_closed)

    def _settled(self, tx: Transaction, chat: ChatRef, changed: Notification, *, closed: bool) -> None:
        match changed.state:
            case NotificationState.DELIVERED:
                self._opened(tx, chat)
            case NotificationState.REFUSED:
                self._failed(tx, changed)
                self._refused(tx, chat, changed, closed=closed)
            case NotificationState.DEAD:
                self._failed(tx, changed)
                self._set_aside(tx, chat, changed)

    def _move(self, tx: Transaction, transport: str, old: str, new: str) -> None:
        if chats.move(tx, ChatRef(transport, old), ChatRef(transport, new)):
            self._status_messages.answer(tx, ChatRef(transport, new), alerts.MOVED.format(old=old, new=new))

    def _settle(self, tx: Transaction, courier: Courier, receipt: DeliveryReceipt) -> list[Notification]:
        match receipt.outcome:
            case Later(detail, after, alone):
                return self._outbox.retry_later(
                    tx, courier, receipt.notification_id, receipt.attempt, detail, after, receipt.pause, alone=alone
                )
            case event:
                return self._outbox.receipt(tx, courier, receipt.notification_id, receipt.attempt, event, receipt.pause)

    def _opened(self, tx: Transaction, chat: ChatRef) -> None:
        # Somebody let the bot in again; nobody needs to be told what they see.
        if chat in self._closed:
            tx.discard(self._closed, chat)
            chats.set_closed(tx, chat, is_closed=False)

    def _refused(self, tx: Transaction, chat: ChatRef, notification: Notification, *, closed: bool) -> None:
        """Say in the chat that a message is missing there; say elsewhere, once, that a chat takes none at all."""
        if closed:
            self.closed(tx, chat, notification.detail)
        else:
            self._missing(tx, chat, notification)

    def closed(self, tx: Transaction, chat: ChatRef, why: str) -> None:
        """A chat takes no messages at all: said elsewhere, once."""
        if chat not in self._closed:
            tx.add(self._closed, chat)
            chats.set_closed(tx, chat, is_closed=True)
            self.tell(tx, alerts.CLOSED.format(platform=chat.transport, chat=chat.chat_id, why=why))

    def tell(self, tx: Transaction, text: str) -> None:
        """Tell those who hear of all sessions, where it can be read; chats that are closed would only refuse it."""
        for other in hearers(tx, None):
            if other not in self._closed:
                self._status_messages.answer(tx, other, text)

    def _set_aside(self, tx: Transaction, chat: ChatRef, notification: Notification) -> None:
        """Say in the chat what it misses. A change is missed by nobody, but for one that tells how a command ended."""
        if not notification.edits:
            self._missing(tx, chat, notification)
        elif notification.command_state is not None and not notification.command_state.live:
            self._status_messages.anew(tx, notification)

    def _missing(self, tx: Transaction, chat: ChatRef, notification: Notification) -> None:
        if notification.kind is not Kind.ANSWER:  # else the refusal of an answer would be answered
            text = alerts.NOT_SHOWN.format(why=notification.detail, id=notification.notification_id)
            self._status_messages.answer(tx, chat, text, notification.session_id)
