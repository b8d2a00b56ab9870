"""What is to happen after a commit happens once it is on disk, and only then."""

import asyncio
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from agent.domain.errors import StoreUnavailable
from agent.store.database import Database
from agent.store.group_commit import Transaction
from tests.integration.agent.test_store import opened


class Sign:
    """An operation that asks for word after its commit, each time it is run."""

    def __init__(self) -> None:
        self.told: list[int] = []
        self._runs: Iterator[int] = count(1)

    def __call__(self, tx: Transaction) -> int:
        run = next(self._runs)
        tx.execute("INSERT INTO doubts (bare_id) VALUES ('here')")
        tx.after_commit(lambda: self.told.append(run))
        return run


def fails(tx: Transaction) -> None:
    tx.execute("INSERT INTO doubts (bare_id) VALUES ('there')")
    tx.after_commit(lambda: pytest.fail("it was undone"))
    raise LookupError("on purpose")


async def together(database: Database, *operations: object) -> list[object]:
    """What these come to, in one transaction: they gather behind one that goes on as long as they are handed in."""
    handed_in = asyncio.Event()
    loop = asyncio.get_running_loop()
    ahead = database.write(lambda _: asyncio.run_coroutine_threadsafe(handed_in.wait(), loop).result())
    futures = [database.write(operation) for operation in operations]  # type: ignore[arg-type]
    handed_in.set()
    await ahead
    return await asyncio.gather(*futures, return_exceptions=True)


async def test_word_comes_before_the_caller_goes_on(data_dir: Path) -> None:
    sign = Sign()
    async with opened(data_dir) as database:
        await database.write(sign)

        assert sign.told == [1]


async def test_what_another_one_undid_is_told_of_once_it_is_kept(data_dir: Path) -> None:
    sign = Sign()
    async with opened(data_dir) as database:
        value, error = await together(database, sign, fails)

    assert (value, sign.told) == (2, [2])
    assert isinstance(error, LookupError)


async def test_what_the_disk_did_not_take_is_not_told_of(data_dir: Path) -> None:
    sign = Sign()
    async with opened(data_dir) as database:
        await database.write(lambda tx: tx.execute("PRAGMA query_only = 1"))
        with pytest.raises(StoreUnavailable):
            await database.write(sign)

    assert sign.told == []


async def test_what_fails_behind_a_commit_holds_up_nobody(data_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    sign = Sign()

    def mistaken(tx: Transaction) -> str:
        tx.after_commit(lambda: {}["no"])
        tx.after_commit(lambda: sign.told.append(7))
        return "kept"

    async with opened(data_dir) as database, asyncio.timeout(30):
        assert await together(database, mistaken, sign) == ["kept", 1]

    assert sign.told == [7, 1]
    assert "KeyError: 'no'" in caplog.text
