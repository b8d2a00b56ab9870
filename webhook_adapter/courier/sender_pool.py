"""Brings leased messages to a platform with a few threads, each message once as long as this process lives.

The router leases a message again when a link or a lease ended before its receipt. A message that is still being sent
then is not sent a second time: the running send answers the newest lease. One that was delivered is only answered.
"""

import logging
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from pointsman.client.errors import RouterError
from webhook_adapter.courier.verbs import bring, news_of
from webhook_adapter.router.errors import is_about_content
from webhook_adapter.transports.transport import (
    ChatNews,
    Delivered,
    Outgoing,
    Refused,
    RetryLater,
    SendOutcome,
    Transport,
)

logger = logging.getLogger(__name__)

_REMEMBERED = 1_000  # delivered messages whose receipts may have been lost with a link


@dataclass(frozen=True, slots=True)
class DeliveryReceipt:
    """What became of one lease."""

    notification_id: str
    attempt: int
    outcome: SendOutcome
    news: ChatNews


Answer = Callable[[DeliveryReceipt], None]


@dataclass(frozen=True, slots=True)
class _Lease:
    attempt: int
    answer: Answer


class SenderPool:
    """The senders of one transport."""

    def __init__(self, transport: Transport, senders: int) -> None:
        self._transport = transport
        self._senders = senders
        self._messages: queue.SimpleQueue[Outgoing] = queue.SimpleQueue()
        self._changed = threading.Condition()  # guards the three below
        self._leases: dict[str, _Lease] = {}
        self._delivered: OrderedDict[str, Delivered] = OrderedDict()
        self._draining = False

    def start(self) -> None:
        """Start the senders. They are daemons: a platform that hangs does not keep the process from ending."""
        for number in range(self._senders):
            name = f"{self._transport.name}-sender-{number}"
            threading.Thread(target=self._send_all, name=name, daemon=True).start()

    def take(self, message: Outgoing, attempt: int, answer: Answer) -> None:
        """Bring a message and answer its lease when the platform has answered. While draining nothing is begun."""
        key = message.notification_id
        with self._changed:
            if self._draining and key not in self._leases:
                return
            delivered = self._delivered.get(key)
            if delivered is None:
                begun = key in self._leases
                self._leases[key] = _Lease(attempt, answer)
        # Its receipt was lost with a link; brought again, people would see it twice.
        if delivered is not None:
            answer(DeliveryReceipt(key, attempt, delivered, news_of(self._transport, message.chat)))
        elif not begun:
            self._messages.put(message)

    def drain(self, seconds: float) -> bool:
        """Begin nothing new, and wait for what was begun; False when something is still being sent after `seconds`."""
        with self._changed:
            self._draining = True
            return self._changed.wait_for(lambda: not self._leases, timeout=seconds)

    def _send_all(self) -> None:
        while True:
            message = self._messages.get()
            outcome, key = self._send(message), message.notification_id
            news = news_of(self._transport, message.chat)
            with self._changed:
                lease = self._leases.pop(key)
                if isinstance(outcome, Delivered):
                    self._remember(key, outcome)
                # Under the lock: a newer lease that comes this moment is answered by it, or brought by nobody.
                lease.answer(DeliveryReceipt(key, lease.attempt, outcome, news))
                self._changed.notify_all()

    def _send(self, message: Outgoing) -> SendOutcome:
        try:
            outcome = bring(self._transport, message)
        except RouterError as error:  # of a file
            outcome = Refused(error.message) if is_about_content(error) else RetryLater(error.message)
        except Exception:
            # A fault of ours, and perhaps of this one message: it must not end the thread that brings all others.
            logger.exception("send failed transport=%s notification=%s", self._transport.name, message.notification_id)
            outcome = RetryLater("the adapter failed; its log says why", alone=True)
        logger.info(
            "send ended transport=%s notification=%s outcome=%s",
            self._transport.name,
            message.notification_id,
            type(outcome).__name__,
        )
        return outcome

    def _remember(self, key: str, outcome: Delivered) -> None:
        self._delivered[key] = outcome
        while len(self._delivered) > _REMEMBERED:
            self._delivered.popitem(last=False)
