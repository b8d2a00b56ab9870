"""The outbox: messages to people, leased to couriers. In order and one in flight per chat; a digest counts as one.

The most urgent goes first; status messages and what sessions say take turns. trouble.py says what waits behind one that
fails.

Which chats are busy or held back is kept in memory, in the writer thread: after a restart nothing is leased, and what
was is queued again, each member of a digest by itself. So a chat message may come twice after a crash; it is never
lost.
"""

import itertools
from collections.abc import Callable, Sequence
from functools import partial

from msgspec.structs import replace

from router.clock import Clock
from router.domain.backoff import backoff
from router.domain.command import ChatRef
from router.domain.notification import (
    MAX_AGE,
    Delivered,
    Event,
    GivenUp,
    Kind,
    Leased,
    Notification,
    NotificationState,
    Returned,
    Spared,
)
from router.domain.trouble import Trouble
from router.services.delivery.backoffs import Backoffs
from router.services.outbox import digests
from router.services.outbox.bundles import Bundles
from router.services.outbox.couriers import AFTER_A_LOSS, NO_PAUSE, Courier, Delivery, RateLimitPause
from router.services.outbox.escalation import why_not as stood_in_for
from router.services.outbox.placement import placed_together, placement
from router.services.outbox.status_lines import StatusLines
from router.services.outbox.troubles import NOTHING_HELD, Troubles, set_aside
from router.services.wakeups import HELD, Wakeups
from router.store import chats, messages, notifications
from router.store.database import Transaction

_BY_URGENCY = (Kind.QUESTION, Kind.ANSWER, Kind.STATUS, Kind.PROGRESS)
_PROGRESS_NEXT = (Kind.QUESTION, Kind.ANSWER, Kind.PROGRESS, Kind.STATUS)

_ALL_CHATS = ""


