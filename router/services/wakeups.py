"""Callers that wait for something to happen to an id."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

ANYTHING = ""
EXPIRY = "expiry"  # a command or a key may end sooner than the next look
HELD = "held"  # something began to wait out a backoff
DEFERRED = "deferred"  # something is to be done later, or at another moment


class Wakeups:
    """Wakes whoever waits. Lives on the event loop."""

    def __init__(self) -> None:
        self._events: dict[str, set[asyncio.Event]] = {}

    def wake(self, subject_id: str) -> None:
        """Something happened to that id."""
        # Who waits for anything (a watcher) is woken by everything.
        for key in (subject_id, ANYTHING):
            for event in self._events.get(key, ()):
                event.set()

    def wake_each(self, subject_ids: Sequence[str]) -> None:
        """The same for many that were written: who waits for anything is woken by their commit."""
        for subject_id in subject_ids:
            for event in self._events.get(subject_id, ()):
                event.set()

    @contextmanager
    def on(self, *subject_ids: str) -> Iterator[asyncio.Event]:
        """An event that is set by every wake-up of those ids from now on. Enter before looking, to miss none."""
        event = asyncio.Event()
        for each in subject_ids:
            self._events.setdefault(each, set()).add(event)
        try:
            yield event
        finally:
            for each in dict.fromkeys(subject_ids):
                waiting = self._events[each]
                waiting.discard(event)
                # Ids are without number: one that nobody waits for is not kept.
                if not waiting:
                    del self._events[each]


async def set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event; False when it was not set in time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
