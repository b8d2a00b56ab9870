"""In the place of an endpoint, where the owner wishes it: Claude Code, run for one answer without tools or a folder."""

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from pathlib import Path

from agent.backends.child import Child
from agent.backends.claude.launch import PROGRAM, environment
from agent.backends.model.dialect import Answer, OfAnthropic, Over, Piece, Tool, Turn
from agent.backends.model.endpoint import PATIENCE, SILENCE, Answering, Refused, Taken
from agent.backends.model.http_stream import Broken, Unreachable
from agent.backends.programs import Places
from agent.domain.errors import Refusal

_FLAGS = (
    *("-p", "--output-format", "stream-json", "--verbose", "--include-partial-messages"),
    # It can do nothing: no tools, no hooks but the owner's own, no MCP servers, no record.
    *("--tools", "", "--setting-sources", "user", "--strict-mcp-config", "--disable-slash-commands"),
    "--no-session-persistence",
)
_AS_TALK = "A talk so far; answer what the person said last, with the words of your answer alone.\n\n{talk}"


class Run(Child[Piece | Taken]):
    """One of it, for one answer."""

    def __init__(
        self, process: asyncio.subprocess.Process, session_id: str, heard: Callable[[Piece | Taken], Awaitable[None]]
    ) -> None:
        self._answer: Answer = OfAnthropic()
        self.complaint = ""
        super().__init__(process, session_id, heard)

    async def asks(self, text: str) -> None:
        """Raises OSError where it has ended."""
        assert self._process.stdin is not None  # noqa: S101 -- it was asked for
        await self._send(text.encode(errors="replace"))
        self._process.stdin.close()

    async def _hear(self, line: bytes) -> None:
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            return
        match said:
            case {"type": "stream_event", "event": dict(event)}:
                if not self.spoke:
                    self.spoke = True
                    await self._heard(Taken())
                for piece in self._answer.hear(json.dumps(event)):
                    if not isinstance(piece, Over):  # it says itself when all is over
                        await self._heard(piece)
            case {"type": "result", "is_error": True}:
                self.complaint = " ".join(str(said.get("result") or said.get("subtype")).split())[:300]
            case {"type": "result"}:
                await self._heard(Over(str(said.get("stop_reason") or "end_turn")))


class ClaudeRuns:
    """Claude Code as one who answers. `folder` is empty, and stays so: what lies in one would be read."""

    def __init__(
        self, model: str, environ: Mapping[str, str], folder: Path, places: Places, program: str = PROGRAM
    ) -> None:
        self._model = model
        self._environ = environment(environ)
        self._folder = folder
        self._places = places
        self._program = program

    @property
    def title(self) -> str:
        return f"Claude Code ({self._model})"

    async def ask(self, system: str, turns: Sequence[Turn], tools: Sequence[Tool] = ()) -> Answering:  # noqa: ARG002
        heard: asyncio.Queue[Piece | Taken] = asyncio.Queue()
        try:
            self._places.take()
        except Refusal as refusal:
            raise Refused(refusal.text) from None
        try:
            async with aclosing(self._run(system, turns, heard)) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            self._places.give_back()

    async def _run(self, system: str, turns: Sequence[Turn], heard: "asyncio.Queue[Piece | Taken]") -> Answering:
        run = await self._started(system, heard)
        try:
            with suppress(OSError):  # its end tells
                await run.asks(_as_one(turns))
            async with aclosing(_pieces(run, heard)) as pieces:
                async for piece in pieces:
                    yield piece
                    if isinstance(piece, Over):
                        return
        finally:
            await run.stop()

    async def _started(self, system: str, heard: "asyncio.Queue[Piece | Taken]") -> Run:
        program = shutil.which(self._program, path=self._environ.get("PATH"))
        if program is None:
            raise Refused("Claude Code is not installed here, or not on the PATH of the agent")
        await asyncio.to_thread(self._folder.mkdir, mode=0o700, parents=True, exist_ok=True)
        argv = [program, *_FLAGS, "--model", self._model, "--system-prompt", system]
        try:
            return await Run.start(argv, str(self._folder), self._environ, "a model", heard.put)
        except OSError as error:
            raise Unreachable(f"Claude Code cannot be started: {error.strerror}") from None


async def _pieces(run: Run, heard: "asyncio.Queue[Piece | Taken]") -> Answering:
    while True:
        getting = asyncio.ensure_future(heard.get())
        patience = SILENCE if run.spoke else PATIENCE
        try:
            await asyncio.wait((getting, run.ended), timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            if getting.done() or not heard.empty():
                yield await getting
                continue
        finally:
            getting.cancel()
        if not run.ended.done():
            raise Broken(f"nothing came for {patience:.0f} s")
        why = run.complaint or f"Claude Code ended ({run.how})"
        raise Refused(why) if run.complaint and not run.spoke else Broken(why)


def _as_one(turns: Sequence[Turn]) -> str:
    if len(turns) == 1:
        return turns[0].text
    told = (f"{'Person' if turn.is_persons else 'You'}: {turn.text}" for turn in turns)
    return _AS_TALK.format(talk="\n\n".join(told))
