"""What is lazy shares the commit of the next command, where few wait and that is soon to be expected."""

import asyncio
from pathlib import Path

import pytest

from router.store.database import TAKEN_ALONG, Database
from tests.integration.router.store.stage import noted, play

HOUR = 3600.0


@pytest.fixture
def path(data_dir: Path) -> Path:
    return data_dir / "test.db"


@pytest.fixture(autouse=True)
def times(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow this machine is: nobody waits by the clock, and all that waits has waited for long enough."""
    for name, seconds in {"LAZY_DELAY": HOUR, "TAKEN_AFTER": 0.0, "IN_REACH": HOUR}.items():
        monkeypatch.setattr(f"router.store.database.{name}", seconds)


@pytest.mark.parametrize(("count", "are_on_disk"), [(1, True), (TAKEN_ALONG, True), (TAKEN_ALONG + 1, False)])
def test_a_command_takes_along_what_has_waited_where_that_is_little(path: Path, count: int, are_on_disk: bool) -> None:
    async def story(database: Database) -> bool:
        waiting = [database.write(noted(f"{number}"), lazy=True) for number in range(count)]
        await database.write(noted("command"), urgent=True)
        return all(one.done() for one in waiting)

    assert play(path, story) is are_on_disk


def test_a_command_does_not_take_along_what_has_not_waited(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.store.database.TAKEN_AFTER", HOUR)

    async def story(database: Database) -> bool:
        waiting = database.write(noted("receipt"), lazy=True)
        await database.write(noted("command"), urgent=True)
        return waiting.done()

    assert play(path, story) is False


def test_commands_that_come_together_take_it_along_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.store.database.TAKEN_AFTER", HOUR)

    async def story(database: Database) -> bool:
        waiting = database.write(noted("receipt"), lazy=True)
        await database.write(noted("commands"), urgent=True, many=True)
        return waiting.done()

    assert play(path, story) is True


@pytest.mark.parametrize(("in_reach", "is_on_disk"), [(HOUR, False), (-1.0, True)])
def test_what_has_waited_waits_on_only_while_another_command_can_be_expected(
    path: Path, monkeypatch: pytest.MonkeyPatch, in_reach: float, is_on_disk: bool
) -> None:  # fmt: skip
    for name, seconds in {"LAZY_DELAY": 0.0, "TAKEN_AFTER": HOUR, "IN_REACH": in_reach}.items():
        monkeypatch.setattr(f"router.store.database.{name}", seconds)

    async def story(database: Database) -> bool:
        await database.write(noted("one"), urgent=True)
        await database.write(noted("another"), urgent=True)
        waiting = database.write(noted("receipt"), lazy=True)
        asked = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.0, asked.set_result, None)  # behind its alarm
        await asked
        for _ in range(2):  # what is in the writer's hands has its turn before the second
            await database.write(noted("command"), urgent=True)
        return waiting.done()

    assert play(path, story) is is_on_disk


def test_it_does_not_wait_for_ever(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.store.database.LAZY_DELAY", 0.0)
    monkeypatch.setattr("router.store.database.IN_REACH", 0.02)

    async def story(database: Database) -> str:
        await database.write(noted("command"), urgent=True)
        await database.write(noted("another"), urgent=True)
        return await database.write(noted("receipt"), lazy=True)

    assert play(path, story) == "receipt"
