"""How long from a line in a program's record until whoever watches its session has it: fifty of them, all at work.

The programs only sleep; this process writes their records as they would, twenty lines a second each, and watches.
"""

import asyncio
import json
import subprocess
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import grpc
from agentlink.v1 import control_pb2, control_pb2_grpc

from agent.local.client import request, socket_path
from tests.bench import own_agent, programs
from tests.bench.driver import stamp
from tests.bench.figures import Run
from tests.bench.machine import METADATA

SESSIONS = 50
EVERY = 0.05  # seconds between two lines of a record
PATIENCE = 60.0  # seconds until the last is there


class Watch:
    """Who watches a session, and when what it says came."""

    def __init__(self, channel: grpc.aio.Channel, session: str, arrived: dict[str, float]) -> None:
        request = control_pb2.WatchSessionRequest(session_id=session)
        self._call = control_pb2_grpc.ControlStub(channel).WatchSession(request, metadata=METADATA)
        self._arrived = arrived

    async def read(self) -> None:
        async for response in self._call:
            if response.event.HasField("said"):
                self._arrived[f"{response.event.said.text}"] = time.monotonic()


async def measure(folder: Path, seconds: float) -> Run:
    """The run of so many seconds' lines, with our own agent and router."""
    with programs.router(folder) as router:
        environ = own_agent.environ(folder / "machine", router.address, "told")
        async with grpc.aio.insecure_channel(router.address) as channel:
            await own_agent.enrol(channel, environ)
            agent = programs.started(programs.ours("agent"), environ, log=folder / "agent.log")
            with agent, _sleeping(SESSIONS) as pids:
                records = [await _talk(channel, environ, folder, pid) for pid in pids]
                async with _watched(channel, [record.stem for record in records]) as arrived:
                    began = time.monotonic()
                    said = await _write(records, began + seconds)
                    while not said <= arrived.keys():
                        if time.monotonic() > began + seconds + PATIENCE:
                            raise RuntimeError(f"{len(said - arrived.keys())} of {len(said)} have not come")
                        await asyncio.sleep(0.01)
                    return Run([arrived[text] - stamp(text) for text in said], time.monotonic() - began)


async def _talk(channel: grpc.aio.Channel, environ: dict[str, str], folder: Path, pid: int) -> Path:
    """The record of a new session in which that program talks."""
    name = str(uuid.uuid4())
    record = folder / f"{name}.jsonl"
    record.touch()
    path = socket_path(environ["POINTSMAN_DATA_DIR"])
    wish = {"op": "register", "label": "", "session_id": name, "backend": "command", "target": {"command": "true"}}
    payload = {"hook_event_name": "SessionStart", "session_id": name, "transcript_path": str(record)}
    variables = {"CLAUDE_PID": str(pid), "POINTSMAN_SESSION_ID": name, "HOME": str(folder)}
    hook = {"op": "hook", "event": "SessionStart", "environ": variables, "payload": payload}
    for message in ({**wish, "cwd": "/", "pid": pid}, hook):
        answer = await asyncio.to_thread(request, path, message)
        if not answer["ok"]:
            raise RuntimeError(f"not taken: {answer}")
    known = set[str]()
    while name not in known:
        await asyncio.sleep(0.01)
        listed = control_pb2_grpc.ControlStub(channel).ListSessions(
            control_pb2.ListSessionsRequest(), metadata=METADATA
        )
        known = {one.session_id for one in (await listed).sessions}
    return record


async def _write(records: list[Path], until: float) -> set[str]:
    """Lines into all of them, by turns; the texts."""
    said = set[str]()
    while (begun := time.monotonic()) < until:
        for number, record in enumerate(records):
            text = f"t={time.monotonic_ns()} {number} {'I look at the tests. ' * 5}".strip()
            said.add(text)
            row = {"type": "user", "timestamp": _stamp(), "message": {"content": text}}
            with record.open("a") as file:
                file.write(json.dumps(row) + "\n")
            await asyncio.sleep(0)
        await asyncio.sleep(max(0.0, begun + EVERY - time.monotonic()))
    return said


def _stamp() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@asynccontextmanager
async def _watched(channel: grpc.aio.Channel, sessions: list[str]) -> AsyncIterator[dict[str, float]]:
    arrived: dict[str, float] = {}
    reading = [asyncio.create_task(Watch(channel, session, arrived).read()) for session in sessions]
    yield arrived
    for task in reading:
        task.cancel()
    await asyncio.gather(*reading, return_exceptions=True)


@contextmanager
def _sleeping(count: int) -> Iterator[list[int]]:
    """So many programs that do nothing."""
    running = [subprocess.Popen(["sleep", "infinity"]) for _ in range(count)]
    try:
        yield [each.pid for each in running]
    finally:
        for each in running:
            each.kill()
            each.wait()
