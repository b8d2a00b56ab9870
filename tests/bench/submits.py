"""The router alone, by one submit stream; `python -m tests.bench.submits ADDRESS MACHINE AT_ONCE SECONDS FIRST`.

With its machine there this is what a broker's client does: enqueue, push, confirm. With its machine away commands wait.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

import grpc
import uvloop
from agentlink.v1 import chat_link_pb2 as pb
from agentlink.v1 import chat_link_pb2_grpc as rpc
from agentlink.v1 import types_pb2

from tests.bench import driver, programs
from tests.bench.figures import Figures, Run
from tests.bench.loads import Way
from tests.bench.machine import METADATA, Machine

SESSIONS = 20  # no session may have more than 1 000 commands waiting
TEXT = "t=%d %d please continue with the next task and run the tests"
CROWDED = 64  # sessions under load: what is handed in may be ahead of the machine for a while


async def away(folder: Path, count: int, window: int) -> Figures:
    """Hand in `count` messages for a machine that is away, at most `window` without an answer."""
    with programs.router(folder) as router:
        async with grpc.aio.insecure_channel(router.address) as channel:
            machine = Machine(channel, "submits")
            await machine.enrol()
            names = await machine.sessions(SESSIONS)
            stream = rpc.ChatLinkStub(channel).SubmitStream(metadata=METADATA)
            sending, latencies, begun = Sending(stream, names), list[float](), time.monotonic()
            while len(latencies) < count:
                await sending.fill(min(window - len(sending.under_way), count - sending.number))
                latencies += await sending.answers()
            run = Run(latencies, time.monotonic() - begun)
            await stream.done_writing()
    return {"rate": run.rate, "p50": run.p50, "p99": run.p99}


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Way]:
    """The router with a machine that confirms."""
    with programs.router(folder) as router:
        async with grpc.aio.insecure_channel(router.address) as channel:
            machine = Machine(channel, "submits")
            await machine.enrol()
            await machine.sessions(CROWDED)
            await machine.connect()
            serving = asyncio.create_task(machine.serve())

            async def post(at_once: int, seconds: float, first: int) -> driver.Posted:
                argv = [router.address, machine.machine_id, str(at_once), str(seconds), str(first)]
                return await driver.told(["-m", "tests.bench.submits", *argv])

            yield Way(post, machine.arrived)
            serving.cancel()
            machine.close()


class Sending:
    """One stream, on which what is to be handed in goes as soon as there is room."""

    def __init__(
        self,
        stream: "grpc.aio.StreamStreamCall[pb.SubmitBatch, pb.SubmitBatchResponse]",
        names: list[str],
        first: int = 0,
    ) -> None:
        self._stream, self._names = stream, names
        self.number = first  # of the next
        self.under_way: dict[int, float] = {}  # seconds when it went
        self.accepted: list[str] = []  # ids of commands

    async def fill(self, room: int) -> None:
        """Hand in so many, in one frame."""
        numbers, now = range(self.number, self.number + room), time.monotonic_ns()
        if room > 0:
            items = [item(number, self._names, TEXT % (now, number)) for number in numbers]
            self.under_way |= dict.fromkeys(numbers, now / 1e9)
            self.number += room
            await self._stream.write(pb.SubmitBatch(items=items))

    async def answers(self) -> list[float]:
        """Wait for some; returns how long each took."""
        answers, now = await self._stream.read(), time.monotonic()
        for answer in answers.items:
            if not answer.response.command_id:
                raise RuntimeError(f"not accepted: {answer}")
            self.accepted.append(answer.response.command_id)
        return [now - self.under_way.pop(answer.item_id) for answer in answers.items]


async def _publish(address: str, machine_id: str, at_once: int, seconds: float, first: int) -> driver.Posted:
    names = [f"{machine_id}-{number}" for number in range(CROWDED)]
    async with grpc.aio.insecure_channel(address) as channel:
        stream = rpc.ChatLinkStub(channel).SubmitStream(metadata=METADATA)
        sending = Sending(stream, names, first)
        begun = time.monotonic_ns()
        until = begun + int(seconds * 1e9)
        await sending.fill(at_once)
        while sending.under_way:
            answered = await sending.answers()
            if time.monotonic_ns() < until:
                await sending.fill(len(answered))
        return driver.Posted(sending.number - first, begun, time.monotonic_ns())


def item(number: int, names: list[str], text: str = "go on please") -> pb.SubmitItem:
    chat = types_pb2.ChatRef(transport="bench", chat_id="1")
    request = pb.SubmitRequest(
        update_key=f"bench:{number}", chat=chat, text=text, session_id=names[number % len(names)]
    )
    return pb.SubmitItem(item_id=number, request=request)


if __name__ == "__main__":
    address, machine_id, *numbers = sys.argv[1:]
    at_once, seconds, first = int(numbers[0]), float(numbers[1]), int(numbers[2])
    print(json.dumps(asdict(uvloop.run(_publish(address, machine_id, at_once, seconds, first)))))
