"""Which writes wait for company, who takes them along, which of them may be lost in a power cut, and how often the log
is brought into the file.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.store.database import CHECKPOINT_EVERY, Database
from agent.store.group_commit import Transaction
from tests.integration.agent.test_store import opened


def noting(order: list[str], name: str) -> Callable[[Transaction], int]:
    """An operation that writes, and notes how sure its commit will be."""

    def operation(tx: Transaction) -> int:
        order.append(name)
        tx.execute("INSERT INTO doubts (bare_id) VALUES (?)", (name,))
        return int(tx.execute("PRAGMA synchronous").fetchone()[0])

    return operation


async def commits(database: Database, what: str = "COMMIT") -> list[str]:
    connection = await database.write(lambda tx: tx.execute.__self__)
    seen: list[str] = []
    connection.set_trace_callback(lambda statement: statement.startswith(what) and seen.append(statement))
    return seen


@pytest.mark.parametrize("urgent", [False, True])
async def test_who_is_patient_goes_right_before_the_next_write_and_in_its_transaction(
    data_dir: Path, urgent: bool
) -> None:
    order: list[str] = []
    async with opened(data_dir) as database:
        seen = await commits(database)
        patient = database.write(noting(order, "patient"), patient=True)
        await database.write(noting(order, "next"), urgent=urgent)
        await patient

        assert (order, seen) == (["patient", "next"], ["COMMIT"])


async def test_what_is_urgent_does_not_overtake_who_was_patient_before_it(data_dir: Path) -> None:
    order: list[str] = []
    async with opened(data_dir) as database:
        handed_in = asyncio.Event()
        loop = asyncio.get_running_loop()
        database.write(lambda _: asyncio.run_coroutine_threadsafe(handed_in.wait(), loop).result())
        database.write(noting(order, "patient"), patient=True)
        database.write(noting(order, "hurries it"))
        last = database.write(noting(order, "urgent"), urgent=True)
        handed_in.set()
        await last

    assert order == ["patient", "urgent", "hurries it"]


async def test_who_is_patient_does_not_wait_for_ever(data_dir: Path) -> None:
    async with opened(data_dir) as database:
        assert await database.write(noting([], "patient"), patient=True) == 2


@pytest.mark.parametrize(("in_reach", "waits"), [(3600.0, True), (-1.0, False)])
async def test_who_is_patient_waits_longer_while_another_command_can_be_expected(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, in_reach: float, waits: bool
) -> None:  # fmt: skip
    for name, seconds in {"PATIENT_DELAY": 0.0, "MORE_PATIENT_DELAY": 3600.0, "IN_REACH": in_reach}.items():
        monkeypatch.setattr(f"agent.store.database.{name}", seconds)
    order: list[str] = []
    async with opened(data_dir) as database:
        for name in ("one", "another"):
            await database.write(noting(order, name), urgent=True)
        database.write(noting(order, "patient"), patient=True)
        asked = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.0, asked.set_result, None)  # behind its alarm
        await asked
        await database.read(lambda _: order.append("look"))

        assert ("patient" not in order) is waits


async def test_a_look_hurries_nobody_and_sees_nothing_of_it(data_dir: Path) -> None:
    async with opened(data_dir) as database:
        patient = database.write(noting([], "patient"), patient=True)
        count = await database.read(lambda tx: tx.execute("SELECT COUNT(*) FROM doubts").fetchone()[0])

        assert (count, patient.done()) == (0, False)


async def test_many_do_not_wait_for_each_other(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.store.database.PATIENT_DELAY", 3600.0)
    async with opened(data_dir) as database:
        waiting = [database.write(noting([], str(number)), patient=True) for number in range(64)]
        for one in waiting:
            await one


async def test_what_was_handed_in_is_written_before_the_end(data_dir: Path) -> None:
    order: list[str] = []
    async with opened(data_dir) as database:
        database.write(noting(order, "lazy"), lazy=True)
        database.write(noting(order, "patient"), patient=True)

    assert sorted(order) == ["lazy", "patient"]


async def test_only_what_is_lazy_goes_without_a_sync_and_the_next_is_sure_again(data_dir: Path) -> None:
    async with opened(data_dir) as database:
        lazy = await database.write(noting([], "lazy"), lazy=True)
        sure = await database.write(noting([], "sure"))
        again = database.write(noting([], "again"), lazy=True)
        together = database.write(noting([], "together"), patient=True)

        assert (lazy, sure, await again, await together) in {(1, 2, 1, 2), (1, 2, 2, 2)}


async def test_a_log_that_was_long_once_is_brought_into_the_file_no_more_often(data_dir: Path) -> None:
    async with opened(data_dir) as database:
        seen = await commits(database, "PRAGMA wal_checkpoint")
        await database.write(noting([], "x" * 8 * 1024 * 1024))
        for number in range(3 * CHECKPOINT_EVERY):
            await database.write(noting([], str(number)))

        assert len(seen) == 3
