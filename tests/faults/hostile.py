"""A machine with a good credential that speaks nonsense: its link may suffer, nobody else's does."""

import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

import grpc
from agentlink.v1 import agent_link_pb2 as pb
from agentlink.v1 import control_pb2

from agent.link.client import CONNECT
from tests.faults.kills import Strike, until_recovered
from tests.faults.load import METADATA, Senders
from tests.faults.storm import waits
from tests.faults.table import Row, quantile
from tests.faults.world import World
from tests.rigs.thin_agent import ThinAgent
from tests.waiting import wait_until

NAME = "hostile"
HELD = 40  # commands that a machine has when it is revoked
REVOKED_WITHIN = 2.0  # seconds
OPTIONS = [("grpc.max_send_message_length", -1)]
ENDS_WITHIN = 30.0  # seconds for one conversation
FLOOD = 10_000  # heartbeats, as fast as they can be written
DELAY = 2.0  # seconds that a command of others may take meanwhile, p99

Talk = Callable[[ThinAgent, random.Random], Iterable[bytes]]


def _hello(agent: ThinAgent, **fields: object) -> bytes:
    """A hello that makes the router choose an epoch that is known here without its answer."""
    agent.last_epoch += 1000
    return pb.AgentFrame(hello=agent.hello(**fields)).SerializeToString()


def _frame(agent: ThinAgent, epoch: int = 0, **body: Any) -> bytes:
    return pb.AgentFrame(link_epoch=epoch or agent.last_epoch + 1, **body).SerializeToString()


def _sensible(agent: ThinAgent) -> list[bytes]:
    """One frame of each kind, as an agent would send it."""
    report = pb.SessionUpdate(upstream_seq=1, session_id=f"{NAME}-s", generation=1, label="x", backend="command")
    bodies: list[dict[str, Any]] = [
        {"receipt": pb.Receipt(items=[pb.ReceiptItem(command_id="c1", outcome=pb.RECEIPT_OUTCOME_STORED)])},
        {"result": pb.Result(upstream_seq=1, command_id="c1", outcome=pb.RESULT_OUTCOME_DONE)},
        {"session_update": report},
        {"session_closed": pb.SessionClosed(upstream_seq=1, session_id=f"{NAME}-s", generation=1)},
        {"notify": pb.Notify(upstream_seq=1, notification_id="n1", session_id=f"{NAME}-s", text="hello")},
        {"heartbeat": pb.Heartbeat(nonce=1)},
    ]
    return [_frame(agent, **body) for body in bodies]


def _noise(agent: ThinAgent, rng: random.Random) -> Iterator[bytes]:
    yield _hello(agent)
    for _ in range(5):
        yield rng.randbytes(rng.randint(1, 300))


def _mutants(agent: ThinAgent, rng: random.Random) -> Iterator[bytes]:
    yield _hello(agent)
    for _ in range(20):
        frame = bytearray(rng.choice(_sensible(agent)))
        for _ in range(rng.randint(1, 3)):
            frame[rng.randrange(len(frame))] ^= 1 << rng.randrange(8)
        yield bytes(frame[: rng.randint(1, len(frame))])


def _mutant_hello(agent: ThinAgent, rng: random.Random) -> Iterator[bytes]:
    hello = bytearray(_hello(agent, sessions=[pb.SessionUpdate(session_id="x" * 50, label="y" * 50)]))
    for _ in range(rng.randint(1, 4)):
        hello[rng.randrange(len(hello))] = rng.randrange(256)
    yield bytes(hello)


