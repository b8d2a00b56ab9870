"""The one writer of a program's terminal: takes turns between the person's keys and deliveries."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from agent.backends.claude import registry_file
from agent.backends.claude.registry_file import ClaudeCode
from agent.backends.claude.typing import ClaudeTyping
from agent.backends.terminals import typing_rules
from agent.backends.terminals.keyboard import Front, Gone, Guard, LineInUse, Silent
from agent.backends.terminals.typing_rules import EDITING, ENTER, KEYS, PASTE_END, PASTE_START, Pace
from agent.domain.command import Input, Outcome, Reason
from agent.pty_host import descriptors
from agent.pty_host.draft import Draft
from agent.pty_host.modes import TerminalModes
from agent.pty_host.terminal import end_of_input

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
        self._left = False  # a part of a text is in the prompt
        self._answered = True  # the program has shown something since
        self._typing: set[asyncio.Future[Any]] = set()

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

    def saw(self, output: bytes) -> None:
        """What the program shows."""
        self.modes.feed(output)
        self._answered = True

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
        if claude := registry_file.in_front(self._front()):
            return await self._into_claude(claude, message)
        try:
            async with asyncio.timeout(None if key is not None else self._draft_limit):
                await (self._turn.acquire() if key is not None else self._free_turn())
        except TimeoutError:
            return Outcome.failed(Reason.LINE_IN_USE, self._in_use())
        bursts = self._key(str(key)) if key is not None else self._text(message)
        task = asyncio.create_task(self._type(bursts))
        self._typing.add(task)
        task.add_done_callback(self._typed)
        return await asyncio.shield(task)

    async def _into_claude(self, claude: ClaudeCode, message: Mapping[str, object]) -> Outcome:
        typing = ClaudeTyping(self, claude, self._pace, left=self._left)
        if (key := message.get("key")) is None:
            outcome = await typing.text(Input(str(message.get("text", "")), bool(message.get("submit", True))))
            self._left = typing.left
            return outcome
        outcome = await typing.key(str(key))
        self._draft.feed(self._sequence(str(key)))
        self._tell()
        return outcome

    async def check(self) -> Front:
        """The keyboard of a ClaudeTyping, from here on."""
        if self._ended.is_set():
            raise Gone("the program has ended")
        return Front(self._front(), self._program())

    async def ready(self) -> Front:
        return await self.check()

    async def in_turn(self, work: Callable[[], Awaitable[None]]) -> None:
        """Cancelled while it waits, it does nothing; what has begun is done to its end."""
        try:
            async with asyncio.timeout(self._draft_limit):
                await self._free_turn()
        except TimeoutError:
            raise LineInUse(self._in_use()) from None
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
        await self._put(b"".join(map(self._sequence, names)))

    async def enter(self, guard: Guard) -> bool:
        if not guard.allows_now():
            return False
        await self._put(ENTER)
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
            raise Gone(f"the program's terminal is closed: {error.strerror}") from None

    async def _free_turn(self) -> None:
        while True:
            await self._line_free.wait()
            await self._turn.acquire()
            if self._line_free.is_set():
                return
            self._turn.release()

    def _typed(self, task: asyncio.Future[Any]) -> None:
        self._typing.discard(task)
        task.exception()  # whoever waited for it has it, or has gone
        self._turn.release()

    def _in_use(self) -> str:
        return f"someone has had a half-typed line in this terminal for {self._draft_limit:g} s; send it again later"

    def _sequence(self, name: str) -> bytes:
        return {**KEYS, **EDITING}[name].bytes_for(application_cursor=self.modes.application_cursor)

    def _key(self, name: str) -> list[bytes]:
        pressed = self._sequence(name)
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

    def _front(self) -> int:
        """The leader of the group that gets the keys; 0 when there is none."""
        try:
            return os.tcgetpgrp(self._master)
        except OSError:
            return 0

    def _program(self) -> str:
        """The name of the program in front; empty when this system does not tell."""
        return registry_file.name(self._front())

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
