"""Typing into Gemini CLI: never into a dialog, into a turn, or into a draft of the person at the terminal.

An Enter that meets its dialog allows what is asked, and so does a digit. A text goes in as one paste, which a dialog
passes over, and its Enter goes through `Keyboard.enter`: our own entry says that a dialog is open before Gemini shows
it, as its hook is answered behind that. The prompt is looked at as well: it has none while a dialog is open. Of all
that comes in a turn it makes one text: so texts wait on our side.
"""

import asyncio
import re
import time

from agent.backends.claude.registry_file import NO_DIALOG, ClaudeCode, Doing
from agent.backends.gemini.screen import ends, prompt_of, works
from agent.backends.terminals import typing_rules
from agent.backends.terminals.keyboard import Guard, Keyboard, LineInUse, TerminalError
from agent.backends.terminals.typing_rules import CLEARING, Pace
from agent.domain.command import Input, Outcome, Reason

LOOK = 0.1  # seconds between looks
DIALOG_LIMIT = 20.0  # seconds that a text waits for a dialog that opened under it
DRAFT_LIMIT = 30.0  # seconds that a text waits for a person who types
SHOWN_LIMIT = 5.0  # seconds for the prompt to show a text
TAKEN_LIMIT = 3.0  # seconds for it to take an Enter
BEGUN_LOOKS = 50  # until its hook says that a turn begins; of a command it never does
FRESH = 10.0  # seconds in which its hooks are believed to be right about a turn, whatever the screen shows
ANSWERED_LIMIT = 600.0  # seconds for people to answer a dialog that opened at the moment of an Enter
SHOWN = 30  # characters of a text's end that must be in the prompt before its Enter
ATTEMPTS = 5
MOST_LINES = 64
_PASTED = re.compile(r"\[Pasted Text: \d+ (lines|chars)\]")  # how it shows a long one
_WAITS = "a dialog is open in the terminal; answer it with its buttons, or press esc to turn it down"
_AT_WORK = "Gemini CLI is at work, and would make one text of all that comes: it goes in when this turn is over"
_COMMAND = re.compile(r"\s*[/!@]")


def _bare(text: str) -> str:
    """As it can be compared, however lines were broken."""
    return re.sub(r"\s", "", text)


class _Held(Exception):
    """A dialog came up under the text; nothing of it was submitted."""


