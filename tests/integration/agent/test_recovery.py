"""What a killed agent leaves behind, and what the next one makes of it."""

import asyncio
import random
import sqlite3
from pathlib import Path

import pytest
from agentlink.v1 import agent_link_pb2 as pb

from agent.app import Agent
from agent.config import Config
from agent.domain.command import Command, Input, Lane
from agent.domain.errors import AlreadyRunning
from tests.rigs.agent_rig import Rig, Rigs, eventually
from tests.rigs.recording_backend import typed
from tests.rigs.scripted_link import Link, Router, running_router, text_command


def rows(data_dir: Path, statement: str) -> list[tuple[object, ...]]:
    """What is in the file of an agent that is dead."""
    connection = sqlite3.connect(data_dir / "agent" / "agent.db")
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


@pytest.mark.rule("A10")
async def test_what_was_confirmed_is_in_the_file_of_a_killed_agent(rigs: Rigs) -> None:
    async with running_router() as router, rigs.child(router.address) as agent:
        link = await router.welcomed()
        await agent.ask(op="register", session_id="s1", backend="command", target={"command": "cat"})
        await link.commands([text_command(f"c{n}", "s1", "text", sequence=n) for n in range(200)])
        confirmed = await link.next("receipt")
        await agent.kill()

        stored = {command_id for (command_id,) in rows(rigs.data_dir, "SELECT command_id FROM inbox")}
        assert {item.command_id for item in confirmed.items} <= stored


@pytest.mark.rule("A14")
async def test_a_command_killed_while_it_was_typed_ends_uncertain_and_those_behind_it_run(rigs: Rigs) -> None:
    async with running_router() as router:
        async with rigs.child(router.address, hangs_on="doubtful") as agent:
            link = await router.welcomed()
            await agent.ask(op="register", session_id="s1", backend="command", target={"command": "cat"})
            texts = ["first", "doubtful", "third", "fourth"]
            await link.commands([text_command(text, "s1", text, sequence=n) for n, text in enumerate(texts)])
            await link.receipts(4)
            await eventually(lambda: typed(rigs.typed_into) == ["first", "doubtful"])
            await agent.kill()
        async with rigs.child(router.address):
            link = await router.welcomed()
            results = await link.results(4)

    assert [(one.command_id, one.outcome) for one in results] == [
        ("first", pb.RESULT_OUTCOME_DONE),
        ("doubtful", pb.RESULT_OUTCOME_UNCERTAIN),
        ("third", pb.RESULT_OUTCOME_DONE),
        ("fourth", pb.RESULT_OUTCOME_DONE),
    ]
    assert typed(rigs.typed_into) == ["first", "doubtful", "third", "fourth"]


async def left_waiting(rigs: Rigs, router: str, *texts: str) -> None:
    """Commands on the disk of an agent that came to its end before it came to them."""
    async with rigs.running(router) as rig:
        await rig.session("s1")
        rig.agent.executor.writing.stopping.set()
        await rig.agent.link_handler.store(tuple(Command(text, "s1", 0, 1, Lane.NORMAL, Input(text)) for text in texts))


@pytest.mark.rule("A15")
async def test_what_waits_at_the_start_is_not_typed_before_the_router_has_said_what_is_over(rigs: Rigs) -> None:
    async with running_router() as router:
        await left_waiting(rigs, router.address, "over", "first", "second")
        async with rigs.running(router.address) as rig:
            link = await unwelcomed(router)
            before = rig.agent.executor.depth, rig.agent.link_handler.depth(), rig.backend.typed()
            await link.welcome(recalled=["over"])
            results = await link.results(3)

    assert [one.command_id for one in link.hello.unresolved] == ["over", "first", "second"]
    assert before == (0, 3, [])
    assert {one.command_id: one.outcome for one in results} == {
        "over": pb.RESULT_OUTCOME_CANCELLED,
        "first": pb.RESULT_OUTCOME_DONE,
        "second": pb.RESULT_OUTCOME_DONE,
    }
    assert rig.backend.typed() == ["first", "second"]


async def test_what_is_recalled_from_an_old_copy_ends_without_a_word(rigs: Rigs) -> None:
    async with running_router() as router:
        await left_waiting(rigs, router.address, "typed since", "new")
        async with rigs.running(router.address) as rig:
            link = await unwelcomed(router)
            await link.welcome(recalled=["typed since", "never here"], inbox_outdated=True)
            results = await link.results(1)
            await link.ack(results[0].upstream_seq)
            await resolved(rig, router, link)

    assert [one.command_id for one in results] == ["new"]
    assert rig.backend.typed() == ["new"]


