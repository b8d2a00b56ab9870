"""What the programs without a terminal ask while they run: each waits for whoever decides, or until it is void."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from agent.loops import Tasks

logger = logging.getLogger(__name__)
A = TypeVar("A")


async def _nowhere() -> None:
    """There is nothing to keep."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What a person wrote beside a no; empty for nothing.

    It is kept on disk until `arrived` is called: the program has it, or people were told what became of it.
    """

    text: str = ""
    arrived: Callable[[], Awaitable[None]] = _nowhere


NOTHING = Beside()


def joined(written: Iterable[Beside]) -> str:
    """All of it, as one text."""
    return "\n".join(one.text for one in written)


async def arrived(*written: Beside) -> None:
    """The program has these, or people were told what became of them."""
    for one in written:
        await one.arrived()


class OpenQuestions(Generic[A]):
    """Those that wait for an answer, by a name for each."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._open: dict[str, asyncio.Task[None]] = {}

    def begin(
        self,
        name: str,
        ask: Callable[[], Awaitable[A]],
        answer: Callable[[A], Awaitable[None]],
        ended: "asyncio.Future[Any]",
        *,
        broken: A,
    ) -> None:
        """Bring a question to whoever decides, and the decision back; it is void when the program ends before.

        `broken` is the answer where asking broke: what nobody allowed is not done, and the program goes on.
        """
        work = partial(self._ask, ask, answer, ended, broken)
        task = self._open[name] = self._tasks.start(f"question {name}", work)
        task.add_done_callback(lambda _: self._open.pop(name))

    def withdraw(self, name: str) -> None:
        """It asks no more; without harm for one that has been answered."""
        if task := self._open.get(name):
            task.cancel()

    def withdraw_all(self, beginning: str) -> None:
        """The same for all whose name begins so."""
        for name in [name for name in self._open if name.startswith(beginning)]:
            self.withdraw(name)

    async def closed(self) -> None:
        """Wait until none is open: the programs that asked have ended."""
        await asyncio.gather(*self._open.values(), return_exceptions=True)

    async def _ask(
        self,
        ask: Callable[[], Awaitable[A]],
        answer: Callable[[A], Awaitable[None]],
        ended: "asyncio.Future[Any]",
        broken: A,
    ) -> None:
        asking = asyncio.ensure_future(ask())
        try:
            await asyncio.wait((asking, ended), return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                await answer(_decision(asking, broken))
        finally:
            asking.cancel()


def _decision(asking: "asyncio.Future[A]", broken: A) -> A:
    if error := asking.exception():
        logger.error("asking failed", exc_info=error)
        return broken
    return asking.result()
