"""The router alone: one submit stream, no machine, so many items under way at once."""

import time
from pathlib import Path

import grpc
from agentlink.v1 import chat_link_pb2 as pb
from agentlink.v1 import chat_link_pb2_grpc as rpc
from agentlink.v1 import types_pb2

from tests.bench import programs
from tests.bench.figures import Run
from tests.bench.machine import METADATA, Machine

SESSIONS = 20  # no session may have more than 1 000 commands waiting


async def measure(folder: Path, count: int, window: int) -> Run:
    """Hand in `count` messages, at most `window` without an answer."""
    with programs.router(folder) as router:
        async with grpc.aio.insecure_channel(router.address) as channel:
            machine = Machine(channel, "submits")
            await machine.enrol()
            names = await machine.sessions(SESSIONS)
            stream = rpc.ChatLinkStub(channel).SubmitStream(metadata=METADATA)
            run = await _submit(stream, names, count, window)
            await stream.done_writing()
    return run


async def _submit(
    stream: "grpc.aio.StreamStreamCall[pb.SubmitBatch, pb.SubmitBatchResponse]",
    names: list[str],
    count: int,
    window: int,
) -> Run:
    sent: dict[int, float] = {}
    latencies: list[float] = []
    begun = time.perf_counter()
    while len(latencies) < count:
        room = min(window - (len(sent) - len(latencies)), count - len(sent))
        if room > 0:
            numbers = range(len(sent), len(sent) + room)
            await stream.write(pb.SubmitBatch(items=[item(number, names) for number in numbers]))
            sent |= dict.fromkeys(numbers, time.perf_counter())
        answers = await stream.read()
        now = time.perf_counter()
        for answer in answers.items:
            if not answer.response.command_id:
                raise RuntimeError(f"not accepted: {answer}")
            latencies.append(now - sent[answer.item_id])
    return Run(latencies, time.perf_counter() - begun)


def item(number: int, names: list[str]) -> pb.SubmitItem:
    chat = types_pb2.ChatRef(transport="bench", chat_id="1")
    request = pb.SubmitRequest(
        update_key=f"bench:{number}", chat=chat, text="go on please", session_id=names[number % len(names)]
    )
    return pb.SubmitItem(item_id=number, request=request)
