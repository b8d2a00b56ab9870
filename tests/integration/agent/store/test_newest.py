"""The newest rows of the outbox are not read again to be sent: what is in memory is what is on the disk."""

import asyncio
from pathlib import Path

import pytest

from agent.domain.command import Command, Input, Lane, Outcome
from agent.domain.frames import AgentFrame, CommandResult, Durable, Item, Notify, SessionChanged, Welcome
from agent.domain.proposal import Proposal
from agent.domain.session import Session
from agent.link import convert
from agent.store.database import Database
from agent.store.group_commit import Transaction
from agent.store.inbox import Inbox
from agent.store.outbox import MOST_KEPT, Outbox, append
from tests.integration.agent.test_store import opened

ITEMS: tuple[Item, ...] = (
    CommandResult("c1", Outcome.done("it said 😀"), 12.5),
    Notify("n1", "s1", "text", is_markdown=True, proposal=Proposal("m1", "claude", "~/api", "do it")),
    SessionChanged(Session("s1", "command", "api", "/srv", target={"command": "cat"})),
)


async def looks(outbox: Outbox, database: Database, after: int) -> tuple[list[Durable], list[Durable]]:
    """The rows behind that number as they are in memory, and as they are on the disk."""
    return list(outbox.newest(after, 1000)), list(await Outbox(database).after(after, 1000))


def numbers(rows: list[Durable]) -> list[int]:
    return [row.seq for row in rows]


async def test_what_is_sent_is_what_is_on_disk(data_dir: Path) -> None:
    async with opened(data_dir) as database:
        outbox = Outbox(database)
        await outbox.append_all(ITEMS[:2])
        await outbox.append(ITEMS[2])

        kept, read = await looks(outbox, database, 0)

        frames = [[convert.agent_frame(AgentFrame(1, row)) for row in rows] for rows in (kept, read)]
        assert frames[0] == frames[1]
        assert numbers(kept) == [1, 2, 3]
        assert numbers(list(outbox.newest(1, 1))) == [2]


async def test_a_row_that_was_undone_is_not_sent(data_dir: Path) -> None:
    def fails(tx: Transaction) -> None:
        append(tx, ITEMS[0])
        raise LookupError("on purpose")

    async with opened(data_dir) as database:
        outbox = Outbox(database)
        undone = outbox.write(fails)
        await outbox.append(ITEMS[1])
        with pytest.raises(LookupError):
            await undone

        kept, read = await looks(outbox, database, 0)

        assert numbers(kept) == numbers(read) == [1]


async def test_what_was_acknowledged_is_gone_from_memory(data_dir: Path) -> None:
    async with opened(data_dir) as database:
        outbox = Outbox(database)
        await outbox.append_all(ITEMS)
        outbox.acknowledge(2)
        await outbox.append(ITEMS[0])  # takes the acknowledgement along

        kept, read = await looks(outbox, database, 2)

        assert numbers(kept) == numbers(read) == [3, 4]
        assert outbox.newest(1, 9) == ()


async def test_what_memory_has_no_room_for_is_read(data_dir: Path) -> None:
    async with opened(data_dir) as database:
        outbox = Outbox(database)
        await asyncio.gather(*(outbox.append(ITEMS[0]) for _ in range(MOST_KEPT + 2)))

        kept, read = await looks(outbox, database, 0)

        assert (kept, numbers(read)) == ([], list(range(1, MOST_KEPT + 3)))
        assert numbers(list(outbox.newest(2, 1))) == [3]


async def test_a_welcome_that_numbers_them_anew_is_heeded(data_dir: Path) -> None:
    async with opened(data_dir) as database:
        outbox = Outbox(database)
        inbox = Inbox(database, outbox)
        await inbox.store([Command("c1", "s1", 0, 1, Lane.NORMAL, Input("hello"))], now=0.0)
        await outbox.append(ITEMS[1])
        await inbox.welcomed(Welcome(2, upstream_acked_seq=40, recalled=("c1",)), now=0.0)
        await outbox.append(ITEMS[2])

        kept, read = await looks(outbox, database, 40)

        assert (kept, numbers(read)) == ([], [41, 42, 43])
        assert numbers(list(outbox.newest(42, 9))) == [43]
