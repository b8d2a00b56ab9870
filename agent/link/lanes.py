"""What waits to be written on a link: control frames (receipts, heartbeats) before results, these before events."""

import asyncio
from collections import deque

from agent.domain.frames import AgentFrame, SaidDelta


class Lanes:
    """Three queues with one taker. What may wait here is bounded by the link's windows, not by the queues."""

    def __init__(self) -> None:
        self._control: deque[AgentFrame] = deque()
        self._bulk: deque[AgentFrame] = deque()
        self._events: deque[AgentFrame] = deque()
        self._changed = asyncio.Event()
        self._quiet = asyncio.Event()  # nothing waits, and what was taken is written
        self._closing = False

    def control(self, frame: AgentFrame) -> None:
        """To be written before all results."""
        self._put(self._control, frame)

    def bulk(self, frame: AgentFrame) -> None:
        """To be written when no control frame waits."""
        self._put(self._bulk, frame)

    def events(self, frame: AgentFrame) -> None:
        """To be written when nothing else waits: it promises nothing. What holds only for now is dropped then."""
        if isinstance(frame.body, SaidDelta) and (self._control or self._bulk or self._events):
            return
        self._put(self._events, frame)

    def close(self) -> None:
        """After what is here, no more."""
        self._closing = True  # what is here still goes
        self._changed.set()

    async def take(self) -> AgentFrame | None:
        """The next frame; None when closed and empty. One taker: asking again means that the last one is written."""
        while not (self._control or self._bulk or self._events):
            self._quiet.set()
            if self._closing:
                return None
            self._changed.clear()
            await self._changed.wait()
        # A receipt behind results would cost the router its window.
        return (self._control or self._bulk or self._events).popleft()

    async def drained(self) -> None:
        """Wait until everything is written."""
        await self._quiet.wait()

    def _put(self, lane: "deque[AgentFrame]", frame: AgentFrame) -> None:
        lane.append(frame)
        self._quiet.clear()  # before anybody can ask: `drained` must not see the frame as gone
        self._changed.set()