async def unwelcomed(router: Router) -> Link:
    """The link of an agent that has something in its inbox."""
    while not (link := await router.link()).hello.unresolved:
        pass
    return link


async def resolved(rig: Rig, router: Router, link: Link) -> None:
    """The agent has nothing left to report once an ack is on its disk."""
    await eventually(lambda: reported(rig))
    link.drop()
    assert not (await router.link()).hello.unresolved


async def reported(rig: Rig) -> bool:
    return not (await rig.ask(op="status"))["outbox_depth"]


@pytest.mark.parametrize("seed", range(4))
async def test_kills_under_load_lose_nothing_and_type_nothing_twice(rigs: Rigs, seed: int) -> None:
    dice = random.Random(seed)
    sessions = [f"s{number}" for number in range(5)]
    batch = [text_command(f"c{n}", sessions[n % 5], f"line {n}", sequence=n) for n in range(240)]
    async with running_router() as router:
        async with rigs.child(router.address) as agent:
            link = await router.welcomed()
            for name in sessions:
                await agent.ask(op="register", session_id=name, backend="command", target={"command": "cat"})
            await link.commands(batch)
            enough = dice.randrange(1, 200)
            await eventually(lambda: len(typed(rigs.typed_into)) >= enough)
            await agent.kill()
        async with rigs.child(router.address):
            link = await router.welcomed()
            await link.commands(batch)
            results = {one.command_id: one.outcome for one in await link.results(240)}

    lines = typed(rigs.typed_into)
    uncertain = [name for name, outcome in results.items() if outcome == pb.RESULT_OUTCOME_UNCERTAIN]
    done = {f"line {name[1:]}" for name, outcome in results.items() if outcome == pb.RESULT_OUTCOME_DONE}
    assert len(lines) == len(set(lines))
    assert len(results) == 240
    assert done <= set(lines)
    assert len(done) + len(uncertain) == 240
    assert len(uncertain) <= 5
    assert all(in_order(typed(rigs.typed_into, name)) for name in sessions)


def in_order(lines: list[str]) -> bool:
    numbers = [int(line.removeprefix("line ")) for line in lines]
    return numbers == sorted(numbers)


@pytest.mark.rule("A3")
async def test_a_second_agent_on_the_same_folder_is_refused(rigs: Rigs) -> None:
    async with running_router() as router, rigs.running(router.address):
        with pytest.raises(AlreadyRunning, match="already running"):
            Agent(Config(rigs.data_dir), {})


async def test_the_time_limit_of_a_command_goes_on_while_the_agent_is_dead(rigs: Rigs) -> None:
    async with running_router() as router:
        async with rigs.child(router.address, hangs_on="first") as agent:
            link = await router.welcomed()
            await agent.ask(op="register", session_id="s1", backend="command", target={"command": "cat"})
            await link.commands([text_command("first", "s1", "first"), text_command("late", "s1", "late", ttl=0.001)])
            await link.receipts(2)
            await eventually(lambda: typed(rigs.typed_into) == ["first"])
            await agent.kill()
        async with rigs.child(router.address):
            link = await router.welcomed()
            results = await link.results(2)

    assert [one.outcome for one in results] == [pb.RESULT_OUTCOME_UNCERTAIN, pb.RESULT_OUTCOME_EXPIRED]
    assert typed(rigs.typed_into) == ["first"]


async def test_sessions_survive_a_restart_and_those_whose_program_ended_are_closed(rigs: Rigs) -> None:
    program = await asyncio.create_subprocess_exec("sleep", "60")
    async with running_router() as router:
        async with rigs.running(router.address) as rig:
            await router.welcomed()
            await rig.session("stays")
            target = {"command": "cat"}
            await rig.ask(op="register", session_id="ends", backend="command", target=target, pid=program.pid)
        program.kill()
        await program.wait()
        async with rigs.running(router.address) as rig:
            link = await router.welcomed()
            closed = await link.next("session_closed")
            found = [session.session_id for session in rig.agent.sessions.live()]

    assert (closed.session_id, closed.generation) == ("ends", 1)
    assert found == ["stays"]
