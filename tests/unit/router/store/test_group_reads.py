"""Questions that come at the same time are one read; each is answered for itself."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial

import pytest

from router.store.group_reads import GroupReads, Query


class Reader:
    """A database that counts its reads, each of which takes until it is let go."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.reads = 0
        self.go_on = asyncio.Event()
        self.error: Exception | None = None

    async def read(self, query: Query[list[object]]) -> list[object]:
        self.reads += 1
        await self.go_on.wait()
        if self.error:
            raise self.error
        return query(self._connection)


@pytest.fixture
def reader() -> Iterator[Reader]:
    with closing(sqlite3.connect(":memory:")) as connection:
        yield Reader(connection)


def value(connection: sqlite3.Connection, number: int) -> int:
    return int(connection.execute("SELECT ?", (number,)).fetchone()[0])


def wrong(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT nothing FROM nowhere").fetchone()[0])


async def asked(reader: Reader, reads: GroupReads, *queries: Query[int]) -> "list[asyncio.Task[int]]":
    """Begun, and as far as they get while the read lasts."""
    tasks = [asyncio.create_task(reads.read(query)) for query in queries]
    before = reader.reads
    while reader.reads == before:
        await asyncio.sleep(0)
    return tasks


def test_what_comes_together_is_one_read_and_what_comes_meanwhile_the_next(reader: Reader) -> None:
    async def run() -> list[int]:
        reads = GroupReads(reader.read)
        first = await asked(reader, reads, *(partial(value, number=number) for number in range(3)))
        later = [asyncio.create_task(reads.read(partial(value, number=number))) for number in (7, 8)]
        await asyncio.sleep(0)
        reader.go_on.set()
        return await asyncio.gather(*first, *later)

    assert asyncio.run(run()) == [0, 1, 2, 7, 8]
    assert reader.reads == 2


def test_one_that_fails_fails_alone(reader: Reader) -> None:
    async def run() -> "list[int | BaseException]":
        reader.go_on.set()
        reads = GroupReads(reader.read)
        return await asyncio.gather(
            *await asked(reader, reads, wrong, partial(value, number=1)), return_exceptions=True
        )

    failed, answer = asyncio.run(run())

    assert isinstance(failed, sqlite3.OperationalError)
    assert answer == 1


def test_a_read_that_fails_fails_all_and_the_next_one_is_tried(reader: Reader) -> None:
    async def run() -> "list[int | BaseException]":
        reader.go_on.set()
        reader.error = sqlite3.OperationalError("disk I/O error")
        reads = GroupReads(reader.read)
        failed = await asyncio.gather(
            *await asked(reader, reads, *[partial(value, number=1)] * 2), return_exceptions=True
        )
        reader.error = None
        return [*failed, await reads.read(partial(value, number=2))]

    *failed, answer = asyncio.run(run())

    assert [str(each) for each in failed] == ["disk I/O error"] * 2
    assert answer == 2


def test_who_hangs_up_takes_no_other_ones_answer_away(reader: Reader) -> None:
    async def run() -> int:
        gone, stays = await asked(reader, GroupReads(reader.read), *(partial(value, number=n) for n in (1, 2)))
        gone.cancel()
        await asyncio.sleep(0)
        reader.go_on.set()
        return await stays

    assert asyncio.run(run()) == 2
