"""Fifty sessions that say what they do all the time, twenty things a second each: what a webhook takes beside them.

Quiet and loud turns alternate in one run, so that both see the same weather; in the last of three nobody of those who
watch reads anything.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import psutil
from agentlink.v1 import control_pb2, control_pb2_grpc
from agentlink.v1 import session_events_pb2 as events_pb

from tests.bench import chain, loads, programs
from tests.bench.figures import Figures, middle
from tests.bench.machine import METADATA, Machine

SESSIONS, A_SECOND = 50, 20
LOOK = 0.25  # seconds between frames of a session, as the agent looks at its record
TURNS = 3  # of each kind
PATIENCE = 30.0


class Chatty(Machine):
    """A machine whose sessions say what they do, each frame once the one before is answered."""

    said = 0

    async def chat(self, names: Sequence[str], loud: asyncio.Event) -> None:
        """Until cancelled, while it is loud."""
        numbers = dict.fromkeys(names, 1)
        free = set(names)
        reading = asyncio.create_task(self._answers(numbers, free))
        try:
            while True:
                await loud.wait()
                begun = time.monotonic()
                for name in names:
                    if name in free:
                        free.discard(name)
                        await self.frame(session_events=_frame(name, numbers[name]))
                    await asyncio.sleep(LOOK / len(names) / 2)
                await asyncio.sleep(max(0.0, begun + LOOK - time.monotonic()))
        finally:
            reading.cancel()

    async def _answers(self, numbers: dict[str, int], free: set[str]) -> None:
        while (frame := await self._call.read()) is not grpc.aio.EOF:
            if frame.WhichOneof("frame") == "events_ack":
                ack = frame.events_ack
                self.said += ack.acked_seq + 1 - numbers[ack.session_id]
                numbers[ack.session_id] = ack.acked_seq + 1
                free.add(ack.session_id)


def _frame(name: str, first: int) -> events_pb.SessionEvents:
    """A quarter of a second of a busy coding agent: words, a tool with its output, figures."""
    use = f"toolu_{first}"
    kinds = [
        events_pb.SessionEvent(said=events_pb.Said(by=events_pb.SPEAKER_ASSISTANT, text="I look at the tests. " * 10)),
        events_pb.SessionEvent(tool=events_pb.ToolUse(
            id=use, name="Bash", kind=events_pb.TOOL_KIND_RUN, title="make test", input='{"command": "make test"}',
            state=events_pb.WORK_STATE_RUNNING)),
        events_pb.SessionEvent(tool=events_pb.ToolUse(
            id=use, state=events_pb.WORK_STATE_DONE, output="passed\n" * 150)),
        events_pb.SessionEvent(usage=events_pb.Usage(model="claude-x", input_tokens=10, context_tokens=50_000)),
        events_pb.SessionEvent(said=events_pb.Said(by=events_pb.SPEAKER_ASSISTANT, text="All of them pass.")),
    ]  # fmt: skip
    events = [kinds[number % len(kinds)] for number in range(int(A_SECOND * LOOK))]
    return events_pb.SessionEvents(session_id=name, generation=1, first_seq=first, events=events, cursor=b"x" * 200)


async def measure(folder: Path, seconds: float) -> Figures:
    """Seconds from a webhook to its machine, at the median, in turns; bytes of the router before and after."""
    found: dict[str, list[float]] = {"quiet": [], "beside": [], "unread": []}
    async with _opened(folder) as (way, chatty, names, router):
        loud = asyncio.Event()
        chatting = asyncio.create_task(chatty.chat(names, loud))
        await loads.under(way, 4, loads.WARM_UP, 0)
        before, took = psutil.Process(router.process.pid).memory_info().rss, 0.0
        for turn in range(TURNS):
            for number, kind in enumerate(found):
                (loud.clear if kind == "quiet" else loud.set)()
                began = time.monotonic()
                async with _unread(router.address, names if kind == "unread" else []):
                    run = await loads.under(way, 1, seconds, (3 * turn + number + 1) * 10_000_000)
                found[kind].append(run.p50)
                took += 0.0 if kind == "quiet" else time.monotonic() - began
        chatting.cancel()
        after = psutil.Process(router.process.pid).memory_info().rss
    figures = {f"{kind} p50": middle(values) for kind, values in found.items()}
    return figures | {"before": before, "after": after, "kept": _kept(folder), "rate": chatty.said / took}


def _kept(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("events.db*"))


@asynccontextmanager
async def _opened(folder: Path) -> AsyncIterator[tuple[loads.Way, Chatty, list[str], programs.Program]]:
    async with chain.through(folder) as (way, router), grpc.aio.insecure_channel(router.address) as channel:
        chatty = Chatty(channel, "chatty")
        await chatty.enrol()
        names = await chatty.sessions(SESSIONS)
        await chatty.connect()
        yield way, chatty, names, router
        chatty.close()


@asynccontextmanager
async def _unread(address: str, names: Sequence[str]) -> AsyncIterator[None]:
    """Somebody watches each of these, and reads nothing."""
    async with grpc.aio.insecure_channel(address) as channel:
        control = control_pb2_grpc.ControlStub(channel)
        calls = [control.WatchSession(control_pb2.WatchSessionRequest(session_id=n), metadata=METADATA) for n in names]
        for call in calls:
            await call.initial_metadata()
        yield
        for call in calls:
            call.cancel()
