"""The file: what it is made of, what it refuses, and what a group of writes means."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from agent.domain.command import Command, Ending, InboxState, Input, KeyPress, Lane, Outcome, Reason
from agent.domain.errors import AlreadyRunning, StoreUnavailable
from agent.domain.frames import (
    Button,
    CommandMark,
    CommandResult,
    Item,
    Mark,
    Notify,
    ReceiptOutcome,
    SessionChanged,
    SessionGone,
    Welcome,
)
from agent.domain.proposal import Proposal
from agent.domain.session import Process, Session, SessionState
from agent.store.database import Database
from agent.store.group_commit import Transaction
from agent.store.inbox import Inbox, Start
from agent.store.migrations import SCHEMA_VERSION
from agent.store.outbox import Outbox
from agent.store.sessions import SessionStore
from tests.rigs.agent_rig import eventually


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Database]:
    database = Database(folder)
    try:
        yield database
    finally:
        await database.close()


def command(name: str, *, sequence: int = 1, text: str = "hello") -> Command:
    return Command(name, "s1", 0, sequence, Lane.NORMAL, Input(text))


async def pragma(database: Database, name: str) -> object:
    return await database.write(lambda tx: tx.execute(f"PRAGMA {name}").fetchone()[0])


@pytest.mark.parametrize(
    ("name", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("wal_autocheckpoint", 0)]
)
async def test_a_commit_that_returned_survives_a_power_cut(data_dir: Path, name: str, value: object) -> None:
    async with opened(data_dir) as database:
        assert await pragma(database, name) == value


async def test_nobody_else_can_read_the_files(data_dir: Path) -> None:
    folder = data_dir / "agent"
    async with opened(folder) as database:
        await Outbox(database).append(Notify("n1", "s1", "secret"))

        modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}

        assert folder.stat().st_mode & 0o777 == 0o700
        assert modes == {"agent.db": 0o600, "agent.db-wal": 0o600, "agent.db-shm": 0o600}


async def test_the_folder_belongs_to_one_agent_at_a_time(data_dir: Path) -> None:
    async with opened(data_dir):
        with pytest.raises(AlreadyRunning, match="Stop it first"):
            Database(data_dir)
    async with opened(data_dir) as again:
        assert await pragma(again, "user_version") == SCHEMA_VERSION


async def test_a_file_of_the_first_version_is_taken_over_with_all_that_is_in_it(data_dir: Path) -> None:
    with closing(sqlite3.connect(data_dir / "agent.db")) as old:
        old.executescript(Path(__file__).with_name("v1.sql").read_text())

    async with opened(data_dir) as database:
        outbox = Outbox(database)
        inbox = Inbox(database, outbox)
        sessions = await SessionStore(database, outbox).load()
        memory = await inbox.memory()

        assert sessions == (Session("s1", "command", "api", "/srv", 3, SessionState.IDLE, {"command": "cat"}),)
        assert (memory.inbox_id, memory.last_link_epoch, memory.unresolved) == (
            "the inbox",
            7,
            (("c1", InboxState.RECEIVED),),
        )
        assert await pragma(database, "user_version") == SCHEMA_VERSION


async def test_an_upgraded_file_has_the_same_columns_as_a_new_one(data_dir: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(data_dir / "agent.db")) as old:
        old.executescript(Path(__file__).with_name("v1.sql").read_text())
    async with opened(data_dir) as upgraded, opened(tmp_path) as new:
        assert await columns(upgraded) == await columns(new)


async def columns(database: Database) -> list[tuple[str, ...]]:
    """Every column of every table, as far as code can tell them apart."""
    sql = """SELECT t.name, c.name, c.type, c."notnull", c.pk FROM sqlite_master t, pragma_table_info(t.name) c
             WHERE t.type = 'table' ORDER BY 1, 2"""
    return await database.write(lambda tx: tx.execute(sql).fetchall())


async def test_a_damaged_file_is_refused_with_its_name(data_dir: Path) -> None:
    (data_dir / "agent.db").write_bytes(b"not a database at all, but long enough to look like one" * 100)

    with pytest.raises(StoreUnavailable, match=r"agent\.db cannot be used"):
        Database(data_dir)


async def test_a_file_of_a_newer_version_is_refused(data_dir: Path) -> None:
    async with opened(data_dir) as database:
        await database.write(lambda tx: tx.execute("PRAGMA user_version = 99"))

    with pytest.raises(StoreUnavailable, match="newer version"):
        Database(data_dir)


async def test_an_operation_that_fails_takes_nothing_else_with_it(data_dir: Path) -> None:
    def writes_and_fails(tx: Transaction) -> None:
        tx.execute("INSERT INTO meta (key, value) VALUES ('half', '')")
        raise LookupError("on purpose")

    async with opened(data_dir) as database:
        outbox = Outbox(database)
        futures = (
            outbox.append(Notify("n1", "s1", "before")),
            database.write(writes_and_fails),
            outbox.append(Notify("n2", "s1", "after")),
        )
        before, failed, after = await asyncio.gather(*futures, return_exceptions=True)
        halves = await database.write(lambda tx: tx.execute("SELECT count(*) FROM meta WHERE key = 'half'").fetchone())

    assert (before, after, halves) == (1, 2, (0,))
    assert isinstance(failed, LookupError)


def twice(tx: Transaction) -> None:
    tx.execute("INSERT INTO doubts (bare_id) VALUES ('half')")
    tx.execute("INSERT INTO doubts (bare_id) VALUES ('half')")


def misspelt(tx: Transaction) -> None:
    tx.execute("INSERT INTO doubts (bare_id) VALUES ('half')")
    tx.execute("INSERT INTO dubts (bare_id) VALUES ('half')")


@pytest.mark.parametrize(("wrong", "kind"), [(twice, sqlite3.IntegrityError), (misspelt, sqlite3.OperationalError)])
async def test_what_breaks_a_rule_of_the_tables_fails_alone_and_leaves_nothing(
    data_dir: Path, wrong: Callable[[Transaction], None], kind: type[Exception]
) -> None:
    async with opened(data_dir) as database:
        outbox = Outbox(database)
        futures = (
            outbox.append(Notify("n1", "s1", "before")),
            database.write(wrong),
            outbox.append(Notify("n2", "s1", "after")),
            database.write(wrong),
        )
        before, failed, after, again = await asyncio.gather(*futures, return_exceptions=True)
        halves = await database.write(lambda tx: tx.execute("SELECT count(*) FROM doubts").fetchone())

    assert (before, after, halves) == (1, 2, (0,))
    assert isinstance(failed, kind)
    assert isinstance(again, kind)


async def test_a_mistake_of_which_nobody_asks_is_in_the_log(data_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with opened(data_dir) as database:
        database.write(misspelt, lazy=True)

    assert "no such table: dubts" in caplog.text
    assert "store unavailable" not in caplog.text


async def test_a_full_disk_fails_the_write_and_the_next_one_works_when_there_is_room(data_dir: Path) -> None:
    async with opened(data_dir) as database:
        inbox = Inbox(database, Outbox(database))
        await database.write(lambda tx: tx.execute("PRAGMA max_page_count = 1").fetchall())
        big = [command(f"c{n}", text="x" * 10_000) for n in range(5)]

        with pytest.raises(StoreUnavailable, match="disk is full"):
            await inbox.store(big, 0.0)
        await database.write(lambda tx: tx.execute("PRAGMA max_page_count = 100000").fetchall())
        receipts = await inbox.store(big, 0.0)

    assert [receipt.outcome for receipt in receipts] == [ReceiptOutcome.STORED] * 5


async def test_numbers_are_never_used_twice(data_dir: Path) -> None:
    async with opened(data_dir) as database:
        outbox = Outbox(database)
        first = await outbox.append(Notify("n1", "s1", "one"))
        outbox.acknowledge(first)
        await eventually(lambda: is_empty(outbox))
    async with opened(data_dir) as database:
        second = await Outbox(database).append(Notify("n2", "s1", "two"))

    assert (first, second) == (1, 2)


async def is_empty(outbox: Outbox) -> bool:
    return await outbox.depth() == 0


SESSION = Session("s1", "tmux", "a label", "/srv", 3, SessionState.WAITING, {"pane": "%1"}, Process(7, 1.5))


@pytest.mark.parametrize(
    "item",
    [
        CommandResult("c1", Outcome.failed(Reason.EXIT_CODE, "exit code 1"), None),
        CommandResult("c1", Outcome.done("ok"), 1234.5),
        CommandMark("c1", Mark.NOT_TAKEN, "> hello"),
        SessionChanged(Session("s1", "tmux", "a label", "/srv", 3, SessionState.WAITING)),
        SessionChanged(Session("s1", "tmux", state=SessionState.WAITING, waiting_for="permission prompt")),
        SessionGone("s1", 3, "exit code 0"),
        Notify("n1", "s1", "Grüße\n\U0001f600", (Button("Yes", "yes"), Button("No", "no"))),
        Notify("n1", "s1", "*last* words", is_markdown=True, ends_turn=True),
        Notify("n1", "s1", "words", ends_turn=True, output_tokens=7),
        Notify("n1", "s1", "words", proposal=Proposal("fix it")),
        Notify("n1", "s1", "words", is_markdown=True, output_tokens=7, proposal=Proposal("fix it", "m", "a", "~/f/")),
    ],
    ids=lambda item: type(item).__name__,
)
async def test_what_goes_into_the_outbox_comes_out_the_same(data_dir: Path, item: Item) -> None:
    async with opened(data_dir) as database:
        outbox = Outbox(database)
        seq = await outbox.append(item)
        (row,) = await outbox.after(seq - 1, 10)

    assert row.item == item


async def test_a_session_comes_back_as_it_was(data_dir: Path) -> None:
    async with opened(data_dir) as database:
        await SessionStore(database, Outbox(database)).save(SESSION, SessionChanged(SESSION))
    async with opened(data_dir) as database:
        loaded = await SessionStore(database, Outbox(database)).load()

    assert loaded == (SESSION,)


async def test_recovery_gives_back_what_never_started_and_ends_what_did(data_dir: Path) -> None:
    key = Command("key", "s1", 4, 3, Lane.URGENT, KeyPress("esc"), 9.5)
    async with opened(data_dir) as database:
        inbox = Inbox(database, Outbox(database))
        await inbox.store([command("started"), command("waits", sequence=2), key], 1000.0)
        await inbox.start("started")
    async with opened(data_dir) as database:
        outbox = Outbox(database)
        inbox = Inbox(database, outbox)
        waiting = await inbox.recover()
        (row,) = await outbox.after(0, 10)
        memory = await inbox.memory()

    assert [one.command for one in waiting] == [command("waits", sequence=2), key]
    assert {one.received_at for one in waiting} == {1000.0}
    restarted = Outcome(Ending.UNCERTAIN, Reason.AGENT_RESTARTED, "The agent was restarted while typing this.")
    assert row.item == CommandResult("started", restarted)
    assert dict(memory.unresolved) == {
        "started": InboxState.FINISHED,
        "waits": InboxState.RECEIVED,
        "key": InboxState.RECEIVED,
    }


async def test_a_command_starts_once(data_dir: Path) -> None:
    async with opened(data_dir) as database:
        inbox = Inbox(database, Outbox(database))
        await inbox.store([command("c1")], 0.0)

        starts = await asyncio.gather(inbox.start("c1"), inbox.start("c1"), inbox.start("never came"))

    assert starts == [Start.CLEAN, Start.FORBIDDEN, Start.FORBIDDEN]


async def test_what_follows_an_uncertain_text_starts_in_doubt_until_one_is_done(data_dir: Path) -> None:
    async with opened(data_dir) as database:
        inbox = Inbox(database, Outbox(database))
        await inbox.store([command("broken"), command("next"), command("after")], 0.0)
        await inbox.start("broken")
        await inbox.finish("broken", Outcome.uncertain(Reason.AGENT_RESTARTED), None)

        following = await inbox.start("next")
        await inbox.finish("next", Outcome.done(), 1.0)
        later = await inbox.start("after")

    assert (following, later) == (Start.IN_DOUBT, Start.CLEAN)


@pytest.mark.parametrize(
    ("floor", "acked", "left"),
    [(1, 1, 1), (2, 0, 1), (2, 1, 0)],
    ids=["may be sent again", "result not acknowledged", "both"],
)
async def test_a_command_is_forgotten_only_below_the_floor_and_acknowledged(
    data_dir: Path, floor: int, acked: int, left: int
) -> None:
    async with opened(data_dir) as database:
        inbox = Inbox(database, Outbox(database))
        await inbox.store([command("c1", sequence=1)], 0.0)
        await inbox.start("c1")
        await inbox.finish("c1", Outcome.done(), 1.0)

        await inbox.welcomed(Welcome(1, upstream_acked_seq=acked, resend_floors={"s1": floor}), 0.0)
        (count,) = await database.write(lambda tx: tx.execute("SELECT count(*) FROM inbox").fetchone())

    assert count == left


async def test_ten_thousand_commands_are_on_disk_within_a_second(data_dir: Path) -> None:
    async with opened(data_dir) as database:
        inbox = Inbox(database, Outbox(database))
        batches = [[command(f"c{n + m}", sequence=n + m) for m in range(32)] for n in range(0, 10_000, 32)]

        # Ten times the promise: the two cores are shared with other tests.
        async with asyncio.timeout(10):
            await asyncio.gather(*(inbox.store(batch, 0.0) for batch in batches))

        assert await inbox.depth() == 313 * 32


async def test_a_session_that_an_earlier_version_wrote_into_the_outbox_comes_out(data_dir: Path) -> None:
    async with opened(data_dir) as database:
        payload = '["s1", 3, "a label", "tmux", "/srv", "busy"]'
        sql = "INSERT INTO outbox (kind, payload) VALUES ('session_update', ?)"
        await database.write(lambda tx: tx.execute(sql, (payload,)))
        (row,) = await Outbox(database).after(0, 10)

    assert row.item == SessionChanged(Session("s1", "tmux", "a label", "/srv", 3, SessionState.BUSY))
