"""One Claude Code that we run: a child without a terminal, in a process group of its own."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from agent.backends.child import Child, Ended
from agent.backends.claude import stream_asides, stream_json
from agent.backends.claude.stream_json import Answered, Asked, Finished, Said, Taken
from agent.backends.open_questions import Beside
from agent.domain.aside import Aside

Heard = Callable[[Said], Awaitable[None]]


class ClaudeProcess(Child[Said]):
    """Runs until its end, or `stop`. What it says goes to `heard`, one at a time and in order."""

    def __init__(self, process: asyncio.subprocess.Process, session_id: str, heard: Heard) -> None:
        self._aside: Callable[[Aside], None] = _nobody
        self._is_followed: Callable[[], bool] = bool
        self.beside: tuple[Beside, ...] = ()  # what a person wrote with a no, until it goes on
        self._awaited: dict[str, asyncio.Future[str]] = {}  # by the names of texts and requests
        super().__init__(process, session_id, heard)

    def read_along(self, aside: Callable[[Aside], None], is_followed: Callable[[], bool]) -> None:
        """Say who hears the rest, and whether they want words as they come."""
        self._aside, self._is_followed = aside, is_followed

    async def say(self, content: str) -> None:
        """Returns when it has the text. Raises Ended."""
        name = str(uuid.uuid4())
        await self._ask(name, stream_json.text(name, content))

    async def interrupt(self) -> str:
        """Why it did not stop what it does, for people; empty when it did. Raises Ended."""
        name = str(uuid.uuid4())
        return await self._ask(name, stream_json.interrupt(name))

    async def control(self, **request: str) -> str:
        """Why it did not do that, for people; empty when it did. Raises Ended."""
        name = str(uuid.uuid4())
        return await self._ask(name, stream_json.control(name, **request))

    async def answer(self, asked: Asked, decision: Mapping[str, object]) -> None:
        """Answer its question; does nothing when it has ended."""
        with suppress(OSError):
            await self._send(stream_json.answer(asked, decision))

    async def _ask(self, name: str, line: bytes) -> str:
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._awaited[name] = answer
        try:
            with suppress(OSError):  # it has ended, or ends just now: how, its last words will say
                await self._send(line)
            await asyncio.wait((answer, self.ended), return_when=asyncio.FIRST_COMPLETED)
        finally:
            del self._awaited[name]
        if not answer.done():
            raise Ended(self.how)
        return answer.result()

    async def _hear(self, line: bytes) -> None:
        is_stream = stream_asides.is_stream(line)
        # A line for each piece of a word: where nobody wants them they are not even read.
        if (self._is_followed() or not is_stream) and (aside := stream_asides.parse(line)):
            self._aside(aside)
        if is_stream:
            return
        said = stream_json.parse(line)
        if said is None:
            return
        # One that finds no conversation to take up says only that, as the result of a turn that never was.
        self.spoke = self.spoke or not isinstance(said, Finished)
        match said:
            case Taken(name=name):
                if name in self._awaited:  # else it is on its way to the end, or said twice
                    await self._heard(said)
                self._resolve(name, "")
            case Answered(request_id=name, error=error):
                self._resolve(name, error)
            case _:
                await self._heard(said)

    def _resolve(self, name: str, answer: str) -> None:
        awaited = self._awaited.get(name)
        if awaited is not None and not awaited.done():
            awaited.set_result(answer)


def _nobody(_aside: Aside) -> None:
    """Reads along."""
