"""The agent's end of the local socket as far as terminals go, with the real pty backend behind it."""

import asyncio
import concurrent.futures
import json
import threading
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from agent.backends.pty import PtyBackend
from agent.domain.command import Action, Outcome
from agent.domain.session import Session
from agent.processes import identify
from tests.waiting import wait_until

T = TypeVar("T")


class LocalAgent:
    """Listens as soon as it is made, in a thread with an event loop of its own."""

    def __init__(self, path: Path) -> None:
        self.hellos: list[dict[str, Any]] = []
        self.exits: list[int] = []
        self.said: list[str] = []  # what kinds of words came
        self._backend = PtyBackend()
        self._loop = asyncio.new_event_loop()
        self._connections: dict[asyncio.Task[Any], asyncio.StreamWriter] = {}
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server = self._in_loop(asyncio.start_unix_server(self._serve, path))

    def _in_loop(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(90)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections[task] = writer
        with suppress(OSError):
            await self._host(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        del self._connections[task]

    async def _host(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def send(message: dict[str, object]) -> None:
            writer.write(json.dumps(message).encode() + b"\n")
            await writer.drain()

        hello = json.loads(await reader.readline() or "null")
        if hello is None:
            return
        self.hellos.append(hello)
        attachment = self._backend.attach(hello["session_id"], send)
        await send({"ok": True, "session_id": hello["session_id"], "generation": 1})
        try:
            while line := await reader.readline():
                message = json.loads(line)
                self.said.append(message["type"])
                if message["type"] == "exit":
                    self.exits.append(message["code"])
                self._backend.outcome(message)
        finally:
            self._backend.detach(attachment)

    def attached(self, session_id: str = "s1") -> dict[str, Any]:
        """Waits for the host; gives what it said of itself."""
        wait_until(lambda: self.alive(session_id))
        return self.hellos[-1]

    def detached(self, session_id: str = "s1") -> None:
        """Waits until the host is known to be gone."""
        wait_until(lambda: not self.alive(session_id))

    def alive(self, session_id: str = "s1") -> bool:
        return self._in_loop(self._backend.alive(Session(session_id, "pty")))

    def deliver(self, action: Action, session_id: str = "s1") -> Outcome:
        return self._in_loop(self._backend.deliver(Session(session_id, "pty"), action))

    def begin(self, action: Action) -> "concurrent.futures.Future[Outcome]":
        """A delivery that goes on while the test does something else."""
        work = self._backend.deliver(Session("s1", "pty"), action)
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def obstacle(self, action: Action, pid: int) -> str:
        return self._in_loop(self._backend.obstacle(Session("s1", "pty", process=identify(pid)), action))

    def stop(self) -> None:
        """Breaks every connection and listens no more."""
        self._in_loop(self._stop())

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _stop(self) -> None:
        self._server.close()
        for writer in self._connections.values():
            writer.transport.abort()
        while self._connections:
            await asyncio.wait(list(self._connections))
