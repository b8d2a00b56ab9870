"""OpenCode in a terminal, joined through a plugin in its own process: events up, requests of its HTTP API down.

The plugin comes to the agent's socket, so that OpenCode opens no port: without a password that is anybody's on the
machine. It is known by its process, as the kernel tells it.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence

from agent.backends.acp.process import Refused
from agent.backends.acp.shapes import Json, number, part, text
from agent.backends.child import Ended
from agent.backends.joined.opencode_talk import OpenCodeTalk
from agent.backends.joined.programs import Found
from agent.backends.joined.talk import Ears, Place

PATIENCE = 20.0  # seconds for an answer, which takes some milliseconds
MOST_WAITING = 1000  # events before somebody listens, which takes a second
_GONE = "OpenCode has ended"
_NO_WINDOW = frozenset(["acp", "serve", "web", "run", "attach", "mcp", "github", "export", "import", "db", "debug"])
Send = Callable[[Mapping[str, object]], Awaitable[None]]


class Plugin:
    """One connection of a plugin."""

    def __init__(self, pid: int, send: Send, shown: str) -> None:
        self.pid = pid
        self.shown = shown  # the conversation that was written to last
        self.title = ""
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.talk: OpenCodeTalk | None = None
        self.waiting: deque[Json] = deque(maxlen=MOST_WAITING)
        self._send = send
        self._names = itertools.count(1)
        self._awaited: dict[int, asyncio.Future[Json]] = {}

    async def request(self, method: str, path: str, body: Json | None = None) -> object:
        """What OpenCode answers. Raises Refused, Ended, TimeoutError."""
        name = next(self._names)
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._awaited[name] = answer
        try:
            try:
                await self._send({"id": name, "method": method, "path": path, "body": body})
            except OSError:
                raise Ended(_GONE) from None
            await asyncio.wait((answer, self.ended), timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return _answer(answer.result())
            if self.ended.done():
                raise Ended(_GONE)
            raise TimeoutError
        finally:
            self._awaited.pop(name, None)

    async def heard(self, message: Json) -> None:
        """One line of it."""
        if isinstance(name := message.get("id"), int):
            awaited = self._awaited.get(name)
            if awaited is not None and not awaited.done():
                awaited.set_result(message)
            return
        event = part(message, "event")
        if shown := text(message, "shown", 200):
            if shown != self.shown:
                self.waiting.clear()
            self.shown = shown
        told = {**event, "child": message.get("child") is True}
        if self.talk is not None and self.talk.conversation_id == self.shown:
            await self.talk.hear(told)
        else:
            self.waiting.append(told)

    def end(self) -> None:
        """Nobody speaks there any more."""
        if not self.ended.done():
            self.ended.set_result(None)


def _answer(message: Json) -> object:
    if 200 <= (status := number(message, "status")) < 300:
        return message.get("data")
    error = message.get("error")
    words = text(part(error, "data"), "message", 2000) if isinstance(error, dict) else str(error or "")
    raise Refused(status, words[:2000] or f"it answered {status}")


class OpenCode:
    """Of one machine."""

    title = "OpenCode"
    names = frozenset({"opencode"})

    def __init__(self) -> None:
        self._plugins: dict[int, Plugin] = {}

    def came(self, pid: int, send: Send, shown: str) -> Plugin:
        """The plugin in that process is there."""
        if (before := self._plugins.get(pid)) is not None:
            before.end()  # it came again before its end was heard
        plugin = self._plugins[pid] = Plugin(pid, send, shown)
        return plugin

    def went(self, plugin: Plugin) -> None:
        """It is not any more."""
        plugin.end()
        if self._plugins.get(plugin.pid) is plugin:
            del self._plugins[plugin.pid]

    async def places(self, found: Sequence[Found]) -> Sequence[Place]:
        return [
            Place(one, plugin.shown, "", one.cwd)
            for one in found
            if (plugin := self._plugins.get(one.process.pid)) and plugin.shown and not _NO_WINDOW & set(one.argv[1:2])
        ]

    async def join(self, place: Place, ears: Ears) -> OpenCodeTalk:
        plugin = self._plugins.get(place.program.process.pid)
        if plugin is None:
            raise Ended(_GONE)
        talk = OpenCodeTalk(plugin.request, plugin.ended, place.conversation_id, ears)
        while plugin.waiting:
            await talk.hear(plugin.waiting.popleft())
        plugin.talk = talk  # from here on it hears by itself, behind all that came before
        await talk.begin()
        return talk

    async def close(self) -> None:
        for plugin in list(self._plugins.values()):
            self.went(plugin)
