"""What is STARTED together with its receipt: when, and that nothing is lost or typed twice by it."""

import asyncio

import pytest

from agent.domain.command import Command, Ending, InboxState, Input, Lane, Outcome, Reason
from agent.domain.frames import CommandResult, ReceiptOutcome
from agent.store import database
from tests.rigs.agent_rig import Rig, Rigs, eventually
from tests.rigs.scripted_link import running_router, text_command

NOBODY = "127.0.0.1:1"  # no router: results stay in the outbox, where they can be looked at


def command(name: str, session_id: str = "s1") -> Command:
    return Command(name, session_id, 0, 1, Lane.NORMAL, Input(name))


async def ends(rig: Rig, count: int) -> list[Outcome]:
    async def enough() -> list[Outcome]:
        rows = await rig.agent.outbox.after(0, 1000)
        found = [row.item.outcome for row in rows if isinstance(row.item, CommandResult)]
        return found if len(found) >= count else []

    found: list[Outcome] = await eventually(enough)
    return found


async def states(rig: Rig) -> dict[str, str]:
    return dict(await rig.sql("SELECT command_id, state FROM inbox"))


async def test_the_first_of_a_free_session_is_started_with_its_receipt_and_what_has_to_wait_is_not(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.session("s1")
        await rig.session("dialog")
        rig.backend.dialogs["dialog"] = "a dialog is open"
        gate = rig.backend.block("first")
        await rig.agent.link_handler.store((command("first"), command("second"), command("third", "dialog")))
        before = await states(rig)
        gate.set()
        rig.backend.dialogs.clear()
        await ends(rig, 3)

        assert before == {"first": "started", "second": "received", "third": "received"}
        assert sorted(rig.backend.typed()) == ["first", "second", "third"]


async def test_what_comes_while_one_is_typed_is_not_started(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.session("s1")
        gate = rig.backend.block("first")
        await rig.agent.link_handler.store((command("first"),))
        await rig.backend.began.wait()
        await rig.agent.link_handler.store((command("second"),))
        before = await states(rig)
        gate.set()
        await ends(rig, 2)

        assert before == {"first": "started", "second": "received"}
        assert rig.backend.typed() == ["first", "second"]


async def test_a_command_whose_link_ends_while_it_is_stored_is_typed_once(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.session("s1")
        handed_in = asyncio.Event()
        loop = asyncio.get_running_loop()
        rig.agent.database.write(lambda _: asyncio.run_coroutine_threadsafe(handed_in.wait(), loop).result())
        storing = asyncio.create_task(rig.agent.link_handler.store((command("c1"),)))
        await asyncio.sleep(0)  # it waits for the writer now
        storing.cancel()
        handed_in.set()
        await ends(rig, 1)
        (again,) = await rig.agent.link_handler.store((command("c1"),))

        assert (again.outcome, again.state) == (ReceiptOutcome.DUPLICATE, InboxState.FINISHED)
        assert rig.backend.typed() == ["c1"]


async def test_what_an_uncertain_text_left_is_cleared_first(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.session("s1")
        rig.backend.outcomes["first"] = Outcome.uncertain(Reason.BACKEND_ERROR, "half of it")
        await rig.agent.link_handler.store((command("first"),))
        await eventually(lambda: rig.backend.typed() == ["first"])
        await rig.agent.link_handler.store((command("second"),))
        first, second = await ends(rig, 2)

        assert (first.ending, second.ending) == (Ending.UNCERTAIN, Ending.DONE)
        assert rig.backend.cleared == ["s1"]


async def test_an_agent_that_stops_types_what_it_has_started(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.session("s1")
        storing = asyncio.create_task(rig.agent.link_handler.store((command("c1"),)))
        await asyncio.sleep(0)
        rig.agent.executor.writing.stopping.set()
        await storing
        (outcome,) = await ends(rig, 1)

        assert outcome == Outcome.done()


async def syncs(rig: Rig) -> list[str]:
    """The commits from now on that bring something to the disk, as they happen."""
    connection = (await rig.sql("SELECT 1")) and await rig.agent.database.write(lambda tx: tx.execute.__self__)
    seen: list[str] = []
    mode = ["2"]

    def note(statement: str) -> None:
        if statement.startswith("PRAGMA synchronous"):
            mode[0] = statement[-1]
        elif statement == "COMMIT" and mode[0] == "2":
            seen.append(statement)

    connection.set_trace_callback(note)
    return seen


async def test_one_at_a_time_a_command_takes_one_sync(rigs: Rigs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "PATIENT_DELAY", 60.0)  # however slow this machine is
    async with running_router() as router, rigs.running(router.address) as rig:
        link = await router.welcomed()
        await rig.session("s1")
        seen = await syncs(rig)
        for number in range(40):
            await link.commands([text_command(f"c{number}", "s1", f"line {number}", sequence=number)])
            await link.receipts(1)
            await eventually(lambda count=number + 1: len(rig.backend.typed()) == count)
            if number:
                (result,) = await link.results(1)
                await link.ack(result.upstream_seq)

        assert len(seen) <= 1.1 * 40


async def test_of_many_at_once_ten_share_a_sync(rigs: Rigs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "PATIENT_DELAY", 60.0)
    async with running_router() as router, rigs.running(router.address) as rig:
        link = await router.welcomed()
        for number in range(64):
            await rig.session(f"s{number}")
        seen = await syncs(rig)
        await link.commands([text_command(f"c{number}", f"s{number}", "go on") for number in range(64)])
        results = await link.results(64)
        await link.ack(results[-1].upstream_seq)

        assert len(seen) <= 0.1 * 64
