"""Clients without a credential that are slow, or many: what they hold of the router, and how others fare meanwhile."""

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import grpc
import psutil
import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1.agent_link_pb2_grpc import AgentLinkStub
from agentlink.v1.control_pb2_grpc import ControlStub

from router.api.body_limits import BODIES, BODY_TIME, BODY_TURN, CALL_TURN, CALLS, STRANGERS_BODY
from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.integration.router.process import started
from tests.rigs.crowd import ATTACKS, CONNECT, ENROLL, MEBIBYTE, REFLECT, SEND, WATCH, Attack, attacked, proof
from tests.rigs.raw_http2 import WINDOW, RawConnection, message, raw_connection
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent
from tests.waiting import PATIENCE

T = TypeVar("T")

FEW, MANY = 40, 400  # at once, and in the course of some seconds
MORE = 32 * MEBIBYTE  # of memory, at most
KEY = (("x-api-key", API_KEY),)
WRONG_KEY = ("x-api-key", "pmk_" + "w" * 43)


def done(work: Coroutine[Any, Any, T]) -> T:
    """What it brings; none of it may take for ever."""
    return asyncio.run(asyncio.wait_for(work, 2 * PATIENCE))


class Others:
    """Those who have a credential, and whose business goes on."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._channel = grpc.insecure_channel(address)
        self._control = ControlStub(self._channel)
        request = pb.CreateJoinTokenRequest(machine_id="devbox")
        self._machine = ThinAgent(address, "devbox")
        self._machine.enrol(self._control.CreateJoinToken(request, metadata=KEY).join_token)

    def work(self) -> None:
        """A question, a link, and a proof of the router's, each answered."""
        assert self._control.GetStats(pb.GetStatsRequest(), metadata=KEY, timeout=PATIENCE).writable
        with self._machine.connected() as link:
            link.heard()

    def close(self) -> None:
        self._machine.close()
        self._channel.close()


@contextmanager
def others(address: str) -> Iterator[Others]:
    them = Others(address)
    try:
        yield them
    finally:
        them.close()


@pytest.mark.parametrize(
    ("clients", "attack"),
    [(FEW, each) for each in ATTACKS] + [(MANY, each) for each in ATTACKS if each.waits],
    ids=lambda one: getattr(one, "name", str(one)),
)
def test_a_crowd_takes_little_memory_and_nobodys_turn(data_dir: Path, clients: int, attack: Attack) -> None:
    async def under_attack() -> int:
        async with attacked(address, attack, clients, spread=clients == MANY):
            assert await proof(address)
            await asyncio.to_thread(them.work)
            return memory()

    def memory() -> int:
        return int(process.memory_info().rss)

    with started(data_dir) as router:
        address, process = router.address(), psutil.Process(router.pid)
        with others(address) as them:
            for _ in range(5):
                them.work()
            before = memory()
            most = done(under_attack())
            them.work()

    assert most - before < MORE


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


@pytest.mark.parametrize("path", [SEND, CONNECT])
@pytest.mark.parametrize("shown", [(), (WRONG_KEY,)])
def test_a_credential_is_judged_before_a_body_is_read(
    router: RouterUnderTest, path: str, shown: tuple[tuple[str, str], ...]
) -> None:
    """Of a stream the first frame is let in, as a refusal that overtakes it is lost; then that is all."""

    async def told() -> tuple[int, str]:
        async with raw_connection(router.address) as one:
            stream = await one.call(path, *shown)
            sent = await one.body(stream, message(8 * MEBIBYTE))
            sent += await one.body(stream, bytes(8 * MEBIBYTE))
            await one.over(stream)
            return sent, one.ended[stream]

    sent, end = done(told())

    assert sent <= WINDOW
    assert end in ("trailers", "reset 8", "reset 0")


async def handed_over(one: RawConnection) -> None:
    """Come back once the router has all that was asked before: the calls of a connection come to it in order."""
    await one.over(await one.call("/agentlink.v1.Control/NobodyHasThis"))


@pytest.mark.parametrize("path", [ENROLL, REFLECT, WATCH, CONNECT])
def test_nobody_stays_who_does_not_say_what_they_want(router: RouterUnderTest, path: str) -> None:
    async def stayed() -> None:
        async with raw_connection(router.address) as one:
            stream = await one.call(path)
            await handed_over(one)
            await asyncio.to_thread(router.advance, BODY_TIME)
            await one.over(stream)

    done(stayed())


@pytest.mark.parametrize(("path", "asked", "most"), [(ENROLL, b"", BODIES), (WATCH, message(0), CALLS)])
def test_so_many_stay_at_once_and_the_oldest_leave_first(
    router: RouterUnderTest, path: str, asked: bytes, most: int
) -> None:
    """A watch that was asked for stays; what was not asked for has its turn."""

    async def ended() -> list[bool]:
        async with raw_connection(router.address) as one:
            streams = []
            for _ in range(most + 3):
                streams.append(await one.call(path))
                await one.body(streams[-1], asked)
            await handed_over(one)
            await asyncio.to_thread(router.advance, max(BODY_TURN, CALL_TURN))
            for stream in streams[:3]:
                await one.over(stream)
            await one.answered()
            return [one.is_over(stream) for stream in streams]

    assert done(ended()) == [True] * 3 + [False] * most


def test_without_a_credential_a_request_is_short(router: RouterUnderTest) -> None:
    request = link_pb.EnrollRequest(join_token="x" * STRANGERS_BODY)

    with grpc.insecure_channel(router.address) as channel, pytest.raises(grpc.RpcError) as refused:
        AgentLinkStub(channel).Enroll(request, timeout=PATIENCE)

    assert reason_of(refused.value) == "TOO_LARGE"


def test_a_call_without_a_request_is_told_so(router: RouterUnderTest) -> None:
    with grpc.insecure_channel(router.address) as channel, pytest.raises(grpc.RpcError) as refused:
        channel.stream_unary(SEND)(iter(()), metadata=KEY, timeout=PATIENCE)

    assert reason_of(refused.value) == "INVALID_ARGUMENT"


@pytest.mark.parametrize("size", [10, MEBIBYTE])
def test_a_caller_hears_why_however_long_the_request_is(router: RouterUnderTest, size: int) -> None:
    request = pb.SendCommandRequest(session_id="x" * size)
    with grpc.insecure_channel(router.address) as channel, ThreadPoolExecutor(8) as at_once:

        def told(_number: int) -> str:
            with pytest.raises(grpc.RpcError) as refused:
                ControlStub(channel).SendCommand(request, timeout=PATIENCE)
            return reason_of(refused.value)

        assert set(at_once.map(told, range(40))) == {"UNAUTHENTICATED"}
