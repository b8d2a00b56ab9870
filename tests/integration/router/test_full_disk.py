"""A disk that is full for a while, for the process as a whole: its log, its checkpoints, everything."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from agentlink.v1.control_pb2_grpc import ControlStub
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.integration.router.harness import API_KEY, Caller
from tests.integration.router.process import RouterProcess, started
from tests.rigs.rpc_errors import reason_of, retry_after
from tests.rigs.thin_agent import ThinAgent, ids, session
from tests.waiting import wait_until

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
CHECKPOINT = 120  # writes after which the router has tried to move its log into the database


class Site:
    """A router process with one machine, whose disk can be filled."""

    def __init__(self, folder: Path, process: RouterProcess) -> None:
        self.process = process
        self.address = process.address()
        self._caller = Caller(self.address, API_KEY)
        self._channel = grpc.insecure_channel(self.address)
        self.control: ControlStub = self._caller.control
        self.agent = ThinAgent(self.address, "devbox")
        self.agent.enrol(self.control.CreateJoinToken(pb.CreateJoinTokenRequest()).join_token)
        self.folder = folder

    def send(self, text: str) -> str:
        action = types.Action(input=types.Input(text=text))
        return self.control.SendCommand(pb.SendCommandRequest(session_id="s-1", action=action)).command.command_id

    def refused(self, text: str) -> grpc.RpcError:
        with pytest.raises(grpc.RpcError) as refused:
            self.send(text)
        return refused.value

    def health(self) -> int:
        stub = health_pb2_grpc.HealthStub(self._channel)
        return int(stub.Check(health_pb2.HealthCheckRequest(), timeout=10).status)

    def close(self) -> None:
        self.agent.close()
        self._caller.close()
        self._channel.close()


@pytest.fixture
def site(data_dir: Path) -> Iterator[Site]:
    with started(data_dir) as process:
        site = Site(data_dir, process)
        with site.agent.connected(sessions=[session("s-1")]):
            pass
        yield site
        site.close()


@contextmanager
def full(site: Site) -> Iterator[None]:
    """Inside the block the router's disk takes nothing."""
    site.process.file_limit(1)
    try:
        yield
    finally:
        site.process.file_limit(-1)


def test_what_was_accepted_outlives_a_full_disk_and_nothing_else_is(site: Site) -> None:
    before = [site.send(f"before {number}") for number in range(3)]
    with full(site):
        errors = [site.refused(f"lost {number}") for number in range(CHECKPOINT)]
        with pytest.raises(grpc.RpcError) as part:
            site.agent.put_part("f1", 0, b"lost")
        wait_until(lambda: site.health() == NOT_SERVING)
    wait_until(lambda: site.health() == SERVING)
    after, parts = site.send("after"), site.agent.put_part("f1")

    with site.agent.connected(sessions=[session("s-1")]) as link:
        frames = link.commands(4)
        link.heard()

        assert ids(frames) == [*before, after]
        assert link.waiting() == 0
    assert parts == 0
    assert {(error.code(), reason_of(error)) for error in [*errors, part.value]} == {
        (grpc.StatusCode.UNAVAILABLE, "STORAGE_UNAVAILABLE")
    }
    assert retry_after(errors[0])
    assert site.process.running()


def test_a_link_that_ends_while_the_disk_is_full_is_not_taken_for_one_that_lives(site: Site) -> None:
    link = site.agent.dial(sessions=[session("s-1")])
    link.welcome()
    on_its_way = site.send("on its way")
    link.commands(1)
    with full(site):
        site.refused("makes the router notice")
        link.lose()
        wait_until(lambda: not is_connected(site))
    waiting = wait_until(lambda: accepted(site, "after"))

    assert site.control.GetCommand(pb.GetCommandRequest(command_id=waiting)).command.attempt == 0
    with site.agent.connected() as again:
        assert ids(again.commands(2)) == [on_its_way, waiting]


def is_connected(site: Site) -> bool:
    return site.control.ListMachines(pb.ListMachinesRequest()).machines[0].connected


def accepted(site: Site, text: str) -> str:
    """The id of a command; empty while the disk takes none."""
    try:
        return site.send(text)
    except grpc.RpcError:
        return ""
