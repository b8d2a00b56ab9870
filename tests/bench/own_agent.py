"""Our own agent as a process, with sessions that are shell lines."""

import asyncio
import subprocess
from pathlib import Path

import grpc
from agentlink.v1 import control_pb2, control_pb2_grpc

from agent.local.client import request, socket_path
from tests.bench import programs
from tests.bench.machine import METADATA


def environ(folder: Path, router: str, machine_id: str) -> dict[str, str]:
    """Its environment; its data are in that folder."""
    folder.mkdir()
    return programs.environ(folder, POINTSMAN_ROUTER=router, POINTSMAN_MACHINE_ID=machine_id)


async def enrol(channel: grpc.aio.Channel, environ: dict[str, str]) -> None:
    control = control_pb2_grpc.ControlStub(channel)
    token = (await control.CreateJoinToken(control_pb2.CreateJoinTokenRequest(), metadata=METADATA)).join_token
    argv = [*programs.ours("enroll"), environ["POINTSMAN_ROUTER"], token]
    await asyncio.to_thread(subprocess.run, argv, env=environ, check=True, capture_output=True)


async def register(channel: grpc.aio.Channel, environ: dict[str, str], count: int, line: str) -> list[str]:
    """The ids of so many sessions that give each text to this shell line; the router knows them."""
    path = socket_path(environ["POINTSMAN_DATA_DIR"])
    names = [f"{environ['POINTSMAN_MACHINE_ID']}-{number}" for number in range(count)]
    for name in names:
        wish = {"op": "register", "label": "", "session_id": name, "backend": "command", "target": {"command": line}}
        answer = await asyncio.to_thread(request, path, {**wish, "cwd": "/"})
        if not answer["ok"]:
            raise RuntimeError(f"not registered: {answer}")
    control = control_pb2_grpc.ControlStub(channel)
    known = control_pb2.ListSessionsResponse()
    while len(known.sessions) < count:
        await asyncio.sleep(0.01)
        known = await control.ListSessions(control_pb2.ListSessionsRequest(), metadata=METADATA)
    return names
