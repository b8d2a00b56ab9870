"""The one writer of a program's terminal: takes turns between the person's keys and deliveries."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from agent.backends import descriptors, typing_rules
from agent.backends.draft import Draft
from agent.backends.pty_terminal import end_of_input
from agent.backends.terminal_modes import TerminalModes
from agent.backends.typing_rules import ENTER, KEYS, PASTE_END, PASTE_START, Pace
from agent.domain.command import Outcome, Reason

DRAFT_LIMIT = 30.0
"""Seconds that a delivery waits for a person to finish their line."""

STUCK_LIMIT = 10.0
"""Seconds for one burst to get into the terminal; more means that the program does not read."""


class Typist:
    """Writes to `master`. `pace` and `draft_limit` are in seconds."""

    def __init__(self, master: int, pace: Pace | None = None, draft_limit: float = DRAFT_LIMIT) -> None:
        self.modes = TerminalModes()
        self._master = master
        self._pace = pace or Pace()
        self._draft_limit = draft_limit
        self._draft = Draft()
        self._turn = asyncio.Lock()
        self._line_free = asyncio.Event()
        self._line_free.set()
        self._ended = asyncio.Event()
        self._inside_line = False
        self._typing: set[asyncio.Task[Outcome]] = set()

    async def forward(self, data: bytes, *, person: bool) -> None:
        """Input of the outer terminal (`person`) or of a file, as it is."""
        async with self._turn:
            await descriptors.write(self._master, data)
        self._inside_line = not data.endswith(b"\n")
        if person:
            self._draft.feed(data)
            self._tell()

    async def end_input(self) -> None:
        """The file that was standard input is at its end."""
        await self.forward(end_of_input(self._master, inside_line=self._inside_line), person=False)

    def end(self) -> None:
        """The program is gone: what waits for its turn fails."""
        self._ended.set()
        self._tell()

    def _tell(self) -> None:
        if self._ended.is_set() or not self._draft.open:
            self._line_free.set()
        else:
            self._line_free.clear()

    async def deliver(self, message: Mapping[str, object]) -> Outcome:
        """Types what a delivery says: a key at once, a text when no half-typed line is in the way.

        Cancelled while it waits, it types nothing; what has begun is typed to its end.
        """
        key = message.get("key")
        if key is not None and key not in KEYS:
            return Outcome.failed(Reason.UNSUPPORTED, typing_rules.refused_key(str(key)))
        try:
            async with asyncio.timeout(None if key is not None else self._draft_limit):
                await (self._turn.acquire() if key is not None else self._free_turn())
        except TimeoutError:
            text = (
                f"someone has had a half-typed line in this terminal for {self._draft_limit:g} s; send it again later"
            )
            return Outcome.failed(Reason.BACKEND_ERROR, text)
        bursts = self._key(str(key)) if key is not None else self._text(message)
        task = asyncio.create_task(self._type(bursts))
        self._typing.add(task)
        task.add_done_callback(self._typed)
        return await asyncio.shield(task)

    async def _free_turn(self) -> None:
        while True:
            await self._line_free.wait()
            await self._turn.acquire()
            if self._line_free.is_set():
                return
            self._turn.release()

    def _typed(self, task: asyncio.Task[Outcome]) -> None:
        self._typing.discard(task)
        self._turn.release()

    def _key(self, name: str) -> list[bytes]:
        pressed = KEYS[name].bytes_for(application_cursor=self.modes.application_cursor)
        self._draft.feed(pressed)  # an Enter from afar sends off the person's line, too
        self._tell()
        return [pressed]

    def _text(self, message: Mapping[str, object]) -> list[bytes]:
        text = typing_rules.clean(str(message.get("text", "")))
        bursts = [burst.encode() for burst in typing_rules.bursts(text)]
        if self.modes.bracketed_paste and typing_rules.pastes(text, self._program()):
            bursts[0] = PASTE_START + bursts[0]
            bursts[-1] += PASTE_END
        return [*bursts, ENTER] if message.get("submit", True) else bursts

    def _program(self) -> str:
        """The name of the program in front; empty when this system does not tell."""
        try:
            front = Path(f"/proc/{os.tcgetpgrp(self._master)}/cmdline").read_bytes()
        except OSError:
            return ""
        return Path(os.fsdecode(front.split(b"\0")[0])).name

    async def _type(self, bursts: list[bytes]) -> Outcome:
        if self._ended.is_set():
            return Outcome.failed(Reason.TARGET_GONE, "the program has ended")
        try:
            for place, burst in enumerate(bursts):
                if place:
                    await asyncio.sleep(self._pace.before_enter if burst == ENTER else self._pace.between)
                async with asyncio.timeout(STUCK_LIMIT):
                    await descriptors.write(self._master, burst)
        except TimeoutError:
            return Outcome.uncertain(Reason.BACKEND_ERROR, f"the program has not read for {STUCK_LIMIT:g} s")
        except OSError as error:
            return Outcome.uncertain(Reason.TARGET_GONE, f"the program's terminal is closed: {error.strerror}")
        # A terminal takes text after its program's end, too, without an error.
        if self._ended.is_set():
            return Outcome.uncertain(Reason.TARGET_GONE, "the program ended while this was typed")
        return Outcome.done()
