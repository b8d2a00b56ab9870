"""A hub on Cloudflare's Workers, run here by workerd: one Durable Object, made durable (worker.js says how)."""

import asyncio
import json
import os
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import requests

from tests.bench import driver
from tests.bench.loads import Way
from tests.bench.peers import servers
from tests.bench.programs import CHAT_ID, HEADER_SECRET

MACHINE = "bench"
CONFIG = """using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "hub", worker = .hub), (name = "disk", disk = (path = "{disk}", writable = true))],
  sockets = [(name = "http", address = "127.0.0.1:{port}", http = (), service = "hub")],
);
const hub :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2024-01-01",
  bindings = [(name = "HUB", durableObjectNamespace = "Hub"), (name = "SECRET", text = "{secret}")],
  durableObjectNamespaces = [(className = "Hub", uniqueKey = "hub", enableSql = true)],
  durableObjectStorage = (localDisk = "disk"),
);
"""
UPGRADE = (
    f"GET /ws?machine={MACHINE} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def missing() -> str:
    return servers.missing("npm install --global workerd", [_program()])


def _program() -> str | None:
    return os.environ.get("WORKERD") or servers.program("workerd")


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Way]:
    port, disk = servers.free_port(), folder / "disk"
    disk.mkdir()
    shutil.copy(Path(__file__).with_suffix(".js"), folder)
    config = folder / "config.capnp"
    config.write_text(CONFIG.format(disk=disk, port=port, secret=HEADER_SECRET))
    base = f"http://127.0.0.1:{port}"
    with servers.server([_program() or "", "serve", str(config)], port, log=folder / "workerd.log"):
        chosen = {"chat": CHAT_ID, "session": f"{MACHINE}-0", "machine": MACHINE}
        (await asyncio.to_thread(requests.post, f"{base}/use", json=chosen, timeout=10)).raise_for_status()
        arrived = dict[str, float]()
        transport, _ = await asyncio.get_running_loop().create_connection(lambda: _Machine(arrived), "127.0.0.1", port)

        async def post(at_once: int, seconds: float, first: int) -> driver.Posted:
            return await driver.post(base, at_once, seconds, first)

        yield Way(post, arrived)
        transport.close()


class _Machine(asyncio.Protocol):
    """A machine's end of its WebSocket, as thin as can be: it confirms each command and notes when it came."""

    def __init__(self, arrived: dict[str, float]) -> None:
        self._arrived = arrived
        self._read, self._is_open = b"", False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no child of it
        self._transport.write(UPGRADE.encode())

    def data_received(self, data: bytes) -> None:
        self._read += data
        if not self._is_open:
            _, found, rest = self._read.partition(b"\r\n\r\n")
            if not found:
                return
            self._is_open, self._read = True, rest
        now = time.monotonic()
        while (frame := _frame(self._read)) is not None:
            payload, self._read = frame
            message = json.loads(payload)
            self._arrived[message["command"]] = now
            confirmation = b'{"id":%d}' % message["id"]
            # A mask of zeros is one, too.
            self._transport.write(bytes((0x81, 0x80 | len(confirmation), 0, 0, 0, 0)) + confirmation)


def _frame(read: bytes) -> tuple[bytes, bytes] | None:
    """The payload of the first frame, which is a text of less than 64 KiB, and what follows it."""
    if len(read) < 2:
        return None
    size, start = read[1], 2
    if size == 126:
        size, start = int.from_bytes(read[2:4], "big"), 4
    if len(read) < start + size:
        return None
    return read[start : start + size], read[start + size :]
