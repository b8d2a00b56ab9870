"""One program that speaks ACP, and that we run: requests and answers, each waited for as long as it may take."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from contextlib import suppress

from agent.backends.acp import json_rpc
from agent.backends.acp.json_rpc import Answers, Asks, Json, Message, Tells
from agent.backends.acp.v2 import V2
from agent.backends.child import Child, Ended

Heard = Callable[[Message], Awaitable[None]]


class Refused(Exception):
    """It answered with an error; the text is its own words."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code


class AcpProcess(Child[Message]):
    """What it asks, tells and answers goes to `heard`, in order; then who waits for an answer has it."""

    ends_with_input = True
    stopping = 3.0

    def __init__(self, process: asyncio.subprocess.Process, session_id: str, heard: Heard) -> None:
        self.v2: V2 | None = None  # where it is to be spoken to in that
        self._names = itertools.count(1)
        self._awaited: dict[int, asyncio.Future[Answers]] = {}
        super().__init__(process, session_id, heard)

    async def call(self, method: str, params: Json, patience: float | None = None) -> Json:
        """What it answers. Raises Refused, Ended, and TimeoutError when it takes longer than `patience` seconds."""
        name = self.begin()
        try:
            await self.ask(name, method, params)
            return await self.answer_to(name, patience)
        finally:
            self.forget(name)

    def begin(self) -> int:
        """The name of a request that is to be made; somebody forgets it."""
        name = next(self._names)
        self._awaited[name] = asyncio.get_running_loop().create_future()
        return name

    async def ask(self, name: int, method: str, params: Json) -> None:
        """Say it; where it has ended, its end tells."""
        if self.v2 is not None:
            method, params = self.v2.said(name, method, params)
        with suppress(OSError):
            await self._send(json_rpc.request(name, method, params))

    async def answer_to(self, name: int, patience: float | None) -> Json:
        """Raises as `call`."""
        answer = self._awaited[name]
        await asyncio.wait((answer, self.ended), timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            found = answer.result()
            if found.error:
                raise Refused(found.code, found.error)
            return found.result
        if self.ended.done():
            raise Ended(self.how)
        raise TimeoutError

    def forget(self, name: int) -> None:
        self._awaited.pop(name, None)

    async def tell(self, method: str, params: Json) -> None:
        """Does nothing where it has ended."""
        if self.v2 is not None:
            method, params = self.v2.said(None, method, params)
        with suppress(OSError):
            await self._send(json_rpc.notification(method, params))

    async def answer(self, asked: Asks, result: Json) -> None:
        """Does nothing where it has ended."""
        with suppress(OSError):
            await self._send(json_rpc.response(asked.name, result))

    async def refuse(self, asked: Asks, code: int, words: str) -> None:
        """Does nothing where it has ended."""
        with suppress(OSError):
            await self._send(json_rpc.refusal(asked.name, code, words))

    async def _hear(self, line: bytes) -> None:
        message = json_rpc.parse(line)
        if message is None:
            return
        self.spoke = True
        for one in (message,) if self.v2 is None else self.v2.heard(message):
            await self._take(one)

    async def _take(self, message: Message) -> None:
        match message:
            case Answers(name=name):
                awaited = self._awaited.get(name) if isinstance(name, int) else None
                if awaited is None or awaited.done():
                    return  # late, said twice, or to nothing
                await self._heard(message)
                awaited.set_result(message)
            case Asks() | Tells():
                await self._heard(message)
