"""How commands get their ends on disk: each while the next one begins, and for as long as the disk is full."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from agent.domain.command import Command, Ending, IllegalMove, Outcome
from agent.domain.errors import StoreUnavailable
from agent.store.inbox import Inbox

logger = logging.getLogger(__name__)
T = TypeVar("T")

RETRY = 1.0  # seconds between tries to write when the disk is full


class Writing:
    """Writes and waits, until the agent stops: then nothing more is to be started."""

    def __init__(self, retry: float = RETRY) -> None:
        self.stopping = asyncio.Event()
        self._retry = retry

    async def insist(self, write: Callable[[], Awaitable[T]], begun: Awaitable[T] | None = None) -> T:
        """Write until the disk takes it; `begun` is a first try. Raises StoreUnavailable only when the agent stops."""
        while True:
            try:
                return await (begun or write())
            except StoreUnavailable:
                if self.stopping.is_set():
                    raise
            await self.pause(self._retry)
            begun = None

    async def pause(self, seconds: float) -> None:
        """Wait, unless the agent stops."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)


class WriteBehind:
    """The end of one command, on its way to the disk.

    The next command's STARTED is queued right behind it, so that one fsync carries both. Whoever must not let that end
    wait for what it is about to do itself, calls `finished` first.
    """

    def __init__(self, inbox: Inbox, writing: Writing) -> None:
        self._inbox = inbox
        self._writing = writing
        self._write: tuple[Callable[[], Awaitable[int]], Awaitable[int]] | None = None

    async def finish(self, command: Command, outcome: Outcome, typed_at: float | None = None) -> None:
        """A command is over. On disk it is when `finished` returns."""
        await self.finished()
        level = logging.DEBUG if outcome.ending is Ending.DONE else logging.INFO
        words = (command.command_id, outcome.ending, outcome.reason)
        logger.log(level, "command ended command_id=%s ending=%s reason=%s", *words)
        write = partial(self._inbox.finish, command.command_id, outcome, typed_at)
        self._write = (write, write())

    async def finished(self) -> None:
        """Wait until it is over on disk. That it had ended already is no matter of the next one."""
        if self._write is not None:
            (write, begun), self._write = self._write, None
            with suppress(IllegalMove):  # it was queued twice, or taken back
                await self._writing.insist(write, begun)
