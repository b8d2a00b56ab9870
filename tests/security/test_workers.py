"""Which tokens of sessions' programs are good, and until when."""

from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import jwt
import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import control_pb2 as pb
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from router.api.worker_tokens import LOOK
from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.rigs.rpc_errors import reason_of
from tests.rigs.session_program import Doors, Program, running, sends, told
from tests.rigs.thin_agent import ThinAgent, session


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


@pytest.fixture
def program(router: RouterUnderTest) -> Iterator[Program]:
    with running(router) as program:
        yield program


# Which are good.


@pytest.mark.parametrize("role", ["worker", "machine", "admin", "", None, False, ["worker"], {"worker": 1}])
def test_nothing_with_a_role_is_a_machine(router: RouterUnderTest, role: object) -> None:
    machine: ThinAgent = router.machine()
    claims = jwt.decode(machine.token(), options={"verify_signature": False}) | {"role": role}
    forged = Doors(router.address, jwt.encode(claims, machine.key, algorithm="EdDSA"))

    assert told(lambda: forged.GetPart(link_pb.GetCommandPartRequest(command_id="c"))) == "UNAUTHENTICATED"


def test_a_worker_opens_no_link(program: Program) -> None:
    link = program.machine.dial(token=program.machine.worker_token(program.own))
    _, error = link.ended()
    link.lose()

    assert error is not None
    assert reason_of(error) == "UNAUTHENTICATED"
    program.link.heard()  # the machine's own stands


FORGED: dict[str, Callable[[Program], str]] = {
    "no role": lambda p: p.machine.worker_token(p.own, role=None),
    "an odd role": lambda p: p.machine.worker_token(p.own, role="machine"),
    "two roles": lambda p: p.machine.worker_token(p.own, role=["worker"]),
    "good for longer than an hour": lambda p: p.machine.worker_token(p.own, exp=p.machine.now() + 3602),
    "good for no time": lambda p: p.machine.worker_token(p.own, iat=p.machine.now(), exp=p.machine.now() - 1),
    "no end": lambda p: p.machine.worker_token(p.own, exp=None),
    "an end that is no number": lambda p: p.machine.worker_token(p.own, exp=float("nan")),
    "for any router": lambda p: p.machine.worker_token(p.own, aud="pointsman"),
    "for another router": lambda p: p.machine.worker_token(p.own, aud="another"),
    "for no router": lambda p: p.machine.worker_token(p.own, aud=None),
    "of another issuer": lambda p: p.machine.worker_token(p.own, iss="elsewhere"),
    "of no session": lambda p: p.machine.worker_token(p.own, session=None),
    "of many sessions": lambda p: p.machine.worker_token(p.own, session=[p.own, p.sibling]),
    "of no generation": lambda p: p.machine.worker_token(p.own, generation=None),
    "a generation that is true": lambda p: p.machine.worker_token(p.own, generation=True),
    "a generation in words": lambda p: p.machine.worker_token(p.own, generation="1"),
    "signed by another key": lambda p: ThinAgent(p.address, "devbox").worker_token(p.own, aud=p.machine.router_id),
    "of a machine that is not there": lambda p: p.machine.worker_token(p.own, sub="nobody", iss="nobody"),
    "of another machine": lambda p: p.machine.worker_token(p.own, sub="elsewhere", iss="elsewhere"),
    "a machine's own": lambda p: p.machine.token(),
    "no JWT": lambda _: "worker",
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_a_forgery_lets_nobody_in(program: Program, forged: Callable[[Program], str]) -> None:
    assert told(lambda: program.showing(forged(program)).SendCommand(sends(program.own))) == "UNAUTHENTICATED"
    assert program.link.waiting() == 0


OVER: dict[str, tuple[str, Callable[[Program], str]]] = {
    "of another machine's session": ("WORKER_SESSION_OVER", lambda p: p.machine.worker_token(p.foreign)),
    "of a session that never was": ("WORKER_SESSION_OVER", lambda p: p.machine.worker_token("no-such-session")),
    "of a generation before": ("WORKER_SESSION_OVER", lambda p: p.machine.worker_token(p.own, 0)),
    "of a generation to come": ("WORKER_SESSION_OVER", lambda p: p.machine.worker_token(p.own, 2)),
    "whose hour is over": (
        "WORKER_EXPIRED",
        lambda p: p.machine.worker_token(p.own, iat=p.machine.now() - 3699, exp=p.machine.now() - 100),
    ),
    "of a clock ahead": (
        "CLOCK_SKEW",
        lambda p: p.machine.worker_token(p.own, iat=p.machine.now() + 100, exp=p.machine.now() + 200),
    ),
}


@pytest.mark.parametrize(("reason", "over"), OVER.values(), ids=OVER)
def test_one_that_is_over_is_told_what_to_do(program: Program, reason: str, over: Callable[[Program], str]) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        program.showing(over(program)).ListSessions(pb.ListSessionsRequest())

    assert reason_of(refused.value) == reason
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert "read the file" in str(refused.value.details()) or reason == "CLOCK_SKEW"


# Until when.


def revoke(router: RouterUnderTest, _: Program) -> None:
    router.control.RevokeMachine(pb.RevokeMachineRequest(machine_id="devbox"))


def end(router: RouterUnderTest, program: Program) -> None:
    router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id=program.own))