class GeminiTyping:
    """One action on its way into the program with this entry."""

    def __init__(self, keyboard: Keyboard, entry: ClaudeCode, pace: Pace) -> None:
        self._keyboard = keyboard
        self._entry = entry
        self._guard = Guard(entry.file, NO_DIALOG)
        self._pace = pace

    async def at_work(self) -> str:
        """Why a text must wait for the end of a turn; empty where none goes on. A hook may have been lost."""
        is_busy = self._entry.look().doing is Doing.BUSY
        try:
            if is_busy and 0 <= time.time() - self._entry.file.stat().st_mtime < FRESH:
                return _AT_WORK
            screen = await self._keyboard.screen() or ""
        except (OSError, TerminalError):
            return ""
        return _AT_WORK if ends(screen) or (is_busy and works(screen)) else ""

    async def key(self, name: str) -> Outcome:
        """Presses a key; an Enter only where it confirms no dialog."""
        try:
            if name != "enter":
                await self._keyboard.press(name)
            elif await self._prompt() is None or not await self._keyboard.enter(self._guard):
                return Outcome.failed(Reason.DIALOG_OPEN, _WAITS)
        except TerminalError as error:
            return self._ended(error)
        return Outcome.done()

    async def text(self, action: Input) -> Outcome:
        """Types it once no dialog is open and the prompt is free; fails when that does not come."""
        text = typing_rules.clean(action.text)
        if _COMMAND.match(text):  # behind a space it is a text like any other, and opens no panel and no shell
            text = f" {text.lstrip()}" if text.lstrip().startswith("!") else text
        try:
            for _ in range(ATTEMPTS):
                try:
                    await self._free()
                    await self._attempt(text, submit=action.submit)
                    return Outcome.done()
                except _Held:
                    continue
        except TerminalError as error:
            return self._ended(error)
        except TimeoutError:
            return self._held()
        return self._held()

    async def clear(self) -> None:
        """Empties the prompt, line by line, unless a dialog comes up. Raises TerminalError."""
        for _ in range(MOST_LINES):
            prompt = await self._prompt()
            if prompt is None:
                return
            if not prompt:
                break
            for name in CLEARING:
                await self._keyboard.press(name)
                await asyncio.sleep(self._pace.between)
        self._keyboard.left = False

    async def _free(self) -> None:
        """Until no dialog is open, and what is in the prompt is nobody's. Raises TimeoutError, LineInUse."""
        await self._no_dialog()
        while self._keyboard.left:
            await self.clear()
            if self._keyboard.left:  # a dialog came up meanwhile
                await self._no_dialog()
        gives_up = time.monotonic() + DRAFT_LIMIT
        while await self._prompt():
            if time.monotonic() > gives_up:
                raise LineInUse("someone has a half-typed line in the prompt; send it again later")
            await asyncio.sleep(LOOK)

    async def _no_dialog(self) -> None:
        async with asyncio.timeout(DIALOG_LIMIT):
            while await self._prompt() is None or self._entry.look().doing is Doing.WAITING:
                await self._keyboard.check()
                await asyncio.sleep(LOOK)

    async def _attempt(self, text: str, *, submit: bool) -> None:
        self._keyboard.left = True  # before it is typed: a write that breaks may have got a part out
        await self._keyboard.paste(text)
        await self._shown(text)
        if submit:
            await asyncio.sleep(self._pace.before_enter)
            await self._keyboard.ready()  # copy mode would eat the Enter
            if not self._is_in(await self._prompt() or "", text):
                raise _Held
            before = self._told()
            if not await self._keyboard.enter(self._guard):
                raise _Held
            await self._taken(text, before)
            await self._begun()
        self._keyboard.left = False

    async def _shown(self, text: str) -> None:
        """Raises _Held where it does not come to stand in the prompt: a dialog has passed it over."""
        gives_up = time.monotonic() + SHOWN_LIMIT
        while not self._is_in(await self._prompt() or "", text):
            if time.monotonic() > gives_up:
                raise _Held
            await asyncio.sleep(LOOK)

    async def _taken(self, text: str, before: object) -> None:
        """Presses Enter again where the prompt keeps the text: behind a paste it may pass for a part of that.

        A dialog may be the text's own, which its hook has told of then; or one that opened at the moment of the Enter:
        what became of the text is seen behind that. `before` is what was told until then. Raises TimeoutError.
        """
        gives_up, pressed, presses = time.monotonic() + ANSWERED_LIMIT, time.monotonic(), 1
        while (prompt := await self._prompt()) is None or self._is_in(prompt, text):
            now = time.monotonic()
            if (told := self._told()) != before and isinstance(told, dict) and _bare(text) in _bare(told["prompt"]):
                return
            if prompt is None:
                if now > gives_up:
                    raise TimeoutError
                await self._keyboard.check()
                pressed = now
            elif now - pressed > TAKEN_LIMIT:
                if presses == ATTEMPTS:
                    return  # its hook has not told of it: people hear so
                await self._keyboard.enter(self._guard)
                pressed, presses = now, presses + 1
            await asyncio.sleep(LOOK)

    def _told(self) -> object:
        """What its hook has told last of a turn that began."""
        return (self._entry.record() or {}).get("told")

    async def _begun(self) -> None:
        """Returns when the next text would find the turn."""
        for _ in range(BEGUN_LOOKS):
            if self._entry.look().doing is not Doing.IDLE:
                return
            await asyncio.sleep(LOOK)

    @staticmethod
    def _is_in(prompt: str, text: str) -> bool:
        return bool(_PASTED.search(prompt)) or _bare(prompt).endswith(_bare(text)[-SHOWN:])

    async def _prompt(self) -> str | None:
        screen = await self._keyboard.screen()
        return None if screen is None else prompt_of(screen)

    def _held(self) -> Outcome:
        text = "a dialog was open in the terminal while this was typed"
        if self._keyboard.left:
            return Outcome.uncertain(Reason.DIALOG_OPEN, f"{text}; it may be in the prompt, not submitted")
        return Outcome.failed(Reason.DIALOG_OPEN, f"{text}; answer the dialog, then send it again")

    def _ended(self, error: TerminalError) -> Outcome:
        left = self._keyboard.left
        return error.outcome("the text, or a part of it, is in the prompt but not submitted" if left else "")
