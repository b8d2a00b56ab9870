"""A refused stream ends after its first frame: a status that overtakes it never reaches the caller."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from typing import Any, cast

import grpc
import pytest
from agentlink.v1 import agent_link_pb2 as link_pb

from router.api import handlers
from router.api.body_limits import BODIES, BODY_TIME, Bodies
from router.api.call_limits import CallLimits
from router.api.handlers import Door
from router.clock import SteadyClock
from router.domain.errors import Reason, Refusal
from tests.sim.loop import VirtualLoop


class Closed:
    """A guard that lets nobody in, machines or strangers."""

    def __init__(self, *, machines: bool = False) -> None:
        self._machines = machines

    async def admit(self, _method: str, _context: object) -> None:
        raise Refusal(Reason.BUSY, "Come again.", retry_after=3.0)

    async def is_of_a_machine(self, _context: object) -> bool:
        return self._machines

    def note(self, *_refused: object) -> None:
        pass


class Stream:
    """A call whose caller sends one frame when the test lets it, and writes down what is done to it."""

    def __init__(self) -> None:
        self.sent = asyncio.Event()
        self.seen: list[str] = []

    async def read(self) -> bytes:
        await self.sent.wait()
        self.seen.append("read")
        return b""

    def peer(self) -> str:
        return "ipv4:192.0.2.1:4711"

    async def abort_with_status(self, status: grpc.Status) -> None:
        self.seen.append(status.code.name)
        raise grpc.aio.AbortError


class Nobody:
    """A servicer that is never reached."""

    async def Connect(self, *_: object) -> None:
        raise AssertionError

    async def Enroll(self, *_: object) -> None:
        raise AssertionError

    async def RotateKey(self, *_: object) -> None:
        raise AssertionError

    async def GetPart(self, *_: object) -> None:
        raise AssertionError

    async def PutPart(self, *_: object) -> None:
        raise AssertionError

    async def NotifyWithFiles(self, *_: object) -> None:
        raise AssertionError


async def refused(stream: Stream, bodies: Bodies | None = None, *, machines: bool = False) -> None:
    door = Door(cast("Any", Closed(machines=machines)), bodies or Bodies(), CallLimits(SteadyClock()))
    service = link_pb.DESCRIPTOR.services_by_name["AgentLink"]
    handler = handlers.handlers(service, Nobody(), door)["Connect"]
    await cast("Any", handler).stream_stream(None, stream)


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    with closing(VirtualLoop()) as loop:
        yield loop


def test_the_first_frame_is_taken_before_the_refusal(loop: VirtualLoop) -> None:
    stream = Stream()
    loop.call_later(BODY_TIME - 1, stream.sent.set)

    loop.run_until_complete(refused(stream))

    assert stream.seen == ["read", "UNAVAILABLE"]


def test_a_caller_who_sends_nothing_is_refused_all_the_same(loop: VirtualLoop) -> None:
    stream = Stream()

    loop.run_until_complete(refused(stream))

    assert (stream.seen, loop.time()) == (["UNAVAILABLE"], BODY_TIME)


@pytest.mark.parametrize(("machines", "first"), [(True, "machine"), (False, "crowd")])
def test_a_machine_out_of_its_turn_hears_of_it_at_once_whatever_strangers_do(
    loop: VirtualLoop, *, machines: bool, first: str
) -> None:
    told: list[str] = []

    async def one(name: str, stream: Stream, *, machines: bool) -> None:
        await refused(stream, bodies, machines=machines)
        told.append(name)

    async def crowded() -> None:
        crowd = [asyncio.ensure_future(one("crowd", Stream(), machines=False)) for _ in range(5 * BODIES)]
        await asyncio.sleep(0)
        prompt = Stream()
        prompt.sent.set()
        await asyncio.gather(one("machine", prompt, machines=machines), *crowd)

    bodies = Bodies()
    loop.run_until_complete(crowded())

    assert told[0] == first
