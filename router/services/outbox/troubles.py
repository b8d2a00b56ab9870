"""Which messages are in trouble. In memory alone, in the writer thread: after a restart each has a new chance."""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from router.clock import Clock
from router.domain.command import ChatRef
from router.domain.notification import Kind, Notification, SetAside
from router.domain.trouble import MOST_PASSED, Trouble
from router.domain.wording import alerts
from router.services.delivery.backoffs import Backoffs
from router.services.wakeups import Wakeups
from router.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Withheld:
    """What cannot be leased to a chat now: messages by themselves, and whole kinds but for their changes."""

    ids: frozenset[str] = frozenset()
    kinds: frozenset[Kind] = frozenset()


NOTHING_HELD = Withheld()


class Troubles:
    """Changed inside the transaction that justifies it, and restored when that is undone."""

    def __init__(self, clock: Clock, jitter: Callable[[], float], wakeups: Wakeups) -> None:
        self._clock = clock
        self._jitter = jitter
        self._backoffs: Backoffs[tuple[str, str]] = Backoffs(clock, wakeups)  # transport, notification
        # In the order of their first failure: within a kind and chat the oldest first.
        self._of: dict[str, Trouble] = {}
        self._taken: dict[str, int] = {}  # messages that each transport has taken
        self._failed_last: set[tuple[str, str]] = set()  # chats

    def __contains__(self, notification_id: str) -> bool:
        """Whether it failed although others were answered."""
        known = self._of.get(notification_id)
        return known is not None and known.failures > 0

    def is_alone(self, tx: Transaction, notification: Notification, *, told: bool, later: bool) -> bool:
        """Whether a failure may be about the message alone.

        The courier told so; or others were taken since the first one, and the platform named no time for a `later` try.
        """
        known = self._of.get(notification.notification_id)
        if known is None:
            taken = self._taken.get(notification.chat.transport, 0)
            known = Trouble(notification, self._clock.monotonic(), taken)
            tx.put(self._of, notification.notification_id, known)
        # Others were taken since it failed: so the platform works, and it is about this one.
        return told or (not later and self._taken.get(notification.chat.transport, 0) > known.taken)

    def failed(self, tx: Transaction, notification: Notification, after: float) -> Trouble | None:
        """One that is alone failed; it waits for `after` seconds at least. Returned where it is to be set aside."""
        now, known = self._clock.monotonic(), self._of[notification.notification_id]
        # What it failed with everybody else does not count against it.
        since = known.since if known.failures else now
        trouble = replace(known, notification=notification, since=since, failures=known.failures + 1)
        transport = notification.chat.transport
        if trouble.is_over(now, self._taken.get(transport, 0)):
            self.forget(tx, notification)
            return trouble
        tx.put(self._of, notification.notification_id, trouble)
        tx.add(self._failed_last, _place(notification.chat))
        self._backoffs.add(tx, (transport, notification.notification_id), max(after, trouble.wait(now, self._jitter())))
        return None

    def taken(self, tx: Transaction, notification: Notification) -> list[Trouble]:
        """The platform has taken a new message: those of its kind that it passed are returned, to be set aside."""
        passed = self._passed_by(notification)
        for each in (*(trouble.notification for trouble in passed), notification):
            self.forget(tx, each)
        transport = notification.chat.transport
        tx.put(self._taken, transport, self._taken.get(transport, 0) + 1)
        return passed

    def forget(self, tx: Transaction, notification: Notification) -> None:
        """Nothing is tried any more."""
        tx.pop(self._of, notification.notification_id)

    def leased(self, tx: Transaction, notification: Notification) -> None:
        """A message is on its way."""
        tx.discard(self._failed_last, _place(notification.chat))

    def held(self, transport: str, chat_id: str) -> list[Withheld]:
        """What cannot be leased to a chat now; the first that leaves something to lease counts."""
        # Nearly always: the outbox asks at each lease.
        if not self._of:
            return [NOTHING_HELD]
        here = [each for each in self._of.values() if _place(each.notification.chat) == (transport, chat_id)]
        waiting = [each for each in here if self._backoffs.waits((transport, each.notification.notification_id))]
        last = [*waiting, *(each for each in here if each.is_change and each not in waiting)]
        failed = [each for each in here if each.failures]
        # After a failure what has not failed yet goes first, once: two calls that hang do not follow each other.
        sets = [failed, last, waiting] if (transport, chat_id) in self._failed_last else [last, waiting]
        return [self._without(each) for each in sets]

    def release(self, tx: Transaction) -> set[str]:
        """Forget the waits that are over; the transports they were of."""
        return {transport for transport, _ in self._backoffs.release(tx)}

    def next(self) -> float | None:
        """Seconds until the next one's wait is over."""
        return self._backoffs.next()

    def _without(self, troubles: list[Trouble]) -> Withheld:
        """Neither these, nor what has to wait behind them."""
        now = self._clock.monotonic()
        in_the_way = [each for each in troubles if each.holds_up]
        kinds = [each.notification.kind for each in in_the_way]
        held = {
            each.notification.kind
            for each in in_the_way
            if not each.had_its_chance(now) or kinds.count(each.notification.kind) >= MOST_PASSED
        }
        return Withheld(frozenset(each.notification.notification_id for each in troubles), frozenset(held))

    def _passed_by(self, notification: Notification) -> list[Trouble]:
        passed = []
        for each in self._of.values():
            # In the order of their first failure: those behind it have not been passed by it.
            if each.notification.notification_id == notification.notification_id:
                break
            same = (each.notification.chat.transport, each.notification.chat.chat_id, each.notification.kind)
            if each.holds_up and each.failures and same == (*_place(notification.chat), notification.kind):
                passed.append(each)
        return passed


def _place(chat: ChatRef) -> tuple[str, str]:
    return chat.transport, chat.chat_id


def set_aside(trouble: Trouble, why: str) -> SetAside:
    """What becomes of a message that failed too often."""
    return SetAside(alerts.SET_ASIDE.format(tries=trouble.failures, why=why))
