"""Couriers that are connected, what they are given, and how long their platform wants to be left alone."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from router.domain.notification import Notification
from router.services.outbox.placement import Placement

# Enough to keep a platform busy, and few to bring twice when a courier dies.
MAX_IN_FLIGHT = 32  # deliveries per courier


@dataclass(frozen=True, slots=True)
class Delivery:
    """A leased notification with what the courier needs beside it."""

    notification: Notification
    edit_message_ids: tuple[str, ...]
    placement: Placement


@dataclass(frozen=True, slots=True)
class RateLimitPause:
    """How long a platform wants to be left alone, in seconds: one chat, and all of them."""

    chat: float = 0.0
    everywhere: float = 0.0


@dataclass(frozen=True, slots=True)
class Later:
    """Not now; `after` in seconds where the platform said when. `alone`: it may be about this message alone."""

    detail: str
    after: float | None
    alone: bool = False


NO_PAUSE = RateLimitPause()
# Whoever is gone may have brought the message just now, and the next one cannot know.
AFTER_A_LOSS = RateLimitPause(chat=1.0)


@dataclass(eq=False, slots=True)
class Courier:
    """One open delivery stream. `leased` is the writer thread's; `ready` and `wake` are the event loop's."""

    transport: str
    credit: int
    gone: bool = False  # the stream has ended
    leased: dict[str, Notification] = field(default_factory=dict)
    digested: dict[str, list[Notification]] = field(default_factory=dict)  # by the first of a digest: the others
    lent: dict[str, Notification] = field(default_factory=dict)  # beside the queue
    ready: deque[Delivery] = field(default_factory=deque)
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def has_plenty_of_room(self) -> bool:
        """Whether something that need not come would keep nothing else from being brought."""
        return not self.gone and len(self.leased) + len(self.lent) < max(1, self.credit // 4)

    def bring(self, delivery: Delivery) -> None:
        """Queue a delivery for the stream's one writer."""
        self.ready.append(delivery)
        self.wake.set()
