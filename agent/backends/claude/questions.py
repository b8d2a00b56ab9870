"""What the programs without a terminal ask while they run, and who decides."""

import asyncio
import logging
from collections.abc import Mapping
from functools import partial
from typing import Protocol

from agent.backends.claude.process import ClaudeProcess
from agent.backends.claude.stream_json import Asked
from agent.domain.claude_question import ToolUse, denial
from agent.loops import Tasks

logger = logging.getLogger(__name__)

_UNASKED = "Nobody could be asked whether this is allowed, so it is not. Go on without it, or say what you need it for."


class Asker(Protocol):
    """Who decides what may be done."""

    async def ask(self, session_id: str, asker: str, use: ToolUse) -> Mapping[str, object]:
        """What the program is to hear. Cancelled when it asks no more; `asker` names this one asking."""


class Nobody:
    """Denies everything."""

    async def ask(self, session_id: str, asker: str, use: ToolUse) -> Mapping[str, object]:  # noqa: ARG002
        return denial(_UNASKED)


class OpenQuestions:
    """Those that wait for an answer, by the program's own name for each."""

    def __init__(self, asker: Asker, tasks: Tasks) -> None:
        self._asker = asker
        self._tasks = tasks
        self._open: dict[str, asyncio.Task[None]] = {}

    def begin(self, session_id: str, running: ClaudeProcess, asked: Asked) -> None:
        """Bring a question to whoever decides, and the decision back; it is void when the program ends before."""
        work = partial(self._ask, session_id, running, asked)
        task = self._open[asked.request_id] = self._tasks.start(f"question {asked.request_id}", work)
        task.add_done_callback(lambda _: self._open.pop(asked.request_id))

    def withdraw(self, request_id: str) -> None:
        """It asks no more; without harm for one that has been answered."""
        if task := self._open.get(request_id):
            task.cancel()

    async def closed(self) -> None:
        """Wait until none is open: the programs that asked have ended."""
        await asyncio.gather(*self._open.values(), return_exceptions=True)

    async def _ask(self, session_id: str, running: ClaudeProcess, asked: Asked) -> None:
        asking = asyncio.ensure_future(self._asker.ask(session_id, asked.request_id, asked.use))
        try:
            await asyncio.wait((asking, running.ended), return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                await running.answer(asked, _decision(asking))
        finally:
            asking.cancel()


def _decision(asking: "asyncio.Future[Mapping[str, object]]") -> Mapping[str, object]:
    """A no where asking broke: what nobody allowed is not done, and the program goes on."""
    if error := asking.exception():
        logger.error("asking failed", exc_info=error)
        return denial(_UNASKED)
    return asking.result()
