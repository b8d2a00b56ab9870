"""Codex's shared background server, of which each `codex` in a terminal is a client; the agent is one more.

Its messages are JSON-RPC without the version. What it tells and asks of a thread goes to whoever follows that one, in
order; a question goes to every follower, and the first answer wins.
"""

import asyncio
import itertools
import logging
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from agent.backends.acp import json_rpc
from agent.backends.acp.json_rpc import Answers, Asks, Json, Message, Tells
from agent.backends.acp.process import Refused
from agent.backends.acp.shapes import text
from agent.backends.child import Ended
from agent.backends.joined.web_socket import WebSocket

logger = logging.getLogger(__name__)

PATIENCE = 20.0  # seconds for an answer, which takes some milliseconds
_GONE = "Codex's background server has ended"
_ABOUT = {"name": "pointsman", "title": "Pointsman", "version": "1"}
Heard = Callable[[Message], Awaitable[None]]


def socket_of(home: Path) -> str:
    """Where the server listens of a Codex with this home; empty for none. A link, as its own name may be too long."""
    path = home / "app-server-control" / "app-server-control.sock"
    return os.path.realpath(path) if path.exists() else ""


class CodexServer:
    """One connection. It has ended when `ended` is done."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._names = itertools.count(1)
        self._awaited: dict[int, asyncio.Future[Answers]] = {}
        self._followers: dict[str, Heard] = {}
        self.ended = asyncio.create_task(self._listen(), name="codex server")

    @classmethod
    async def connect(cls, socket: str) -> "CodexServer":
        """Raises OSError where none listens, Refused, Ended, TimeoutError."""
        server = cls(await WebSocket.connect(socket))
        try:
            able = {"experimentalApi": True}
            await server.call("initialize", {"clientInfo": _ABOUT, "capabilities": able})
            await server.tell("initialized")
        except BaseException:
            await server.close()
            raise
        return server

    def follow(self, thread: str, heard: Heard) -> None:
        """From now on that hears what is told and asked of a thread; `thread/resume` makes the server tell it."""
        self._followers[thread] = heard

    def leave(self, thread: str) -> None:
        """Hear no more of it."""
        self._followers.pop(thread, None)

    async def call(self, method: str, params: Json, patience: float = PATIENCE) -> Json:
        """What it answers. Raises Refused, Ended, TimeoutError."""
        name = next(self._names)
        answer: asyncio.Future[Answers] = asyncio.get_running_loop().create_future()
        self._awaited[name] = answer
        try:
            try:
                await self._socket.send({"id": name, "method": method, "params": params})
            except OSError:
                raise Ended(_GONE) from None
            await asyncio.wait((answer, self.ended), timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                found = answer.result()
                if found.error:
                    raise Refused(found.code, found.error)
                return found.result
            if self.ended.done():
                raise Ended(_GONE)
            raise TimeoutError
        finally:
            self._awaited.pop(name, None)

    async def tell(self, method: str) -> None:
        """Does nothing where it has ended."""
        with suppress(OSError):
            await self._socket.send({"method": method})

    async def answer(self, asked: Asks, result: Json) -> None:
        """Does nothing where it has ended."""
        with suppress(OSError):
            await self._socket.send({"id": asked.name, "result": result})

    async def close(self) -> None:
        """Leave it; whatever it does goes on."""
        self.ended.cancel()
        await asyncio.gather(self.ended, return_exceptions=True)
        await self._socket.close()

    async def _listen(self) -> None:
        while True:
            try:
                data = await self._socket.receive()
            except OSError:
                return
            match json_rpc.parse(data):
                case Answers(name=name) as answer:
                    awaited = self._awaited.get(name) if isinstance(name, int) else None
                    if awaited is not None and not awaited.done():
                        awaited.set_result(answer)
                case Asks(params=params) | Tells(params=params) as message:
                    if heard := self._followers.get(text(params, "threadId", 200)):
                        await heard(message)
