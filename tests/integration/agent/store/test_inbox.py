"""Commands on disk move as the table of states allows, through every door, and not otherwise."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from agent.domain.command import IllegalMove, Outcome, Reason
from agent.domain.frames import Welcome
from agent.store.database import Database
from agent.store.inbox import Inbox, Start
from agent.store.outbox import Outbox
from tests.integration.agent.test_store import command, opened

Door = Callable[[Inbox], Awaitable[object]]
REFUSED = "refused"
GONE = Outcome.failed(Reason.TARGET_GONE, "gone")


async def finish(inbox: Inbox) -> object:
    try:
        return await inbox.finish("c1", GONE, None)
    except IllegalMove:
        return REFUSED


async def recalled(inbox: Inbox, *, outdated: bool) -> None:
    await inbox.welcomed(Welcome(2, recalled=("c1",), inbox_outdated=outdated), 1.0)


DOORS: dict[str, Door] = {
    "start": lambda inbox: inbox.start("c1"),
    "finish": finish,
    "cancel": lambda inbox: inbox.cancel("c1", 1.0),
    "recalled": lambda inbox: recalled(inbox, outdated=False),
    "disowned": lambda inbox: recalled(inbox, outdated=True),
    "recover": lambda inbox: inbox.recover(),
}
STATES: dict[str, tuple[Door, ...]] = {
    "received": (),
    "started": (DOORS["start"],),
    "finished": (lambda inbox: inbox.finish("c1", Outcome.done(), 1.0),),
}
# (state, door) -> the state after it, its ending, and how many results are in the outbox
MOVES: dict[tuple[str, str], tuple[str, str, int]] = {
    ("received", "start"): ("started", "", 0),
    ("received", "finish"): ("finished", "failed", 1),
    ("received", "cancel"): ("finished", "cancelled", 1),
    ("received", "recalled"): ("finished", "cancelled", 1),
    ("received", "disowned"): ("finished", "cancelled", 0),
    ("started", "finish"): ("finished", "failed", 1),
    ("started", "recover"): ("finished", "uncertain", 1),
}


async def brought_to(inbox: Inbox, state: str) -> None:
    await inbox.store([command("c1")], 0.0)
    for door in STATES[state]:
        await door(inbox)


async def rows(database: Database) -> list[object]:
    both = "SELECT command_id, state, ending, result_seq FROM inbox UNION ALL SELECT kind, payload, 0, 0 FROM outbox"
    return await database.read(lambda tx: tx.execute(both).fetchall())


@pytest.mark.parametrize(("state", "door"), MOVES)
async def test_a_door_moves_a_command_as_the_table_says(data_dir: Path, state: str, door: str) -> None:
    async with opened(data_dir) as database:
        inbox = Inbox(database, Outbox(database))
        await brought_to(inbox, state)

        await DOORS[door](inbox)

        where = "SELECT state, ending, (SELECT count(*) FROM outbox) FROM inbox"
        found = await database.read(lambda tx: tx.execute(where).fetchall())
    assert found == [MOVES[state, door]]


@pytest.mark.parametrize(
    ("state", "door"), [(state, door) for state in STATES for door in DOORS if (state, door) not in MOVES]
)
async def test_where_the_table_has_no_such_row_nothing_changes(data_dir: Path, state: str, door: str) -> None:
    async with opened(data_dir) as database:
        inbox = Inbox(database, Outbox(database))
        await brought_to(inbox, state)
        before = await rows(database)

        said = await DOORS[door](inbox)

        assert await rows(database) == before
    assert said in (Start.FORBIDDEN, REFUSED, False, None) or door == "recover"


async def test_what_never_came_can_neither_start_nor_end(data_dir: Path) -> None:
    async with opened(data_dir) as database:
        inbox = Inbox(database, Outbox(database))

        assert await inbox.start("c1") is Start.FORBIDDEN
        assert await finish(inbox) is REFUSED
        assert await rows(database) == []


async def test_what_is_taken_back_before_it_comes_is_known_as_ended_when_it_does(data_dir: Path) -> None:
    async with opened(data_dir) as database:
        inbox = Inbox(database, Outbox(database))

        taken_back = await inbox.cancel("c1", 0.0)
        (receipt,) = await inbox.store([command("c1")], 1.0)

        assert taken_back
        assert receipt.state is not None
        assert receipt.state.value == "finished"
        assert await inbox.start("c1") is Start.FORBIDDEN


@pytest.mark.parametrize(
    ("question", "index"),
    [
        (lambda inbox: inbox.depth(), "inbox_open"),
        (lambda inbox: inbox.recover(), "inbox_open"),
        (lambda inbox: inbox.start("c1"), "command_id=?"),
        (lambda inbox: inbox.welcomed(Welcome(2, resend_floors={"s1": 2}), 0.0), "inbox_finished (session_id=?"),
    ],
    ids=["depth", "recover", "start", "prune"],
)
async def test_a_long_past_is_not_read_through(data_dir: Path, question: Door, index: str) -> None:
    asked: list[str] = []
    async with opened(data_dir) as database:
        inbox = Inbox(database, Outbox(database))
        await database.write(lambda tx: tx.execute.__self__.set_trace_callback(asked.append))  # type: ignore[attr-defined]
        await question(inbox)
        await database.write(lambda tx: tx.execute.__self__.set_trace_callback(None))  # type: ignore[attr-defined]
        about = [one for one in asked if '"inbox"' in one]
        plans = [
            row[3]
            for one in about
            for row in await database.read(lambda tx, one=one: tx.execute(f"EXPLAIN QUERY PLAN {one}").fetchall())  # type: ignore[misc]
        ]

    assert any(index in step for step in plans)
    assert not [step for step in plans if step.startswith("SCAN") and "USING" not in step]