TALKS: dict[str, Talk] = {
    "noise": _noise,
    "mutants": _mutants,
    "mutant hello": _mutant_hello,
    "before hello": lambda agent, rng: [rng.choice(_sensible(agent))],
    "hello twice": lambda agent, _: [_hello(agent), _hello(agent)],
    "empty": lambda agent, _: [_hello(agent), b"", b"", b""],
    "empty hello": lambda _agent, _rng: [b""],
    "unknown kind": lambda agent, _: [_hello(agent), *[_frame(agent) + b"\xfa\x3e\x00"] * 3],
    "wrong epoch": lambda agent, _: [_hello(agent), *[_frame(agent, epoch=7, heartbeat=pb.Heartbeat())] * 3],
    "a mebibyte and one": lambda agent, _: [_hello(agent), *[b"\0" * (2**20 + 1)] * 3],
    "five mebibytes": lambda agent, _: [_hello(agent), b"\0" * (5 * 2**20)],
    "huge hello": lambda agent, _: [_hello(agent, agent_version="v" * (2**20 + 1))],
    "another machine": lambda agent, _: [_hello(agent, machine_id="m0")],
    "a thousand unknown commands": lambda agent, rng: [
        _hello(agent, unresolved=[
            pb.UnresolvedCommand(command_id=str(rng.random()), inbox_state=pb.INBOX_STATE_RECEIVED) for _ in range(1000)
        ])
    ],
    "flood": lambda agent, _: [
        _hello(agent), *[_frame(agent, heartbeat=pb.Heartbeat(nonce=n)) for n in range(FLOOD)]
    ],
}  # fmt: skip


def nonsense(world: World, rng: random.Random, rounds: int) -> Row:
    """Every kind of nonsense so many times, while other machines work."""
    since, sent, failures, pid = time.monotonic(), 0, list[str](), world.router.pid
    request = control_pb2.CreateJoinTokenRequest(machine_id=NAME)
    agent = ThinAgent(world.door_wire.upstream_address, NAME)
    agent.enrol(world.door.control.CreateJoinToken(request, metadata=METADATA).join_token)
    others = tuple(machine.name for machine in world.machines)
    with Senders(world.door, world.sessions, world.journal, f"{since:.3f}") as senders:
        until_recovered(world, [Strike(since, others)])
        began = time.monotonic()
        for name in list(TALKS) * rounds:
            frames = list(TALKS[name](agent, rng))
            sent += len(frames)
            if _told(agent, frames) is grpc.StatusCode.DEADLINE_EXCEEDED:
                failures.append(f"{name}: the stream did not end")
        ended = time.monotonic()
        until_recovered(world, [Strike(ended, others)])
    agent.close()
    world.drain()
    took = waits(world, began, ended)
    if world.router.dead(0) or world.router.pid != pid:
        failures.append("the router died")
    p99 = quantile(took, 0.99)
    late = ["others were held up"] if p99 > DELAY else []
    remarks = [f"{sent} frames; a command of others took p50 {quantile(took, 0.5):.2f} s, p99 {p99:.2f} s meanwhile"]
    failures += senders.refusals
    verdict = world.verdict(since)
    return Row("nonsense from a machine", rounds * len(TALKS), verdict, (), (), remarks, failures, late)


def revoked(world: World) -> Row:
    """A machine's right is taken back while it works: its link ends at once, and what it holds ends in doubt."""
    machine, since = world.machines[-1], time.monotonic()
    others = [session for session in world.sessions if session not in machine.sessions]
    with Senders(world.door, others, world.journal, f"{since:.3f}") as senders:
        for number in range(HELD):
            session, text = machine.sessions[number % len(machine.sessions)], f"{since:.3f} to be revoked {number}"
            world.journal.note("attempted", session=session, text=text)
            command = world.door.send(session, text)
            world.journal.note("accepted", durable=True, session=session, text=text, sequence=command.sequence)
        at = time.monotonic()
        world.door.control.RevokeMachine(control_pb2.RevokeMachineRequest(machine_id=machine.name), metadata=METADATA)
        wait_until(lambda: not machine.ask(op="status")["connected"], ENDS_WITHIN)
        found = time.monotonic() - at
        until_recovered(world, [Strike(at, (world.machines[0].name,))])
    world.drain()
    late = [f"its link ended after {found:.0f} s"] if found > REVOKED_WITHIN else []
    verdict = world.verdict(since, interruptions=False)
    return Row("machine revoked while it works", 1, verdict, [found], failures=senders.refusals, late=late)


def _told(agent: ThinAgent, frames: list[bytes]) -> grpc.StatusCode:
    """How the router ends a stream on which these came."""
    with grpc.insecure_channel(agent.address, OPTIONS) as channel:
        metadata = [("authorization", f"Bearer {agent.token()}")]
        call = channel.stream_stream(CONNECT)(iter(frames), metadata=metadata, timeout=ENDS_WITHIN)
        with suppress(grpc.RpcError):
            deque(call, maxlen=0)
        code: grpc.StatusCode = call.code()
        return code
