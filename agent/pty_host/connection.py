"""A host's connection to the agent of its machine: on the side, silent, and made again for as long as the host runs."""

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path

from agent import peers
from agent.backends.pty_messages import action_of, of_outcome
from agent.domain.command import Action, Outcome
from agent.domain.session import SessionState

MAX_LINE = 1 << 20
"""Bytes in one message of the local socket."""

FIRST_WAIT, LONGEST_WAIT = 0.5, 10.0
"""Seconds before a connection is tried again; doubled each time."""

FAREWELL = 1.0
"""Seconds in which the news of the end must get out."""

TELL_EVERY = 10.0
"""Seconds between two words that somebody types."""

Deliver = Callable[[Action], Awaitable[Outcome]]


class AgentLink:
    """Attaches with `hello`, hands deliveries to `deliver` and sends their outcomes back."""

    def __init__(
        self,
        path: Path,
        hello: Mapping[str, object],
        deliver: Deliver,
        first_wait: float = FIRST_WAIT,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._hello = dict(hello)
        self._deliver = deliver
        self._first_wait = first_wait
        self._wait = first_wait
        self._writer: asyncio.StreamWriter | None = None  # only while attached
        self._state: SessionState | None = None  # what the screen tells, once it does
        self._deliveries: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._now = now
        self._typed_told = -math.inf

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep(), name="agent link")

    async def stop(self) -> None:
        """Ends the connection; a delivery that still waited is dropped."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def finish(self, code: int) -> None:
        """Answers what is under way, tells the exit code, and ends the connection; takes at most a second."""
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(FAREWELL):
                if self._deliveries:
                    await asyncio.wait(self._deliveries)
                await self._send({"type": "exit", "code": code})
        await self.stop()

    async def shows(self, state: SessionState) -> None:
        """The screen changes (BUSY), or has come to rest."""
        self._state = state
        with suppress(OSError):  # the connection is lost: the next one begins with it
            await self._send({"type": "shows", "changes": state is SessionState.BUSY})

    async def typed(self) -> None:
        """A person presses keys here: told at most every ten seconds."""
        now = self._now()
        if self._writer is not None and now >= self._typed_told + TELL_EVERY:
            self._typed_told = now
            with suppress(OSError):
                await self._send({"type": "typed"})

    async def _keep(self) -> None:
        while True:
            # A socket that is not there, refuses, or is no agent's: all the same to the person at the terminal.
            with suppress(OSError, ValueError, RecursionError):
                await self._once()
            await asyncio.sleep(self._wait)
            self._wait = min(2 * self._wait, LONGEST_WAIT)  # an agent that is started anew is found within 10 s

    async def _once(self) -> None:
        reader, writer = await asyncio.open_unix_connection(self._path, limit=MAX_LINE)
        try:
            peers.check_agent(writer.get_extra_info("socket"))  # whoever listens is about to type into this terminal
            writer.write(_line(self._hello))
            answer = json.loads(await reader.readline() or b"{}")
            if not (isinstance(answer, dict) and answer.get("ok")):
                return
            self._writer = writer
            if self._state is not None:
                await self.shows(self._state)
            self._wait = self._first_wait  # only now: a stranger at the socket is asked less and less often
            while line := await reader.readline():
                self._take(json.loads(line))
        finally:
            self._writer = None
            for delivery in self._deliveries:
                delivery.cancel()  # what still waits would be typed for an agent that calls it uncertain
            await _close(writer)

    def _take(self, message: object) -> None:
        if isinstance(message, dict) and message.get("type") == "deliver":
            task = asyncio.create_task(self._answer(message))
            self._deliveries.add(task)
            task.add_done_callback(self._deliveries.discard)

    async def _answer(self, message: Mapping[str, object]) -> None:
        outcome = await self._deliver(action_of(message))
        with suppress(OSError):  # then the connection is lost, and the agent takes it for uncertain
            await self._send({"type": "outcome", "delivery": message.get("delivery"), **of_outcome(outcome)})

    async def _send(self, message: Mapping[str, object]) -> None:
        if self._writer is not None:
            self._writer.write(_line(message))
            await self._writer.drain()


async def _close(writer: asyncio.StreamWriter) -> None:
    """Gives what was written a last chance to get out."""
    writer.close()
    try:
        async with asyncio.timeout(FAREWELL):
            await writer.wait_closed()
    except (OSError, TimeoutError):
        writer.transport.abort()


def _line(message: Mapping[str, object]) -> bytes:
    return json.dumps(message).encode() + b"\n"
