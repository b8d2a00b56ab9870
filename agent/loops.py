"""What goes on by itself while the agent runs. A part that breaks ends the agent: it is started anew, and whole.

An agent that went on without one of its parts would look well, and do half of its work.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from agent.domain.errors import LoopBroken

T = TypeVar("T")
logger = logging.getLogger(__name__)

Work = Callable[[], Coroutine[Any, Any, object]]


async def guarded(name: str, work: Work) -> None:
    """Work that may end. Raises LoopBroken, having logged why, where an error ends it."""
    try:
        await work()
    except LoopBroken:  # logged where it broke
        raise
    except asyncio.CancelledError:
        if is_cancelled():  # by us, and on purpose
            raise
        logger.exception("broken name=%s", name)
        raise LoopBroken(name, "it was cancelled") from None
    except Exception as error:
        logger.exception("broken name=%s", name)
        raise LoopBroken(name, type(error).__name__) from error


async def endless(name: str, work: Work) -> None:
    """Work that goes on until it is cancelled. Raises LoopBroken when it ends."""
    await guarded(name, work)
    logger.error("ended name=%s", name)
    raise LoopBroken(name, "it came to an end")


class Tasks:
    """Starts work that may end, and knows when some of it breaks."""

    def __init__(self) -> None:
        self._told = asyncio.Event()
        self._broken: BaseException | None = None

    def start(self, name: str, work: Work) -> asyncio.Task[None]:
        task = asyncio.create_task(guarded(name, work), name=name)  # with its name: dumps of tasks tell by it
        task.add_done_callback(self._look)
        return task

    async def watch(self) -> None:
        """Raises LoopBroken as soon as something that was started breaks."""
        await self._told.wait()
        assert self._broken is not None  # noqa: S101 -- that is what was told
        raise self._broken

    def _look(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._broken = self._broken or error  # the first: others may break because of it
            self._told.set()


async def unless(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """What work makes; None where `stop` comes first, which ends it."""
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        working.cancel()
        stopping.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)


def is_cancelled() -> bool:
    """Whether somebody cancels this task; else a CancelledError in it tells of what it waits for."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