def restart(_: RouterUnderTest, program: Program) -> None:
    program.link.frame(session_update=session(program.own, generation=2, upstream_seq=1))
    program.link.acked(1)


def move(router: RouterUnderTest, program: Program) -> None:
    router.control.RegisterSession(pb.RegisterSessionRequest(session_id=program.own, machine_id="elsewhere"))


def outlive(router: RouterUnderTest, _: Program) -> None:
    router.advance(3600 + 40)


ENDS = [
    pytest.param(revoke, "MACHINE_REVOKED", id="its machine is revoked"),
    pytest.param(end, "WORKER_SESSION_OVER", id="its session ends"),
    pytest.param(restart, "WORKER_SESSION_OVER", id="its session is restarted"),
    pytest.param(move, "WORKER_SESSION_OVER", id="its session moves"),
    pytest.param(outlive, "WORKER_EXPIRED", id="its hour is over"),
]


@pytest.mark.parametrize(("happen", "reason"), ENDS)
def test_it_is_over_with_its_open_stream_when(
    router: RouterUnderTest, program: Program, happen: Callable[[RouterUnderTest, Program], None], reason: str
) -> None:
    doors = program.doors
    events = doors.WatchEvents(pb.WatchEventsRequest(session_id=program.own, from_now_on=True))
    events.initial_metadata()

    happen(router, program)

    assert told(lambda: list(events)) == reason
    assert told(lambda: doors.SendCommand(sends(program.own))) == reason


def test_it_is_over_with_the_key_that_signed_it(router: RouterUnderTest, program: Program) -> None:
    doors = program.doors
    events = doors.WatchEvents(pb.WatchEventsRequest(session_id=program.own, from_now_on=True))
    events.initial_metadata()

    program.machine.rotate(Ed25519PrivateKey.generate())
    router.advance(LOOK)

    assert told(lambda: list(events)) == "KEY_REPLACED"
    assert told(lambda: doors.SendCommand(sends(program.own))) == "UNAUTHENTICATED"
    assert program.doors.SendCommand(sends(program.own)).command.command_id  # by one that the new key has signed


def test_what_happens_to_others_ends_no_stream(router: RouterUnderTest, program: Program) -> None:
    events = program.doors.WatchEvents(pb.WatchEventsRequest(session_id=program.own, from_now_on=True))
    events.initial_metadata()

    router.control.RevokeMachine(pb.RevokeMachineRequest(machine_id="elsewhere"))
    router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id=program.sibling))
    router.settle()

    assert events.is_active()
    events.cancel()


def test_it_is_good_when_the_router_comes_back(router: RouterUnderTest, program: Program) -> None:
    token = program.machine.worker_token(program.own)
    program.link.lose()
    router.restart()

    assert Doors(router.address, token).SendCommand(sends(program.own)).command.session_id == program.own
