"""The outbox counts without a gap, and anew where its disk and the router are of different times."""

from pathlib import Path

from agent.domain.command import Outcome
from agent.domain.frames import Notify, Welcome
from agent.store.inbox import Inbox
from agent.store.outbox import Outbox
from tests.integration.agent.test_store import command, opened


async def numbers(outbox: Outbox) -> list[int]:
    return [row.seq for row in await outbox.after(0, 100)]


async def test_an_outbox_that_was_put_back_is_numbered_anew_behind_what_the_router_has(data_dir: Path) -> None:
    async with opened(data_dir) as database:
        outbox = Outbox(database)
        inbox = Inbox(database, outbox)
        for name in ("one", "two"):
            await outbox.append(Notify(name, "s1", name))

        await inbox.welcomed(Welcome(7, upstream_acked_seq=12), 0.0)
        await outbox.append(Notify("three", "s1", "three"))

        assert await numbers(outbox) == [13, 14, 15]
        assert (await inbox.memory()).upstream_acked_seq == 12


async def test_an_old_copy_that_has_gone_on_counting_is_numbered_anew_all_the_same(data_dir: Path) -> None:
    """It has numbered more than the router has: what is new in it would pass for acknowledged."""
    async with opened(data_dir) as database:
        outbox = Outbox(database)
        inbox = Inbox(database, outbox)
        for name in ("c1", "c2", "c3"):
            await inbox.store([command(name)], 0.0)
            await inbox.start(name)
            await inbox.finish(name, Outcome.done(), 1.0)

        await inbox.welcomed(Welcome(7, upstream_acked_seq=2, inbox_outdated=True), 0.0)
        await outbox.append(Notify("n", "s1", "new"))

        assert await numbers(outbox) == [3, 4, 5, 6]
        assert len((await inbox.memory()).unresolved) == 3
        await inbox.welcomed(Welcome(8, upstream_acked_seq=5), 0.0)
        assert (await inbox.memory()).unresolved == ()


async def test_an_empty_outbox_says_how_far_it_was_acknowledged(data_dir: Path) -> None:
    async with opened(data_dir) as database:
        outbox = Outbox(database)
        inbox = Inbox(database, outbox)
        fresh = (await inbox.memory()).upstream_acked_seq
        await outbox.append(Notify("n", "s1", "n"))

        await inbox.welcomed(Welcome(1, upstream_acked_seq=1), 0.0)

        assert (fresh, (await inbox.memory()).upstream_acked_seq) == (0, 1)
