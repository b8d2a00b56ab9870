"""An adapter is read no faster than the disk takes what it hands in, and than it reads its answers."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from typing import Any, cast

import grpc
import pytest
from agentlink.v1 import chat_link_pb2 as pb

from router.api.submit_stream import MOST_FRAMES, SubmitStream
from tests.sim.loop import VirtualLoop

FRAMES = MOST_FRAMES * 3


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    with closing(VirtualLoop()) as loop:
        yield loop


class Adapter:
    """Sends so many frames, and reads every answer."""

    def __init__(self) -> None:
        self.read_from, self.answered = 0, list[int]()

    async def read(self) -> bytes:
        await asyncio.sleep(0)
        if self.read_from == FRAMES:
            return cast("bytes", grpc.aio.EOF)  # type: ignore[attr-defined]  # stubs lack it
        self.read_from += 1
        request = pb.SubmitRequest(update_key=f"u{self.read_from}", text="hello")
        request.chat.transport = request.chat.chat_id = "test"
        return pb.SubmitBatch(items=[pb.SubmitItem(item_id=self.read_from, request=request)]).SerializeToString()

    async def write(self, data: bytes) -> None:
        self.answered += [item.item_id for item in pb.SubmitBatchResponse.FromString(data).items]


class Disk:
    """Takes what it is given when the test lets it."""

    def __init__(self) -> None:
        self.waiting: list[asyncio.Future[list[bytes]]] = []

    def write(self, _operation: object, *, urgent: bool, many: bool) -> "asyncio.Future[list[bytes]]":
        assert urgent
        assert not many
        self.waiting.append(asyncio.get_running_loop().create_future())
        return self.waiting[-1]

    def let(self, count: int) -> None:
        for stored in self.waiting[:count]:
            stored.set_result([b""])
        del self.waiting[:count]


def test_it_is_read_as_far_as_there_is_room(loop: VirtualLoop) -> None:
    adapter, disk, seen = Adapter(), Disk(), []

    async def handed_in() -> None:
        running = asyncio.ensure_future(SubmitStream(cast("Any", adapter), cast("Any", disk), cast("Any", None)).run())
        for taken in (0, 10, MOST_FRAMES):
            disk.let(taken)
            await asyncio.sleep(1.0)  # virtual: until nothing moves any more
            seen.append(adapter.read_from)
        while not running.done():
            disk.let(FRAMES)
            await asyncio.sleep(1.0)
        await running

    loop.run_until_complete(handed_in())

    assert seen == [MOST_FRAMES, MOST_FRAMES + 10, 2 * MOST_FRAMES + 10]
    assert adapter.answered == list(range(1, FRAMES + 1))
