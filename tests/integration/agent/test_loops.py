"""A part of the agent that breaks is the end of all of it: loudly, in order, and so that it can be started anew."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Container
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from agent.clock import Clock, SteadyClock
from agent.domain.command import Command, Input, Lane
from agent.domain.errors import LoopBroken
from agent.domain.session import Conversation, Session
from agent.loops import Tasks, endless, guarded
from agent.processes import identify
from agent.store.database import Database
from agent.store.group_commit import Transaction
from tests.integration.agent.backends.program_stages import stream_recorder
from tests.rigs.agent_rig import ROOT, Rig, Rigs, eventually
from tests.rigs.scripted_link import running_router
from tests.waiting import PATIENCE

T = TypeVar("T")
NOBODY = "127.0.0.1:1"


class Fault(Exception):
    """A mistake of ours."""


class FaultyDatabase(Database):
    """Fails these kinds of operations as no disk does."""

    def __init__(self, folder: Path, faults: Container[str]) -> None:
        self._faults = faults
        super().__init__(folder)

    def write(self, function: Callable[[Transaction], T], **how: bool) -> "asyncio.Future[T]":
        if function.__qualname__.partition(".<locals>")[0] in self._faults:
            raise Fault("of ours")
        return super().write(function, **how)


class FaultyClock(SteadyClock):
    """Breaks once told so."""

    faulty = False

    def monotonic(self) -> float:
        if self.faulty:
            raise Fault("of ours")
        return super().monotonic()


@asynccontextmanager
async def breaking(
    rigs: Rigs, router: str, faults: Container[str] = (), clock: Clock | None = None
) -> AsyncIterator[Rig]:
    """An agent that breaks within the block."""
    with suppress(LoopBroken):
        async with rigs.running(router, database=partial(FaultyDatabase, faults=faults), clock=clock) as rig:
            yield rig


async def how(rig: Rig) -> str:
    """What an agent says at its end."""
    await eventually(rig.task.done)
    return str(rig.task.exception())


async def break_uploads(rig: Rig, faults: set[str]) -> None:
    faults.add("_held")
    rig.agent.outbox.held_news.set()


async def break_states(rig: Rig, faults: set[str]) -> None:
    """A program's end cannot be noted."""
    with subprocess.Popen(["sleep", "600"]) as program:  # noqa: ASYNC220 -- not for long
        process = identify(program.pid)
        assert process is not None
        talk = Conversation("talk", process, "")
        await rig.agent.sessions.register(Session("s1", "command", target={"command": "cat"}, conversation=talk))
        faults.add("SessionStore.save")
        program.kill()


async def break_a_listener(rig: Rig, faults: set[str]) -> None:
    """What a program says that we run cannot be noted."""
    faults.add("Prompts.took")
    program, _ = stream_recorder(rig.data_dir)
    target = {"program": str(program)}
    session = await rig.agent.sessions.register(Session("s1", "headless", cwd=str(rig.data_dir), target=target))
    assert rig.agent.headless is not None
    await rig.agent.headless.deliver(session, Input("text"))


@pytest.mark.parametrize(
    ("name", "break_it"),
    [("uploads", break_uploads), ("states", break_states), ("watch s1", break_a_listener)],
    ids=["uploads", "states", "listener"],
)
async def test_a_part_that_breaks_is_named_and_ends_the_agent_in_order(
    rigs: Rigs, caplog: pytest.LogCaptureFixture, name: str, break_it: Callable[[Rig, set[str]], Awaitable[None]]
) -> None:
    faults: set[str] = set()
    async with running_router() as router:
        async with breaking(rigs, router.address, faults) as rig:
            link = await router.welcomed()
            await break_it(rig, faults)
            goodbye = await link.next("goodbye")
            said = await how(rig)
        async with rigs.running(router.address):
            await router.welcomed()  # nothing is in the way of the next one

    assert goodbye.will_return
    assert f"({name}: Fault)" in said
    assert f"broken name={name}" in caplog.text
    assert "Fault: of ours" in caplog.text


async def test_what_is_being_typed_is_finished_before_the_goodbye(rigs: Rigs) -> None:
    faults: set[str] = set()
    async with running_router() as router, breaking(rigs, router.address, faults) as rig:
        link = await router.welcomed()
        await rig.session("s2")
        gate = rig.backend.block("slow")
        await rig.agent.link_handler.store((Command("c1", "s2", 0, 1, Lane.NORMAL, Input("slow")),))
        await rig.backend.began.wait()
        await break_uploads(rig, faults)
        await eventually(rig.agent.executor.writing.stopping.is_set)
        gate.set()
        [result] = await link.results(1)
        goodbye = await link.next("goodbye")

    assert (result.command_id, goodbye.will_return) == ("c1", True)


async def test_a_link_that_breaks_ends_the_agent(rigs: Rigs) -> None:
    clock = FaultyClock()
    async with breaking(rigs, NOBODY, clock=clock) as rig:
        clock.faulty = True
        said = await how(rig)

    assert "(link: Fault)" in said


async def test_the_program_says_so_and_fails(rigs: Rigs) -> None:
    program = """
import os, sys
from agent.cli import main
from tests.integration.agent.test_loops import FaultyClock

class Clock(FaultyClock):
    @property
    def faulty(self):
        return os.path.exists(sys.argv[1])

sys.exit(main(os.environ, Clock()))
"""
    rigs.enrol(NOBODY)
    fault = rigs.data_dir / "fault"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, str(fault)),
        env={**os.environ, "POINTSMAN_DATA_DIR": str(rigs.data_dir)},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    await asyncio.wait_for(process.stdout.readline(), PATIENCE)
    fault.touch()
    _, said = await asyncio.wait_for(process.communicate(), PATIENCE)

    assert process.returncode == 1
    assert said.decode().splitlines()[-1].startswith("A part of the agent broke (link: Fault), so all of it has ended")


async def test_a_loop_that_only_ends_is_broken_too() -> None:
    async def short() -> None:
        """It should have gone on."""

    with pytest.raises(LoopBroken, match="short: it came to an end"):
        await endless("short", short)


async def test_what_is_cancelled_by_nobody_is_broken_and_what_is_cancelled_is_not() -> None:
    given_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def waits() -> None:
        await given_up

    stopped = asyncio.create_task(guarded("stopped", asyncio.Event().wait))
    left = asyncio.create_task(guarded("left", waits))
    await asyncio.sleep(0)
    stopped.cancel()
    given_up.cancel()
    await asyncio.wait((stopped, left))

    assert stopped.cancelled()
    with pytest.raises(LoopBroken, match="left: it was cancelled"):
        left.result()


async def test_tasks_tell_of_the_first_that_breaks_and_of_no_other_end() -> None:
    async def breaks() -> None:
        raise Fault

    async def ends() -> None:
        """That is well."""

    tasks = Tasks()
    watching = asyncio.create_task(tasks.watch())
    waits = tasks.start("waits", asyncio.Event().wait)
    await tasks.start("ends", ends)
    waits.cancel()
    await asyncio.wait([waits])
    early = watching.done()
    tasks.start("breaks", breaks)

    with pytest.raises(LoopBroken, match="breaks: Fault"):
        await watching
    assert not early