class Outbox:
    """Leases notifications to couriers and takes their receipts."""

    def __init__(
        self, clock: Clock, jitter: Callable[[], float], wakeups: Wakeups, lines: StatusLines,
        why_not: Callable[[Transaction, Notification], str],
    ) -> None:  # fmt: skip
        """`why_not` says why a message need not be brought; empty where it must."""
        self._clock = clock
        self._jitter = jitter
        self._wakeups = wakeups
        self._lines = lines
        self.load = lines.load  # for a start: nothing may end before it is known what was told
        self._why_not = why_not
        self._couriers: list[Courier] = []
        self._busy: set[tuple[str, str]] = set()  # chats with a delivery in flight
        self._backoffs: Backoffs[tuple[str, str]] = Backoffs(clock, wakeups)  # chats, or _ALL_CHATS
        self._bundles = Bundles(clock, wakeups)
        self._troubles = Troubles(clock, jitter, wakeups)
        self._lent: dict[str, tuple[str, str]] = {}  # by notification: its chat, of which each has one at most
        self._after_status_message: set[tuple[str, str]] = set()  # chats where it is the turn of what sessions say

    @property
    def links(self) -> int:
        """How many couriers are connected."""
        return len(self._couriers)

    def recover(self, tx: Transaction) -> None:
        """After a start nothing is leased any more."""
        # A courier may have brought them all the same: a message twice is better than none.
        for notification in notifications.leased(tx, ""):
            notifications.change(tx, notification, Returned("router restarted"), self._clock.now(), "router")
        self._lines.recover(tx)

    def open(self, tx: Transaction, courier: Courier, default_chats: list[ChatRef]) -> None:
        """A courier is there; give it what waits."""
        chats.set_defaults(tx, courier.transport, default_chats)
        tx.set(self, _couriers=[*self._couriers, courier])
        self.lease(tx, courier.transport)

    def lost(self, tx: Transaction, courier: Courier) -> None:
        """A courier is gone: what it had is queued again."""
        if courier not in self._couriers:
            return  # its opening was not stored
        tx.set(self, _couriers=[each for each in self._couriers if each is not courier])
        # A copy: settling takes each out of it.
        for notification in list(courier.leased.values()):
            self._hold(tx, notification.chat, AFTER_A_LOSS)
            self._settle(tx, courier, notification, Returned("courier gone"))
        for notification_id, notification in list(courier.lent.items()):
            self._hold(tx, notification.chat, AFTER_A_LOSS)
            self.given_back(tx, courier, notification_id)
        self.lease(tx, courier.transport)

    def add(self, tx: Transaction, notification: Notification, actor: str) -> None:
        """Accept a notification, for a chat that moved under its new id; lease it at once if a courier has room."""
        # Under the new id: else it would wait in a queue that no courier can empty.
        if (chat := chats.current(tx, notification.chat)) is not notification.chat:
            notification = replace(notification, chat=chat)
        notifications.insert(tx, notification, actor)
        self.lease(tx, notification.chat.transport)

    def owe(self, tx: Transaction, chat: ChatRef, session_id: str) -> None:
        """Let a chat be told that something waits for a session; now, if a courier can bring it."""
        if self._lines.owe(tx, chat, session_id) and self._free(chat.transport, chat.chat_id):
            self.lease(tx, chat.transport)

    def owe_end(self, tx: Transaction, chat: ChatRef, ended_at: float) -> bool:
        """Whether the line on how a command ended is made later: a courier can bring none to its chat now."""
        can_bring, owed = self._can_bring(chat), chat.transport in self._lines.owed_ends
        if can_bring and not owed:
            return False
        self._lines.owe_end(tx, chat.transport, ended_at)
        if can_bring:
            self.lease(tx, chat.transport)  # behind those that were owed before
        return True

    def lend(self, tx: Transaction, notification: Notification, edit_ids: tuple[str, ...]) -> bool:
        """Give a courier what need not come, and is on no disk; False where it could be in the way of anything."""
        chat, place = notification.chat, (notification.chat.transport, notification.chat.chat_id)
        courier = next((c for c in self._couriers if c.transport == chat.transport and c.has_plenty_of_room), None)
        if courier is None or place in self._lent.values() or not self._free(*place):
            return False
        where = placement(tx, notification, self._clock.now())
        # Two that come at the same time would each make a topic.
        if notifications.any_queued(tx, chat) or (where.own_topic and not where.thread_id):
            return False
        tx.put(courier.lent, notification.notification_id, notification)
        tx.put(self._lent, notification.notification_id, place)
        tx.after_commit(partial(courier.bring, Delivery(notification, edit_ids, where)))
        return True

    def is_lent(self, notification_id: str) -> bool:
        """Whether a courier has it still."""
        return notification_id in self._lent

    def given_back(
        self, tx: Transaction, courier: Courier, notification_id: str, pause: RateLimitPause = NO_PAUSE
    ) -> Notification | None:
        """A courier is done with what it was lent; None where that was nothing."""
        if (lent := tx.pop(courier.lent, notification_id)) is not None:
            tx.pop(self._lent, notification_id)
            self._hold(tx, lent.chat, pause)
        return lent

    def lease(self, tx: Transaction, transport: str) -> None:
        """Give couriers of a platform what they have room for."""
        for gone in [c for c in self._couriers if c.gone]:
            self.lost(tx, gone)  # again: when it went, that could not be stored
        # Credit is the courier's word on how much it can bring at once; a chat gets one at a time anyhow.
        couriers = [c for c in self._couriers if c.transport == transport and len(c.leased) < c.credit]
        if not couriers:
            return
        self._lines.write(tx, transport, self._free, sum(c.credit - len(c.leased) for c in couriers))
        if transport in self._lines.owed_ends:  # more than were written at once
            tx.after_commit(partial(self._wakeups.wake, HELD))
        # Behind what is spared there is something else at the head.
        while self._lease_heads(tx, transport, couriers):
            couriers = [c for c in couriers if len(c.leased) < c.credit]

    def _lease_heads(self, tx: Transaction, transport: str, couriers: list[Courier]) -> bool:
        """Lease one message to each chat that is free; whether something was spared."""
        spared = False
        for chat_id, position in notifications.heads(tx, transport):
            if not couriers:
                return False
            if self._free(transport, chat_id) and (queued := self._next(tx, transport, chat_id, position)):
                if why := stood_in_for(tx, queued) or self._why_not(tx, queued):
                    notifications.change(tx, queued, Spared(why), self._clock.now(), "router")
                    self._troubles.forget(tx, queued)
                    tx.after_commit(partial(self._wakeups.wake, queued.notification_id))
                    spared = True
                else:
                    self._lease_one(tx, couriers[0], queued)
                    couriers = [c for c in couriers if len(c.leased) < c.credit]
        return spared

    def receipt(
        self, tx: Transaction, courier: Courier, notification_id: str, attempt: int, event: Event,
        pause: RateLimitPause = NO_PAUSE,
    ) -> list[Notification]:  # fmt: skip
        """A courier says what became of a delivery, and how long its chat rests.

        Returns what changed by it: the message, and others that are set aside; nothing where it was for an older lease.
        """
        notification = courier.leased.get(notification_id)
        # An older lease was given up when it ran out; what it says now is about a try that no longer counts.
        if notification is None or notification.attempt != attempt:
            return []
        # Before anything is leased below: the platform's limits are for what comes next.
        self._hold(tx, notification.chat, pause)
        if isinstance(event, Delivered):
            changed = self._delivered(tx, courier, notification, event)
        else:
            changed = [self._settle(tx, courier, notification, event)]
            if not changed[0].state.live:
                self._troubles.forget(tx, notification)
        self.lease(tx, courier.transport)
        return changed

    def retry_later(
        self, tx: Transaction, courier: Courier, notification_id: str, attempt: int, detail: str, after: float | None,
        pause: RateLimitPause = NO_PAUSE, *, alone: bool = False,
    ) -> list[Notification]:  # fmt: skip
        """Not now: leave the chat alone for `after` seconds, else for a backoff by attempt; or the message `alone`."""
        leased = courier.leased.get(notification_id)
        # As in receipt, and before a failure is counted.
        if leased is None or leased.attempt != attempt:
            return []
        if self._troubles.is_alone(tx, leased, told=alone, later=after is not None):
            trouble = self._troubles.failed(tx, leased, after or 0.0)
            event = set_aside(trouble, detail) if trouble else Returned(detail)
            return self.receipt(tx, courier, notification_id, attempt, event, pause)
        # The platform's own word counts where it gave one; else the whole chat waits, not the message.
        delay = backoff(max(1, attempt), self._jitter()) if after is None else after
        longer = RateLimitPause(max(delay, pause.chat), pause.everywhere)
        return self.receipt(tx, courier, notification_id, attempt, Returned(detail), longer)

    def release_held(self, tx: Transaction) -> float | None:
        """Lease to chats whose wait is over; returns seconds until the next one is."""
        chats_free = [*self._backoffs.release(tx), *self._bundles.release(tx)]
        freed = {transport for transport, _ in chats_free} | self._troubles.release(tx)
        for transport in sorted(freed | set(self._lines.owed_ends)):
            self.lease(tx, transport)
        waits = self._backoffs.next(), self._bundles.next(), self._troubles.next()
        return min((wait for wait in waits if wait is not None), default=None)

    def expire_lease(self, tx: Transaction, courier: Courier, notification_id: str, attempt: int) -> None:
        """A lease is over without a receipt."""
        self.given_back(tx, courier, notification_id)
        self.receipt(tx, courier, notification_id, attempt, Returned("no receipt in time"))

    def expire(self, tx: Transaction) -> None:
        """Give up what is a day old."""
        for notification in notifications.expired(tx, self._clock.now() - MAX_AGE):
            notifications.change(tx, notification, GivenUp(), self._clock.now(), "router")
            self._troubles.forget(tx, notification)
            tx.after_commit(partial(self._wakeups.wake, notification.notification_id))

    def _hold(self, tx: Transaction, chat: ChatRef, pause: RateLimitPause) -> None:
        """Lease nothing to a chat, or to all, for a while. What is held longer already stays so."""
        for chat_id, seconds in ((chat.chat_id, pause.chat), (_ALL_CHATS, pause.everywhere)):
            if seconds > 0:
                self._backoffs.add(tx, (chat.transport, chat_id), seconds)

    def _can_bring(self, chat: ChatRef) -> bool:
        has_room = any(c.transport == chat.transport and len(c.leased) < c.credit for c in self._couriers)
        return has_room and self._free(chat.transport, chat.chat_id)

    def _free(self, transport: str, chat_id: str) -> bool:
        held = any(self._backoffs.waits((transport, each)) for each in (chat_id, _ALL_CHATS))
        # One in flight a chat: so order holds, and an edit finds the message that it changes.
        return not held and (transport, chat_id) not in self._busy

    def _next(self, tx: Transaction, transport: str, chat_id: str, head: int) -> Notification | None:
        """What a chat gets now; `head`: the position of its most urgent."""
        ways = self._troubles.held(transport, chat_id)
        turn = (transport, chat_id) in self._after_status_message
        found = notifications.at(tx, head) if ways == [NOTHING_HELD] and not turn else None
        if found and not self._bundles.waits(tx, found):
            return found
        kinds = _PROGRESS_NEXT if turn else _BY_URGENCY
        # Ways first: what is held back by more is asked for only when nothing else is there.
        return self._bundles.first(tx, transport, chat_id, itertools.product(ways, kinds))

    def _lease_one(self, tx: Transaction, courier: Courier, queued: Notification) -> None:
        # What failed goes alone: so it is seen which of several it is about.
        now = self._clock.now()
        others = [] if queued.notification_id in self._troubles else digests.others(tx, queued, now)
        words = digests.words([queued, *others])[0]
        about = f"{words} {', '.join(each.notification_id for each in others)}" if others else ""
        notification = notifications.change(tx, queued, Leased(), now, courier.transport, about)
        if others:
            self._lease_others(tx, courier, notification, others)
        key = (notification.chat.transport, notification.chat.chat_id)
        tx.add(self._busy, key)
        self._take_turns(tx, key, notification.kind)
        self._troubles.leased(tx, notification)
        tx.put(courier.leased, notification.notification_id, notification)
        edited = notifications.find(tx, notification.edits) if notification.edits else None
        # Nothing to edit where it was never shown: then it comes as a new message.
        ids = edited.message_ids if edited and edited.state is NotificationState.DELIVERED else ()
        run = [notification, *others]
        delivery = Delivery(digests.together(tx, run, now), ids, placed_together(tx, run, now))
        # After the commit: a courier must have nothing that the disk does not know to be leased.
        tx.after_commit(lambda: courier.bring(delivery))

    def _take_turns(self, tx: Transaction, chat: tuple[str, str], kind: Kind) -> None:
        if kind is Kind.STATUS:
            tx.add(self._after_status_message, chat)
        elif kind is Kind.PROGRESS:
            tx.discard(self._after_status_message, chat)

    def _lease_others(
        self, tx: Transaction, courier: Courier, first: Notification, others: Sequence[Notification]
    ) -> None:
        now, about = self._clock.now(), f"{digests.words([first, *others])[1]} {first.notification_id}"
        leased = [notifications.change(tx, each, Leased(), now, courier.transport, about) for each in others]
        tx.put(courier.digested, first.notification_id, leased)

    def _delivered(
        self, tx: Transaction, courier: Courier, leased: Notification, event: Delivered
    ) -> list[Notification]:
        others = courier.digested.get(leased.notification_id, [])
        told_together = leased.kind is Kind.STATUS and bool(others)
        # To each command its end is a mark then: what is still to be said of one does not change the line of all.
        settled = replace(event, message_ids=()) if told_together else event
        changed = self._settle(tx, courier, leased, settled)
        if changed.session_id:
            chat, at = chats.current(tx, changed.chat), self._clock.now()  # it may have moved by this very report
            about = digests.about([leased, *others])
            messages.remember(tx, chat, event.message_ids, about, changed.notification_id, at)
        # An edit or a mark is no new message: it proves nothing about those that wait.
        if changed.edits or (changed.as_mark and not event.message_ids):
            self._troubles.forget(tx, leased)
            return [changed]
        return [changed, *(self._passed(tx, each) for each in self._troubles.taken(tx, leased))]

    def _passed(self, tx: Transaction, trouble: Trouble) -> Notification:
        """Set one aside that a later one has passed."""
        waiting = notifications.get(tx, trouble.notification.notification_id)
        event = set_aside(trouble, waiting.detail)
        tx.after_commit(partial(self._wakeups.wake, waiting.notification_id))
        return notifications.change(tx, waiting, event, self._clock.now(), "router")

    def _settle(self, tx: Transaction, courier: Courier, leased: Notification, event: Event) -> Notification:
        changed = notifications.change(tx, leased, event, self._clock.now(), courier.transport)
        key = (leased.chat.transport, leased.chat.chat_id)
        # Its place and its chat are free again, in the transaction that says what became of it.
        tx.pop(courier.leased, leased.notification_id)
        tx.discard(self._busy, key)
        tx.after_commit(partial(self._wakeups.wake, leased.notification_id))
        self._settle_others(tx, courier, leased.notification_id, event)
        return changed

    def _settle_others(self, tx: Transaction, courier: Courier, first: str, event: Event) -> None:
        """What becomes of the first of a digest becomes of all of it, in the same transaction."""
        for each in tx.pop(courier.digested, first) or ():
            notifications.change(tx, each, event, self._clock.now(), courier.transport)
            tx.after_commit(partial(self._wakeups.wake, each.notification_id))
