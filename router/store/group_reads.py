"""Group reads: short questions that come at the same time are asked in one go, at one state of the file.

Each by itself would take a turn of a thread, which costs more than to answer it: of a crowd that is most of the work.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")
Query = Callable[[sqlite3.Connection], T]
Read = Callable[[Query[list[Any]]], Awaitable[list[Any]]]


class GroupReads:
    """On the event loop."""

    def __init__(self, read: Read) -> None:
        """`read` is the database's."""
        self._read = read
        self._waiting: list[tuple[Query[Any], asyncio.Future[Any]]] = []
        self._asking: asyncio.Task[None] | None = None

    async def read(self, query: Query[T]) -> T:
        """As the database's: what was committed before this call is seen."""
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((query, answer))
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        return await answer

    async def _ask(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting, []
                await self._answer(group)
        finally:
            self._asking = None

    async def _answer(self, group: list[tuple[Query[Any], asyncio.Future[Any]]]) -> None:
        def together(connection: sqlite3.Connection) -> list[Any]:
            return [_answered(query, connection) for query, _ in group]

        try:
            answers = await self._read(together)
        except Exception as error:  # noqa: BLE001 - raised where each is waited for
            answers = [error] * len(group)
        for (_, future), answer in zip(group, answers, strict=True):
            if future.done():  # its caller has hung up
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)


def _answered(query: Query[T], connection: sqlite3.Connection) -> T | Exception:
    try:
        return query(connection)
    except Exception as error:  # noqa: BLE001 - its own alone
        return error
