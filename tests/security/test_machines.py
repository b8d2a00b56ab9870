"""What a machine, or somebody who pretends to be one, cannot do to others."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import grpc
import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from agentlink.v1.agent_link_pb2_grpc import AgentLinkStub
from google.protobuf.duration_pb2 import Duration

from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent, session

STREAMS = 100  # that one connection may have
CONNECTIONS = 6
APART = [("grpc.use_local_subchannel_pool", 1)]  # a connection of its own
DIGITS = 400  # of a number that is no float


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


def refused(router: RouterUnderTest, token: str) -> grpc.RpcError:
    """What a call with a machine's credential is told."""
    metadata = [("authorization", f"Bearer {token}")]
    with grpc.insecure_channel(router.address) as channel, pytest.raises(grpc.RpcError) as error:
        AgentLinkStub(channel).GetPart(link_pb.GetCommandPartRequest(command_id="c"), metadata=metadata, timeout=30)
    return error.value


def test_bogus_credentials_use_up_no_machines_turn(router: RouterUnderTest) -> None:
    machine = router.machine("devbox")
    forged = [("authorization", f"Bearer {ThinAgent('127.0.0.1:1', 'devbox').token()}")]

    with ExitStack() as open_channels:
        channels = [
            open_channels.enter_context(grpc.insecure_channel(router.address, APART)) for _ in range(CONNECTIONS)
        ]
        fetches = [AgentLinkStub(channel).GetPart for channel in channels for _ in range(STREAMS)]
        calls = [fetch.future(link_pb.GetCommandPartRequest(), metadata=forged, timeout=30) for fetch in fetches]
        told = {reason_of(call.exception()) for call in calls}

    assert told <= {"UNAUTHENTICATED", "BUSY"}  # of so many at once, some are not even looked at
    with machine.connected() as link:
        assert link.epoch == 1


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
def test_a_number_too_large_is_a_bad_credential(router: RouterUnderTest, claim: str) -> None:
    machine = router.machine("devbox")

    error = refused(router, machine.token(**{claim: 10**DIGITS}))

    assert error.code() is grpc.StatusCode.UNAUTHENTICATED


def test_a_credential_is_good_only_once_its_time_has_come(router: RouterUnderTest) -> None:
    machine = router.machine("devbox")

    error = refused(router, machine.token(nbf=machine.now() + 200))

    assert reason_of(error) == "CLOCK_SKEW"


def test_an_ended_session_stays_its_machines(router: RouterUnderTest) -> None:
    """A reply to one of its old messages would reach whoever took its id."""
    session_id = router.session(router.machine("devbox"))
    router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id=session_id))

    with router.machine("thief").connected() as link:
        link.frame(session_update=session(session_id, upstream_seq=1))
        [rejection] = link.acked(1).rejected

    assert rejection.reason == types.REASON_SESSION_OWNED_ELSEWHERE


@pytest.mark.parametrize("seconds", [-5, 0, 31 * 86_400, 300_000_000_000])
def test_a_join_token_is_good_for_a_sensible_time(router: RouterUnderTest, seconds: int) -> None:
    with pytest.raises(grpc.RpcError) as error:
        router.join_token(ttl=Duration(seconds=seconds))

    assert reason_of(error.value) == "INVALID_ARGUMENT"
    assert "ttl" in str(error.value.details())  # type: ignore[attr-defined]


@pytest.mark.parametrize("state", ["enrolled", "revoked"])
def test_nobody_without_its_key_learns_whether_a_machine_is_known(router: RouterUnderTest, state: str) -> None:
    machine = router.machine("devbox")
    if state == "revoked":
        router.control.RevokeMachine(pb.RevokeMachineRequest(machine_id="devbox"))

    taken = refused(router, ThinAgent(router.address, machine.machine_id, now=router.time.now).token())
    free = refused(router, ThinAgent(router.address, "nobody", now=router.time.now).token())

    assert (taken.code(), taken.details(), reason_of(taken)) == (free.code(), free.details(), reason_of(free))  # type: ignore[attr-defined]
    assert reason_of(taken) == "UNAUTHENTICATED"


def test_nobody_without_a_token_learns_whether_a_name_is_taken(router: RouterUnderTest) -> None:
    router.machine("devbox")
    told = []
    for name in ("devbox", "nobody"):
        router.advance(1.1)  # a wrong token has its pause
        with pytest.raises(grpc.RpcError) as error:
            router.stranger(name).enrol("pmj_" + "w" * 43)
        told.append((error.value.code(), error.value.details(), reason_of(error.value)))  # type: ignore[attr-defined]

    assert told[0] == told[1]
    assert told[0][2] == "JOIN_TOKEN_INVALID"
