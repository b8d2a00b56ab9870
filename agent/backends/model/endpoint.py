"""Where a model is asked, as the owner's settings say, and one answer of it, however it goes."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from agent.backends.model import dialect
from agent.backends.model.dialect import Api, Events, Over, Piece, Tool, Turn
from agent.backends.model.http_stream import Broken, Reply, post

PATIENCE = 120.0  # seconds until the answer begins: one that runs on somebody's own machine reads all of the talk first
SILENCE = 60.0  # seconds without a word, and the answer is given up
LONGEST = 15 * 60.0  # seconds of one answer, however it trickles
WEEK = 7 * 24 * 3600
MOST_COMPLAINT = 16 * 1024  # bytes
_OWN = "api.openai.com"
_FOR_NOW = {429: "takes no more for now", 503: "is overloaded", 529: "is overloaded"}
_KEY = {401, 403}
_MINUTES = 600  # seconds, from which on people read minutes


class Refused(Exception):
    """It does not take the request; the text says why, for people."""


class _NoTools(Refused):
    """It is for a model that takes no tools, and there was one."""


@dataclass(frozen=True, slots=True)
class Taken:
    """It has the request, and begins to answer."""


Answering = AsyncGenerator[Taken | Piece, None]


class Source(Protocol):
    """Who answers."""

    @property
    def title(self) -> str:
        """What people call it."""

    def ask(self, system: str, turns: Sequence[Turn], tools: Sequence[Tool] = ()) -> Answering:
        """One answer: Taken, then pieces, an Over last.

        Raises Refused or Unreachable before Taken, where it was not asked; Broken where that cannot be known, or the
        answer broke off. Whoever asks no more closes it, and it is asked no more.
        """


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One over HTTP."""

    url: str
    model: str
    api: Api
    key: str = field(default="", repr=False)  # in no log, whoever logs this
    patience: float = PATIENCE
    silence: float = SILENCE
    _without: set[str] = field(default_factory=set, init=False, repr=False, compare=False)  # models that take no tools

    @property
    def title(self) -> str:
        return self.model

    async def ask(self, system: str, turns: Sequence[Turn], tools: Sequence[Tool] = ()) -> Answering:
        if tools and self.model not in self._without:
            try:
                async with aclosing(self._ask(system, turns, tools)) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            except _NoTools:
                self._without.add(self.model)  # it refused, so that it was not asked
        async with aclosing(self._ask(system, turns, ())) as pieces:
            async for piece in pieces:
                yield piece

    async def _ask(self, system: str, turns: Sequence[Turn], tools: Sequence[Tool]) -> Answering:
        is_own = urlsplit(self.url).hostname == _OWN
        request = dialect.request(self.api, self.model, self.key, system, turns, tools, is_own=is_own)
        async with post(_joined(self.url, request.path), request.headers, request.body, self.patience) as reply:
            if reply.status != 200:
                why = await self._complaint(reply)
                raise _NoTools(why) if tools and _is_about_tools(reply, why.replace(self.model, "")) else Refused(why)
            yield Taken()
            async with aclosing(self._pieces(reply, request.answer)) as pieces:
                async for piece in pieces:
                    yield piece
                    if isinstance(piece, Over):
                        return

    async def _pieces(self, reply: Reply, answer: dialect.Answer) -> AsyncGenerator[Piece, None]:
        events, until = Events(), asyncio.get_running_loop().time() + LONGEST
        kind = reply.headers.get("content-type", "")
        if "event-stream" not in kind:
            raise Broken(f"it answered with {kind[:60] or 'something'!r}, and not bit by bit")
        try:
            async with aclosing(reply.body(self.silence)) as body:
                async for data in body:
                    for piece in (one for event in events.feed(data) for one in answer.hear(event)):
                        yield piece
                    if asyncio.get_running_loop().time() > until:
                        raise Broken(f"it was not whole within {LONGEST / 60:.0f} minutes")
            for piece in answer.left():
                yield piece
        except dialect.Odd as odd:
            raise Broken(self._masked(str(odd))) from None
        raise Broken("the connection ended")

    async def _complaint(self, reply: Reply) -> str:
        """What to tell people."""
        data = b""
        try:
            async with asyncio.timeout(self.silence):
                async for piece in reply.body(self.silence):
                    data += piece
                    if len(data) > MOST_COMPLAINT:
                        break
        except (Broken, TimeoutError):
            pass  # its status says enough
        words = self._masked(dialect.error_of(data.decode(errors="replace")))
        said = f"{reply.status}: {words}" if words else str(reply.status)
        host = urlsplit(self.url).netloc.rpartition("@")[2]
        if reply.status in _FOR_NOW:
            return f"{self.model} at {host} {_FOR_NOW[reply.status]} ({said}). {_when(reply)}"
        if reply.status in _KEY:
            return (
                f"{host} does not take the key that POINTSMAN_MODEL_KEY_FILE or POINTSMAN_MODEL_KEY gives it ({said})."
            )
        if 300 <= reply.status < 400:
            return (
                f"{host} points elsewhere ({said}), and is not followed: name the right address in POINTSMAN_MODEL_URL."
            )
        return f"{host} does not take this for the model {self.model} ({said})."

    def _masked(self, words: str) -> str:
        """Some repeat the key in what they say is wrong."""
        return words.replace(self.key, "…") if self.key else words


def _is_about_tools(reply: Reply, why: str) -> bool:
    """Each says it in words of its own: ollama, vLLM, llama.cpp, OpenRouter."""
    return "tool" in why.lower() and reply.status not in _FOR_NOW | dict.fromkeys(_KEY, "")


def _joined(url: str, path: str) -> str:
    """People write the address with and without what each API begins with."""
    base = url.rstrip("/")
    return base + (path.removeprefix("/v1") if base.endswith("/v1") else path)


def _when(reply: Reply) -> str:
    after = reply.headers.get("retry-after", "")
    if after.isascii() and after.isdigit() and 0 < int(after[:9]) <= WEEK:
        seconds = int(after)
        much = f"{seconds} s" if seconds < _MINUTES else f"{-(-seconds // 60)} minutes"
        return f"It says to come again in {much}."
    return "Send it again in a while."
