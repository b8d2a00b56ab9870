"""A router, machines with agents, and the wires between them, all to be broken."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from agent.link import identity
from agent.local import client
from tests.faults import certificates, power
from tests.faults.checker import Accepted, Typed, Verdict, check
from tests.faults.journal import Journal
from tests.faults.load import API_KEY, METADATA, Door
from tests.faults.processes import Process
from tests.faults.programs import Life
from tests.rigs.chaos_proxy import ChaosProxy
from tests.waiting import wait_until

DRAIN = 120.0  # seconds until everything accepted has ended


@dataclass
class Machine:
    """One enrolled machine: its folder outlives its agents."""

    name: str
    life: Life
    sessions: list[str]
    wire: ChaosProxy
    agent: Process

    @property
    def folder(self) -> Path:
        return Path(self.life.environ["POINTSMAN_DATA_DIR"]) / "agent"

    def ask(self, **message: object) -> dict[str, Any]:
        """One request to the agent over its local socket."""
        return client.request(client.socket_path(self.folder.parent), message)


class World:
    """Everything that runs. Programs are started again by whoever kills them."""

    def __init__(self, folder: Path, *, tls: bool = False, speed: float = 1.0) -> None:
        self.folder = folder
        self.speed = speed  # of the programs' clocks
        self.journal = Journal(folder / "journal.jsonl")
        self.machines: list[Machine] = []
        self.interrupted: set[str] = set()  # texts that were started and not finished when their agent died
        self._stack = ExitStack()
        self.door_wire = self._stack.enter_context(ChaosProxy())
        self._ca: bytes | None = None
        listen: dict[str, str] = {}
        self._trust: dict[str, str] = {}
        if tls:
            certificate, key = map(str, certificates.write(folder))
            listen |= {"POINTSMAN_TLS_CERT": certificate, "POINTSMAN_TLS_KEY": key}
            self._trust = {"POINTSMAN_TLS_CA": certificate}
            self._ca = Path(certificate).read_bytes()
        self.router_life = self.life("router", folder / "router", **listen)
        self.start_router()
        self.door = Door(self.door_wire.address, self._ca)
        self._stack.callback(self.door.close)

    def close(self) -> None:
        for program in (*(machine.agent for machine in self.machines), self.router):
            program.close()
        self._stack.close()

    @property
    def router_folder(self) -> Path:
        return Path(self.router_life.environ["POINTSMAN_DATA_DIR"])

    @property
    def sessions(self) -> list[str]:
        return [session for machine in self.machines for session in machine.sessions]

    # --- lives ---

    def life(self, program: str, data: Path, **environ: str) -> Life:
        """How to start a program with its data there."""
        data.mkdir(mode=0o700)
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environ = kept | {"POINTSMAN_DATA_DIR": str(data), "POINTSMAN_API_KEY": API_KEY, **environ}
        return Life(program, environ, self.journal.path, data / "log.txt", speed=self.speed)

    def start_router(self, port: int = 0, **changes: Any) -> str:
        """Start it, perhaps with a death in it; every wire leads to it then. Its address."""
        environ = self.router_life.environ | {"POINTSMAN_ROUTER_LISTEN": f"127.0.0.1:{port}"}
        self.router = self._begun(replace(self.router_life, environ=environ, **changes))
        address = self.router.ready()
        for wire in (self.door_wire, *(machine.wire for machine in self.machines)):
            wire.upstream = int(address.rpartition(":")[2])
        return address

    def start_agent(self, machine: Machine, **changes: Any) -> None:
        machine.agent = self._begun(replace(machine.life, **changes))

    def _begun(self, life: Life) -> Process:
        if life.survivors:
            power.begin(life.survivors)
        return Process(life)

    def refresh(self, machine: Machine) -> None:
        """Stop its agent in peace and start another."""
        machine.agent.stop()
        self.interrupted |= _started(machine.folder / "agent.db")  # its patience may have ended
        self.start_agent(machine)

    def end_router(self) -> None:
        """kill -9 it, or cut its power if it was started for that."""
        self.router.close()
        if survivors := self.router.life.survivors:
            power.cut(self.router_folder, survivors, "router.db")

    def bury(self, machine: Machine) -> None:
        """kill -9 an agent, or cut its power; note what it had begun, as its disk has it."""
        machine.agent.close()
        if survivors := machine.agent.life.survivors:
            power.cut(machine.folder, survivors, "agent.db")
        self.interrupted |= _started(machine.folder / "agent.db")

    def add_machine(self, name: str, sessions: int = 2) -> Machine:
        """Enrol a machine, start its agent, make its sessions."""
        wire = self._stack.enter_context(ChaosProxy(self.door_wire.upstream))
        life = self.life("agent", self.folder / name, POINTSMAN_ROUTER=wire.address, **self._trust)
        life = replace(life, extra={"machine": name})
        enrol(self.door, name, Path(life.environ["POINTSMAN_DATA_DIR"]) / "agent")
        machine = Machine(name, life, [f"{name}-{n}" for n in range(sessions)], wire, Process(life))
        self.machines.append(machine)
        machine.agent.ready()
        for session in machine.sessions:
            machine.ask(op="register", session_id=session, backend="command", target={"command": "true"})
        wait_until(lambda: set(machine.sessions) <= self.known_sessions(), 30)
        return machine

    # --- the end of a run ---

    def drain(self, deadline: float = DRAIN) -> None:
        """Wait until everything that was accepted has ended."""
        wait_until(self._at_rest, deadline)

    def verdict(self, since: float, *, interruptions: bool = True) -> Verdict:
        """What became of everything that was sent after a moment."""
        attempted = {e["text"]: e["session"] for e in self.journal.read("attempted", since=since)}
        accepted = [
            Accepted(e["session"], e["text"], e["sequence"]) for e in self.journal.read("accepted", since=since)
        ]
        typed = [Typed(e["session"], e["text"]) for e in self.journal.read("typed", since=since)]
        states = self.door.states(set(attempted.values()))
        states = {text: state for text, state in states.items() if text in attempted}
        return check(attempted, accepted, typed, states, self.interrupted & set(attempted) if interruptions else None)

    def condition(self) -> str:
        """How everything is, for whoever waits in vain."""
        dead = [machine.name for machine in self.machines if machine.agent.dead(0)]
        linked = [machine.machine_id for machine in self.listed() if machine.connected]
        newest = {session: list(self.door.states([session]).values())[:3] for session in self.sessions}
        return (
            f"router {'dead' if self.router.dead(0) else 'alive'}, agents dead {dead}, linked {linked}, newest {newest}"
        )

    def is_connected(self, name: str) -> bool:
        """Whether the router believes that a machine is connected."""
        return any(machine.machine_id == name and machine.connected for machine in self.listed())

    def listed(self) -> Sequence[types.Machine]:
        """All machines as the router knows them; none when it cannot be asked."""
        with suppress(grpc.RpcError):
            return self.door.control.ListMachines(pb.ListMachinesRequest(), metadata=METADATA, timeout=5).machines
        return ()

    def _at_rest(self) -> bool:
        with suppress(grpc.RpcError):
            return self.door.live(self.sessions) == 0
        return False

    def known_sessions(self) -> set[str]:
        """The ids of sessions as the router has them; none when it cannot be asked."""
        with suppress(grpc.RpcError):
            listed = self.door.control.ListSessions(pb.ListSessionsRequest(), metadata=METADATA, timeout=5)
            return {session.session_id for session in listed.sessions}
        return set()


@contextmanager
def world(machines: int = 0, sessions: int = 2, *, tls: bool = False, speed: float = 1.0) -> Iterator[World]:
    """A running world with so many machines; all of it is gone after the block."""
    folder = Path(tempfile.mkdtemp(prefix="pm-"))
    one = World(folder, tls=tls, speed=speed)
    try:
        for number in range(machines):
            one.add_machine(f"m{number}", sessions)
        yield one
    finally:
        one.close()
        shutil.rmtree(folder, ignore_errors=True)


def enrol(door: Door, name: str, folder: Path) -> None:
    """What `pointsman enroll` does: a key on disk, known to the router."""
    asked = pb.CreateJoinTokenRequest(machine_id=name)
    # Of a connection that is not made in gRPC's time there is another.
    token = door.control.CreateJoinToken(asked, metadata=METADATA, wait_for_ready=True, timeout=DRAIN).join_token
    key = identity.public_bytes(identity.key_of(folder))
    request = link_pb.EnrollRequest(join_token=token, machine_id=name, public_key=key)
    enrolled = door.machines.Enroll(request)
    fingerprint = token.partition(".")[2]
    identity.save(folder, enrolled.machine_id, enrolled.router_id, door.address, fingerprint)


def _started(database: Path) -> set[str]:
    """The texts that a dead agent's inbox has as started. Read from a copy: the next agent owns the files."""
    with tempfile.TemporaryDirectory() as copy:
        for name in (database.name, f"{database.name}-wal"):
            if (database.parent / name).exists():
                shutil.copy(database.parent / name, copy)
        connection = sqlite3.connect(Path(copy) / database.name)
        try:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'inbox'").fetchone():
                return set()  # it died before the first commit of its life
            return {text for (text,) in connection.execute("SELECT text FROM inbox WHERE state = 'started'")}
        finally:
            connection.close()
