"""One writer, groups, and nothing told before it is on disk."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from router.domain.errors import Reason, Refusal
from router.store.database import CHECKPOINT_EVERY, LONGEST_LOG, Database, Transaction
from router.store.lanes import MAX_GROUP
from tests.integration.router.store.stage import noted, on_disk, play, raises

MIB = 2**20


@pytest.fixture
def path(data_dir: Path) -> Path:
    return data_dir / "test.db"


def test_a_write_is_on_disk_when_its_caller_goes_on(path: Path) -> None:
    async def story(database: Database) -> list[str]:
        await database.write(noted("one"))
        return on_disk(path)

    assert play(path, story) == ["one"]


def test_nothing_is_told_before_the_commit(path: Path) -> None:
    seen: list[list[str]] = []

    def looks_from_outside(tx: Transaction) -> None:
        noted("one")(tx)
        seen.append(on_disk(path))
        tx.after_commit(lambda: seen.append(on_disk(path)))

    async def story(database: Database) -> None:
        await database.write(looks_from_outside)

    play(path, story)

    assert seen == [[], ["one"]]


def test_a_reader_sees_one_state_of_the_file(path: Path) -> None:
    begun, written = threading.Event(), threading.Event()

    def looks_twice(connection: sqlite3.Connection) -> list[int]:
        counts = [connection.execute("SELECT count(*) FROM notes").fetchone()[0]]
        begun.set()
        written.wait(10)
        return [*counts, connection.execute("SELECT count(*) FROM notes").fetchone()[0]]

    async def story(database: Database) -> list[int]:
        await database.write(noted("before"))
        reading = asyncio.ensure_future(database.read(looks_twice))
        await asyncio.to_thread(begun.wait, 10)
        await database.write(noted("meanwhile"))
        written.set()
        return await reading

    assert play(path, story) == [1, 1]
    assert on_disk(path) == ["before", "meanwhile"]


def test_operations_run_in_the_order_of_the_calls_lazy_ones_too(path: Path) -> None:
    async def story(database: Database) -> None:
        await asyncio.gather(*(database.write(noted(f"{n}"), lazy=n % 3 == 0) for n in range(300)))

    play(path, story)

    assert on_disk(path) == [f"{n}" for n in range(300)]


def test_a_lazy_write_needs_no_company(path: Path) -> None:
    async def story(database: Database) -> str:
        return await database.write(noted("lazy"), lazy=True)

    assert play(path, story) == "lazy"
    assert on_disk(path) == ["lazy"]


def test_what_gathers_during_a_commit_shares_the_next_one(path: Path) -> None:
    gate = threading.Event()

    async def story(database: Database) -> int:
        first = database.write(lambda _tx: gate.wait(10))
        rest = [database.write(noted(f"{n}")) for n in range(MAX_GROUP)]
        gate.set()
        await asyncio.gather(first, *rest)
        return database.times.count

    assert play(path, story) <= 4
    assert len(on_disk(path)) == MAX_GROUP


def test_one_that_fails_before_it_writes_fails_alone(path: Path) -> None:
    async def story(database: Database) -> list[object]:
        calls = [database.write(f) for f in (noted("a"), raises(Refusal(Reason.BUSY, "no")), noted("b"))]
        return await asyncio.gather(*calls, return_exceptions=True)

    first, refusal, last = play(path, story)

    assert (first, last) == ("a", "b")
    assert isinstance(refusal, Refusal)
    assert on_disk(path) == ["a", "b"]


def test_one_that_fails_after_it_wrote_undoes_only_itself(path: Path) -> None:
    half_done = raises(ValueError("half done"), noted("half"))

    async def story(database: Database) -> list[object]:
        calls = [database.write(f) for f in (noted("a"), half_done, noted("b"), half_done, noted("c"))]
        return await asyncio.gather(*calls, return_exceptions=True)

    outcome = play(path, story)

    assert [str(one) for one in outcome] == ["a", "half done", "b", "half done", "c"]
    assert on_disk(path) == ["a", "b", "c"]


def test_one_that_fails_alone_leaves_nothing(path: Path) -> None:
    async def story(database: Database) -> None:
        with pytest.raises(ValueError, match="half done"):
            await database.write(raises(ValueError("half done"), noted("half")))
        await database.write(noted("after"))

    play(path, story)

    assert on_disk(path) == ["after"]


def test_memory_is_restored_for_what_was_undone_and_only_for_that(path: Path) -> None:
    memory: dict[str, str] = {}

    def remembering(text: str, *, fails: bool) -> "object":
        def operation(tx: Transaction) -> None:
            tx.put(memory, text, text)
            noted(text)(tx)
            if fails:
                raise ValueError(text)

        return operation

    async def story(database: Database) -> None:
        calls = [database.write(remembering(t, fails=t == "bad")) for t in ("a", "bad", "b")]  # type: ignore[arg-type]
        await asyncio.gather(*calls, return_exceptions=True)

    play(path, story)

    assert list(memory) == on_disk(path) == ["a", "b"]


def test_what_follows_from_a_commit_does_not_follow_from_a_failure(path: Path) -> None:
    followed: list[str] = []

    def announcing(tx: Transaction) -> None:
        tx.after_commit(lambda: followed.append("announced"))
        raise ValueError("no")

    async def story(database: Database) -> None:
        await asyncio.gather(database.write(noted("a")), database.write(announcing), return_exceptions=True)

    play(path, story)

    assert followed == []


def test_what_follows_happens_before_the_callers_go_on_and_on_their_thread(path: Path) -> None:
    order: list[tuple[str, str]] = []

    def operation(tx: Transaction) -> None:
        tx.after_commit(lambda: order.append(("followed", threading.current_thread().name)))

    async def story(database: Database) -> None:
        await database.write(operation)
        order.append(("told", threading.current_thread().name))

    play(path, story)

    here = threading.current_thread().name
    assert order == [("followed", here), ("told", here)]


def test_a_caller_that_gave_up_hurts_nobody(path: Path) -> None:
    async def story(database: Database) -> str:
        database.write(noted("abandoned")).cancel()
        return await database.write(noted("kept"))

    assert play(path, story) == "kept"
    assert on_disk(path) == ["abandoned", "kept"]


def test_stopping_commits_what_was_handed_in(path: Path) -> None:
    async def story(database: Database) -> None:
        for n in range(200):
            database.write(noted(f"{n}"), lazy=True)

    play(path, story)

    assert len(on_disk(path)) == 200


def test_a_reader_cannot_write(path: Path) -> None:
    async def story(database: Database) -> None:
        await database.read(lambda connection: connection.execute("INSERT INTO notes (text) VALUES ('x')"))

    with pytest.raises(Exception, match="readonly"):
        play(path, story)


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),
        ("foreign_keys", 1),
        ("wal_autocheckpoint", 0),
        ("busy_timeout", 5000),
    ],
)
def test_the_writer_and_the_readers_keep_the_promises_settings(path: Path, pragma: str, value: object) -> None:
    async def story(database: Database) -> list[object]:
        written = await database.write(lambda tx: tx.execute(f"PRAGMA {pragma}").fetchone()[0])
        return [written, await database.read(lambda connection: connection.execute(f"PRAGMA {pragma}").fetchone()[0])]

    assert play(path, story) == [value, value]


def test_the_log_is_folded_into_the_file_at_the_end(path: Path) -> None:
    async def story(database: Database) -> int:
        await database.write(noted("x" * 10_000))
        return database.wal_bytes()

    assert play(path, story) > 10_000
    assert not path.with_name("test.db-wal").exists()


def test_a_log_that_grew_behind_a_reader_is_short_again_when_the_reader_is_gone(path: Path) -> None:
    async def story(database: Database) -> tuple[int, int]:
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM notes").fetchall()
            await database.write(noted("x" * (LONGEST_LOG + MIB)))
            grown = database.wal_bytes()
        for _ in range(2 * CHECKPOINT_EVERY):
            await database.write(noted("y"))
        return grown, database.wal_bytes()

    grown, after = play(path, story)

    assert grown > LONGEST_LOG >= after


def full(tx: Transaction) -> None:
    """No page more than there are now: as on a full disk."""
    tx.execute(f"PRAGMA max_page_count = {tx.execute('PRAGMA page_count').fetchone()[0]}")


def room(tx: Transaction) -> None:
    tx.execute("PRAGMA max_page_count = 1000000")


def test_a_full_disk_refuses_and_stores_nothing(path: Path) -> None:
    async def story(database: Database) -> tuple[Refusal, bool]:
        await database.write(full)
        with pytest.raises(Refusal) as refused:
            await database.write(noted("x" * 100_000))
        return refused.value, database.writable

    refusal, writable = play(path, story)

    assert refusal.reason is Reason.STORAGE_UNAVAILABLE
    assert refusal.retry_after
    assert not writable
    assert on_disk(path) == []


def test_a_full_disk_refuses_the_whole_group_and_says_so_to_each(path: Path) -> None:
    async def story(database: Database) -> list[object]:
        await database.write(full)
        calls = [database.write(f) for f in (noted("small"), noted("x" * 100_000), noted("small"))]
        return await asyncio.gather(*calls, return_exceptions=True)

    outcome = play(path, story)
    stored = [one for one in outcome if not isinstance(one, Refusal)]

    assert on_disk(path) == stored


def test_whoever_waits_for_a_disk_to_refuse_is_woken_and_told_when_it_takes_some_again(path: Path) -> None:
    async def story(database: Database) -> tuple[bool, bool]:
        waiting = asyncio.create_task(database.refuses.wait())
        await database.write(full)
        too_early = waiting.done()
        await asyncio.gather(database.write(noted("x" * 100_000)), return_exceptions=True)
        await asyncio.wait_for(waiting, 30.0)
        await database.write(room)
        await database.write(noted("after"))
        return too_early, database.refuses.is_set()

    assert play(path, story) == (False, False)


def test_a_disk_with_room_again_is_written_again(path: Path) -> None:
    async def story(database: Database) -> bool:
        await database.write(full)
        await asyncio.gather(database.write(noted("x" * 100_000)), return_exceptions=True)
        await database.write(room)
        await database.write(noted("after"))
        return database.writable

    assert play(path, story)
    assert on_disk(path) == ["after"]


def test_memory_is_restored_when_the_disk_is_full(path: Path) -> None:
    memory = {"key": "before"}

    def operation(tx: Transaction) -> None:
        tx.put(memory, "key", "changed")
        noted("x" * 100_000)(tx)

    async def story(database: Database) -> None:
        await database.write(full)
        await asyncio.gather(database.write(operation), return_exceptions=True)

    play(path, story)

    assert memory == {"key": "before"}


def test_another_process_may_hold_the_lock_for_a_while(path: Path) -> None:
    async def story(database: Database) -> str:
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        waiting = database.write(noted("waited"))
        asyncio.get_running_loop().call_later(0.1, holder.close)
        return await waiting

    assert play(path, story) == "waited"
