"""How often somebody may call, and how many calls of theirs may be open."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import grpc
import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import identity_pb2
from agentlink.v1.agent_link_pb2_grpc import AgentLinkStub
from agentlink.v1.control_pb2_grpc import ControlStub
from agentlink.v1.identity_pb2_grpc import IdentityStub

from router.api import call_limits
from router.local_socket import socket_path
from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.rigs.rpc_errors import reason_of, retry_after
from tests.rigs.thin_agent import ThinAgent
from tests.waiting import PATIENCE

KEY = (("x-api-key", API_KEY),)
STREAMS = 100  # that one connection may have
APART = [("grpc.use_local_subchannel_pool", 1)]  # a connection of its own
FEW = (0.001, 5.0)  # a second, and at once
TOO_MANY = "TOO_MANY_CALLS"


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


def test_bogus_credentials_are_told_to_come_less_often_and_a_good_one_is_let_in(router: RouterUnderTest) -> None:
    machine = router.machine("devbox")
    forged = [("authorization", f"Bearer {ThinAgent('127.0.0.1:1', 'devbox').token()}")]
    many = int(call_limits.REFUSED[1] * 1.5)

    with ExitStack() as open_channels:
        channels = [
            open_channels.enter_context(grpc.insecure_channel(router.address, APART)) for _ in range(many // STREAMS)
        ]
        fetches = [AgentLinkStub(channel).GetPart for channel in channels for _ in range(STREAMS)]
        calls = [fetch.future(link_pb.GetCommandPartRequest(), metadata=forged, timeout=60) for fetch in fetches]
        errors = [call.exception() for call in calls]

    assert {reason_of(error) for error in errors} - {"BUSY"} == {"UNAUTHENTICATED", TOO_MANY}
    assert all(retry_after(error) for error in errors if reason_of(error) == TOO_MANY)
    with machine.connected() as link:
        assert link.epoch


@pytest.mark.parametrize("name", ["STRANGERS", "KEYS", "MACHINES"])
def test_only_so_many_calls_a_second(data_dir: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with serving(config(data_dir)) as first:
        machine = first.machine("devbox")
        monkeypatch.setattr(call_limits, name, FEW)
        first.restart()
        with grpc.insecure_channel(first.address) as channel:

            def call() -> None:
                if name == "STRANGERS":
                    IdentityStub(channel).Prove(identity_pb2.ProveRequest(nonce=bytes(32)), timeout=PATIENCE)
                elif name == "KEYS":
                    ControlStub(channel).GetStats(pb.GetStatsRequest(), metadata=KEY, timeout=PATIENCE)
                else:
                    request = link_pb.PutPartRequest(file_id="f", number=0)
                    shown = [("authorization", f"Bearer {machine.token()}")]
                    AgentLinkStub(channel).PutPart(request, metadata=shown, timeout=PATIENCE)

            for _ in range(int(FEW[1])):
                call()
            with pytest.raises(grpc.RpcError) as refused:
                call()
            first.advance(1 / FEW[0])
            call()

    assert (refused.value.code(), reason_of(refused.value)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, TOO_MANY)
    assert retry_after(refused.value)


def test_at_the_socket_too_each_key_is_counted_by_itself(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(config(data_dir)) as router:
        another = router.key(pb.ROLE_VIEWER)
        monkeypatch.setattr(call_limits, "KEYS", FEW)
        router.restart()
        with grpc.insecure_channel(f"unix:{socket_path(data_dir)}") as channel:

            def call(key: str) -> None:
                ControlStub(channel).GetStats(pb.GetStatsRequest(), metadata=(("x-api-key", key),), timeout=PATIENCE)

            for _ in range(int(FEW[1])):
                call(API_KEY)
            with pytest.raises(grpc.RpcError) as refused:
                call(API_KEY)
            call(another)

    assert reason_of(refused.value) == TOO_MANY


def test_only_so_many_calls_of_one_key_are_open(router: RouterUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_limits, "OPEN", 2)
    open_calls = [router.watch(from_now_on=True) for _ in range(2)]

    with pytest.raises(grpc.RpcError) as refused:
        router.control.GetStats(pb.GetStatsRequest())
    for call in open_calls:
        call.cancel()

    assert reason_of(refused.value) == TOO_MANY
