"""What a machine is can be lost, put back from an old copy, or be there twice: the router has to notice."""

import shutil
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import grpc

from tests.faults.kills import RECOVERY, Strike, recoveries, until_recovered
from tests.faults.load import Senders
from tests.faults.points import POISON
from tests.faults.processes import Died
from tests.faults.table import Row
from tests.faults.world import Machine, World
from tests.waiting import NeverHappened, wait_until

QUARANTINE = 60.0  # seconds until two of one are held off
POISONED = 90.0  # seconds until the router gives up on a poisonous command
ENOUGH = 30  # texts before something happens
SLOW = 0.04  # seconds to type a line, so that texts come faster than they are typed
WAITING = 10  # texts in the inbox that is copied


def lost_inbox(world: World) -> Row:
    """An agent's database is gone; its key is not. Its sessions are registered again."""
    machine, since = world.machines[0], time.monotonic()
    with Senders(world.door, world.sessions, world.journal, f"{since:.3f}") as senders:
        _typed(world, since)
        world.bury(machine)
        strike = Strike(time.monotonic(), (machine.name,))
        for file in machine.folder.glob("agent.db*"):
            file.unlink()
        _start_with_sessions(world, machine)
        until_recovered(world, [strike])
    world.drain()
    verdict = world.verdict(since, interruptions=False)
    return Row("agent's database lost", 1, verdict, back=recoveries(world, [strike]), failures=senders.refusals)


def rolled_back_inbox(world: World) -> Row:
    """An agent's database is put back as it was some texts ago, with texts in it that waited then."""
    machine, since = world.machines[0], time.monotonic()
    world.bury(machine)
    world.start_agent(machine, pace=SLOW)
    with Senders(world.door, world.sessions, world.journal, f"{since:.3f}", pause=SLOW / 2) as senders:
        _typed(world, since)
        wait_until(lambda: _waiting(machine) >= WAITING, RECOVERY)
        world.bury(machine)
        copies = [shutil.copy(file, world.folder) for file in machine.folder.glob("agent.db*")]
        world.start_agent(machine, pace=SLOW)
        _typed(world, time.monotonic())
        world.bury(machine)
        strike = Strike(time.monotonic(), (machine.name,))
        for file in machine.folder.glob("agent.db*"):
            file.unlink()
        for copy in copies:
            shutil.copy(copy, machine.folder)
        world.start_agent(machine)
        until_recovered(world, [strike])
    world.drain()
    verdict = world.verdict(since, interruptions=False)
    name = "agent's database rolled back, texts waiting in it"
    return Row(name, 1, verdict, back=recoveries(world, [strike]), failures=senders.refusals)


def cloned(world: World) -> Row:
    """A machine's folder runs twice: both are held off, and when one of them is gone the other works on."""
    machine, since, failures = world.machines[0], time.monotonic(), []
    with Senders(world.door, world.sessions, world.journal, f"{since:.3f}", pause=0.1) as senders:
        _typed(world, since)
        world.bury(machine)
        twin = _twin(world, machine)
        world.start_agent(machine)
        at = time.monotonic()
        try:
            wait_until(lambda: _quarantined(world, machine.name), QUARANTINE)
        except NeverHappened:
            failures.append(f"no quarantine within {QUARANTINE:.0f} s")
        found = time.monotonic() - at
        world.bury(twin)
        world.bury(machine)
        strike = Strike(time.monotonic(), (machine.name,))
        world.start_agent(machine)
        until_recovered(world, [strike])
    world.drain()
    verdict = world.verdict(since, interruptions=False)
    failures += senders.refusals
    return Row("two agents with one identity", 1, verdict, [found], recoveries(world, [strike]), failures=failures)


def poison(world: World) -> Row:
    """A text that kills every agent that takes it, whose supervisor starts it again each time; others must flow."""
    machine, other, since, deaths = world.machines[0], world.machines[1], time.monotonic(), 0
    session, text = machine.sessions[0], f"{POISON} {since:.3f}"
    world.journal.note("attempted", session=session, text=text)
    with Senders(world.door, world.sessions, world.journal, f"{since:.3f}", pause=0.1) as senders:
        _typed(world, since)
        command = world.door.send(session, text)
        world.journal.note("accepted", session=session, text=text, sequence=command.sequence)
        at = time.monotonic()
        while (state := _state(world, session, text)) in ("", "queued", "sent", "received"):
            if time.monotonic() > at + POISONED:
                break
            if machine.agent.dead(0.05):
                deaths += 1
                world.bury(machine)
                with suppress(Died):
                    world.start_agent(machine)
                    machine.agent.ready()
        found = time.monotonic() - at
        world.bury(machine)
        world.start_agent(machine, immune=True)  # where the router did not give up, the run can still end
        until_recovered(world, [Strike(time.monotonic(), (machine.name, other.name))])
    world.drain()
    failures = [*senders.refusals, *([] if state == "dead" else [f"after {found:.0f} s it is {state or 'unknown'}"])]
    remarks = [f"{deaths} deaths until it was given up"]
    return Row("poisonous command", 1, world.verdict(since), [found], remarks=remarks, failures=failures)


def _typed(world: World, since: float) -> None:
    wait_until(lambda: len(list(world.journal.read("typed", since=since))) >= ENOUGH, RECOVERY)


def _waiting(machine: Machine) -> int:
    """How many texts the agent has on its disk and has not begun."""
    with closing(sqlite3.connect(f"file:{machine.folder / 'agent.db'}?mode=ro", uri=True)) as connection:
        return connection.execute("SELECT count(*) FROM inbox WHERE state = 'received'").fetchone()[0]


def _state(world: World, session: str, text: str) -> str:
    with suppress(grpc.RpcError):
        return world.door.states([session]).get(text, "")
    return ""


def _start_with_sessions(world: World, machine: Machine) -> None:
    world.start_agent(machine)
    machine.agent.ready()
    for session in machine.sessions:
        machine.ask(op="register", session_id=session, backend="command", target={"command": "true"})


def _twin(world: World, machine: Machine) -> Machine:
    """Another agent on a copy of the machine's folder."""
    folder = world.folder / f"{machine.name}-twin"
    shutil.copytree(machine.folder, folder / "agent", ignore=_sockets)
    environ = machine.life.environ | {"POINTSMAN_DATA_DIR": str(folder)}
    twin = replace(machine, life=replace(machine.life, environ=environ, log=folder / "log.txt"))
    world.start_agent(twin)
    return twin


def _sockets(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if (Path(folder) / name).is_socket()]


def _quarantined(world: World, name: str) -> bool:
    return any(machine.quarantined for machine in world.listed() if machine.machine_id == name)
