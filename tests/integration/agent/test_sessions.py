"""Sessions: what changes about them reaches the disk and the router together."""

import asyncio

import pytest

from agent.domain.errors import Refusal
from agent.domain.frames import Item, SessionChanged, SessionGone
from agent.domain.session import Session, SessionState
from agent.processes import identify
from tests.rigs.agent_rig import Rig, Rigs

NOBODY = "127.0.0.1:1"


async def words(rig: Rig) -> list[Item]:
    return [row.item for row in await rig.agent.outbox.after(0, 100)]


async def test_a_change_is_told_and_survives(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.session("s1")
        await rig.agent.sessions.update("s1", state=SessionState.BUSY, label="api", cwd="/srv")
        told = await words(rig)
    async with rigs.running(NOBODY) as rig:
        found = rig.agent.sessions.find("s1")

    changed = Session("s1", "command", "api", "/srv", 1, SessionState.BUSY, {"command": "cat"})
    assert told[-1] == SessionChanged(Session("s1", "command", "api", "/srv", 1, SessionState.BUSY))
    assert found == changed


async def test_a_change_that_changes_nothing_is_not_told(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.session("s1")
        await rig.agent.sessions.update("s1", label="")

        assert len(await words(rig)) == 1


@pytest.mark.parametrize("name", ["nobody", "over"])
async def test_only_a_live_session_can_change(rigs: Rigs, name: str) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.session("over")
        await rig.agent.sessions.close("over", "exit code 0")

        with pytest.raises(Refusal):
            await rig.agent.sessions.update(name, label="x")


async def test_closing_twice_is_told_once(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.session("s1")
        await rig.agent.sessions.close("s1", "exit code 0")
        await rig.agent.sessions.close("s1", "unregistered")

        assert (await words(rig))[1:] == [SessionGone("s1", 1, "exit code 0")]


async def test_generations_count_on_after_a_restart_of_the_agent(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.session("s1")
        await rig.agent.sessions.close("s1", "exit code 0")
    async with rigs.running(NOBODY) as rig:
        again = await rig.session("s1")

    assert again.generation == 2


async def test_two_programs_that_register_one_id_at_once_get_two_generations(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        both = await asyncio.gather(rig.session("s1", "one"), rig.session("s1", "two"))

    assert sorted(session.generation for session in both) == [1, 2]


async def test_a_session_whose_program_ended_without_a_word_is_closed(rigs: Rigs) -> None:
    program = await asyncio.create_subprocess_exec("sleep", "60")
    async with rigs.running(NOBODY) as rig:
        await rig.agent.sessions.register(Session("s1", "command", process=identify(program.pid)))
        await rig.session("s2")
        program.kill()
        await program.wait()
        await rig.agent.sessions.close_gone()

        assert [session.session_id for session in rig.agent.sessions.live()] == ["s2"]


async def test_a_pane_that_is_gone_after_a_restart_closes_its_session(rigs: Rigs) -> None:
    async with rigs.running(NOBODY) as rig:
        await rig.session("s1")
        sessions = rig.agent.sessions
        rig.backend.dead.add("s1")
        await sessions.load()

        assert sessions.live() == ()
