"""The keyboard of a program's terminal, and the one writer to it: a person's keys and ours take turns."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

from agent.backends.claude import registry_file
from agent.backends.terminals.keyboard import Front, Gone, Guard, LineInUse, Lost, Silent
from agent.backends.terminals.typing_rules import EDITING, ENTER, KEYS, PASTE_END, PASTE_START
from agent.pty_host import descriptors
from agent.pty_host.draft import Draft
from agent.pty_host.modes import TerminalModes
from agent.pty_host.terminal import end_of_input

DRAFT_LIMIT = 30.0
"""Seconds that a text waits for a person to finish their line."""

STUCK_LIMIT = 10.0
"""Seconds for one burst to get into the terminal; more means that the program does not read."""


class SharedKeyboard:
    """Writes to `master`, the host's end of the terminal. `draft_limit` is in seconds."""

    def __init__(self, master: int, draft_limit: float = DRAFT_LIMIT) -> None:
        self.modes = TerminalModes()
        self.left = False
        self._master = master
        self._draft_limit = draft_limit
        self._draft = Draft()
        self._turn = asyncio.Lock()
        self._line_free = asyncio.Event()
        self._line_free.set()
        self._ended = asyncio.Event()
        self._inside_line = False
        self._answered = True  # the program has shown something since
        self._typing: set[asyncio.Future[Any]] = set()  # the loop alone would not keep what nobody waits for

    async def forward(self, data: bytes, *, person: bool) -> None:
        """Input of the outer terminal (`person`) or of a file, as it is."""
        async with self._turn:
            await descriptors.write(self._master, data)
        self._inside_line = not data.endswith(b"\n")
        if person:  # a file that is piped in is nobody's draft
            self._follow(data)

    async def end_input(self) -> None:
        """The file that was standard input is at its end."""
        await self.forward(end_of_input(self._master, inside_line=self._inside_line), person=False)

    def saw(self, output: bytes) -> None:
        """What the program shows."""
        self.modes.feed(output)
        self._answered = True

    def end(self) -> None:
        """The program is gone: what waits for its turn fails."""
        self._ended.set()
        self._line_free.set()

    async def check(self) -> Front:
        if self._ended.is_set():
            raise Gone("the program has ended")
        front = self._front()
        return Front(front, registry_file.name(front), pastes=self.modes.bracketed_paste)

    async def ready(self) -> Front:
        return await self.check()

    async def in_turn(self, work: Callable[[], Awaitable[None]], *, own_line: bool = True) -> None:
        """Cancelled while it waits, it does nothing; what has begun is done to its end: its agent may be gone."""
        await (self._own_line() if own_line else self._turn.acquire())
        task = asyncio.ensure_future(work())
        self._typing.add(task)
        task.add_done_callback(self._typed)
        await asyncio.shield(task)

    async def type(self, text: str) -> None:
        self._answered = False
        await self._put(text.encode())

    async def paste(self, text: str) -> None:
        await self._put(PASTE_START + text.encode() + PASTE_END)

    async def press(self, *names: str) -> None:
        keys = b"".join(map(self._sequence, names))
        await self._put(keys)
        self._follow(keys)  # an Enter from afar sends off the person's line, too

    async def enter(self, guard: Guard) -> bool:
        if not guard.allows_now():
            return False
        await self._put(ENTER)
        self._follow(ENTER)
        return True

    async def screen(self) -> None:
        """What a person has typed is known without looking."""
        return

    def answered(self) -> bool:
        return self._answered

    async def _put(self, data: bytes) -> None:
        await self.check()
        try:
            async with asyncio.timeout(STUCK_LIMIT):
                await descriptors.write(self._master, data)
        except TimeoutError:
            raise Silent(f"the program has not read for {STUCK_LIMIT:g} s") from None
        except OSError as error:
            raise Lost(f"the program's terminal is closed: {error.strerror}") from None
        # A terminal takes text after its program's end, too, without an error.
        if self._ended.is_set():
            raise Lost("the program ended while this was typed")

    async def _own_line(self) -> None:
        """Acquires the turn while nobody has a half-typed line. Raises LineInUse when that does not come."""
        try:
            async with asyncio.timeout(self._draft_limit):
                while True:
                    await self._line_free.wait()
                    await self._turn.acquire()
                    if self._line_free.is_set():  # else keys that had the turn before us have begun a line
                        return
                    self._turn.release()
        except TimeoutError:
            why = f"someone has had a half-typed line in this terminal for {self._draft_limit:g} s"
            raise LineInUse(f"{why}; send it again later") from None

    def _typed(self, task: asyncio.Future[Any]) -> None:
        self._typing.discard(task)
        task.exception()  # whoever waited for it has it, or has gone
        self._turn.release()

    def _follow(self, keys: bytes) -> None:
        self._draft.feed(keys)
        if self._ended.is_set() or not self._draft.open:
            self._line_free.set()
        else:
            self._line_free.clear()

    def _sequence(self, name: str) -> bytes:
        return {**KEYS, **EDITING}[name].bytes_for(application_cursor=self.modes.application_cursor)

    def _front(self) -> int:
        """The leader of the group that gets the keys; 0 when there is none."""
        try:
            return os.tcgetpgrp(self._master)
        except OSError:
            return 0
