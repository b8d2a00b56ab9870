"""Typing into Claude Code: never into a dialog, and never into a draft of the person at the terminal.

An Enter that meets an open permission question approves it. A new dialog takes no key but Esc for its first 0.5 s, and
the program's registry is at most 0.1 s late. So nothing is typed but right behind a look that saw no dialog; a dialog
that opens under a text makes it wait, and start again on a clean line. Digits and Enter are all that a dialog obeys:
no burst is a single character, and the Enter goes through `Keyboard.enter`, which looks once more.
"""

import asyncio
import re
import time
from functools import partial

from agent import processes
from agent.backends.claude import prompt_box, slash_commands
from agent.backends.claude.prompt_box import Box, box_of
from agent.backends.claude.registry_file import NO_DIALOG, ClaudeCode, Doing, Seen
from agent.backends.terminals import typing_rules
from agent.backends.terminals.keyboard import Guard, Keyboard, LineInUse, Refused, Silent, TerminalError
from agent.backends.terminals.typing_rules import BURST, CLEARING, Pace
from agent.domain.command import Input, Outcome, Reason

LOOK = 0.1  # seconds between looks while waiting
START_LIMIT = 10.0  # seconds for it to say for the first time what it does
DIALOG_LIMIT = 20.0  # seconds that a text waits for a dialog that opened under it
DRAFT_QUIET = 2.0  # seconds without a change after which nobody is typing at the terminal
DRAFT_LIMIT = 30.0  # seconds that a text waits for somebody who is
READ_LIMIT = 10.0  # seconds for it to take what was typed
SHOWN = 40  # characters of a text's end that must be on the screen before its Enter
SHOWN_LIMIT = 2.0  # seconds to wait for them: a long text may be shown as something else
TAKEN_LIMIT = 2.0  # seconds after which an Enter that it has read, and that changed nothing, was lost
ENTERS = 3
ATTEMPTS = 5
MOST_LINES = 32  # of what is cleared where the screen does not say when it is enough


class _Joined(Exception):
    """Somebody's draft and the text were in one prompt; the text has been taken back."""


class _DialogOpened(Exception):
    """A dialog came up under the text; nothing of it was submitted."""


def obstacle(seen: Seen) -> str:
    """Why nothing may be typed now, for people; empty when it may."""
    if seen.doing is not Doing.WAITING:
        return ""
    return f"a dialog is open in the terminal ({seen.waiting_for or 'it waits for an answer'})"


class ClaudeTyping:
    """One text on its way into the prompt."""

    def __init__(self, keyboard: Keyboard, claude: ClaudeCode, pace: Pace) -> None:
        self._keyboard = keyboard
        self._claude = claude
        self._pace = pace

    async def key(self, name: str) -> Outcome:
        """Presses a key; an Enter only where it confirms no dialog."""
        try:
            if name != "enter":
                await self._keyboard.press(name)
            elif not await self._keyboard.enter(Guard(self._claude.file, NO_DIALOG)):
                why = obstacle(self._claude.look()) or "it is not known whether a dialog is open"
                text = f"{why}; answer it with its buttons, or press esc to turn it down"
                return Outcome.failed(Reason.DIALOG_OPEN, text)
        except TerminalError as error:
            return self._ended(error)
        return Outcome.done()

    async def text(self, action: Input) -> Outcome:
        """Types it once no dialog is open and the prompt is free; fails when that does not come."""
        text = typing_rules.clean(action.text)
        if why := prompt_box.refused(text, slash_commands.own(self._claude)):
            return Outcome.failed(Reason.UNSUPPORTED, why)
        attempt = partial(self._attempt, prompt_box.defused(text), submit=action.submit)
        try:
            await self._started()
            for _ in range(ATTEMPTS):  # each begins with a clean line; more would keep the lane busy for minutes
                try:
                    await self._no_dialog()
                    await self._keyboard.in_turn(attempt)
                    return Outcome.done()
                except (_DialogOpened, _Joined):
                    continue
        except TerminalError as error:
            return self._ended(error)
        except TimeoutError:
            return self._held()
        return self._held()

    async def _started(self) -> None:
        try:
            async with asyncio.timeout(START_LIMIT):
                while self._claude.look().doing is Doing.UNKNOWN:
                    await self._keyboard.check()
                    await asyncio.sleep(LOOK)
        except TimeoutError:
            text = "this Claude Code does not tell whether a dialog is open; it needs version 2.1.162 or newer"
            raise Refused(text) from None

    async def _no_dialog(self) -> None:
        """Raises TimeoutError when one stays open."""
        async with asyncio.timeout(DIALOG_LIMIT):
            while self._claude.look().doing is Doing.WAITING:
                await self._keyboard.check()
                await asyncio.sleep(LOOK)

    async def _attempt(self, text: str, *, submit: bool) -> None:
        await self._free_line()
        before = ""
        for burst in _bursts(text):
            if before:
                # A terminal or a busy program may hold it back; it would come with the next one, and both as a paste.
                await self._shown(before)
                await asyncio.sleep(self._pace.between)
            self._check()
            self._keyboard.left = True  # before it is typed: a write that breaks may have got a part out
            await self._keyboard.type(burst)
            await self._read()
            before = burst
        if submit:
            await asyncio.sleep(self._pace.before_enter)  # right behind its text an Enter passes for a line break
            await self._keyboard.ready()  # copy mode would eat the Enter
            await self._alone(text)
            await self._submit()
        self._keyboard.left = False

    async def _submit(self) -> None:
        """Presses Enter, and again where the prompt still shows the text: on busy cores it may pass for a line break.

        A dialog that opened since the first one tells that the text was taken, or nothing: it is not typed again.
        """
        before = await self._box()
        if not await self._enter():
            raise _DialogOpened
        for _ in range(ENTERS - 1):
            if before is None or before.stashed or not await self._still_shows(before) or not await self._enter():
                return

    async def _enter(self) -> bool:
        return await self._keyboard.enter(Guard(self._claude.file, NO_DIALOG))

    async def _still_shows(self, before: Box) -> bool:
        """Whether the prompt has kept what it held, though it has read the Enter and had the time to take it."""
        await self._read()
        gives_up = time.monotonic() + TAKEN_LIMIT
        while (box := await self._box()) is not None and box.text and _same_end(before.text, box.text):
            if time.monotonic() > gives_up:
                return True
            await asyncio.sleep(LOOK)
        return False

    async def _read(self) -> None:
        """Until it has taken what was typed: what it reads in one go passes for a paste, and an Enter with it."""
        try:
            async with asyncio.timeout(READ_LIMIT):
                while processes.unread(self._claude.pid):
                    await self._keyboard.check()
                    await asyncio.sleep(LOOK)
        except TimeoutError:
            raise Silent(f"the program has not read for {READ_LIMIT:g} s") from None

    def _check(self) -> None:
        if self._claude.look().doing not in (Doing.IDLE, Doing.BUSY):
            raise _DialogOpened

    async def _free_line(self) -> None:
        """Takes away what an attempt left; puts a draft of the person away, which the program gives back afterwards."""
        self._check()
        if self._keyboard.left:
            await self.clear()
        box, unchanged_since = await self._box(), time.monotonic()
        gives_up = unchanged_since + DRAFT_LIMIT
        while box is not None and box.text:
            if time.monotonic() > gives_up:
                raise LineInUse("someone has a half-typed line in the prompt; send it again later")
            if time.monotonic() - unchanged_since >= DRAFT_QUIET and not box.stashed:
                self._check()
                await self._keyboard.press("ctrl-s")
                unchanged_since = time.monotonic()  # pressed again at once, it would bring the draft back
            await asyncio.sleep(LOOK)
            before, box = box, await self._box()
            if box is None or box.text != before.text:
                unchanged_since = time.monotonic()

    async def _alone(self, text: str) -> None:
        """Takes the text back when it landed behind what somebody typed at the same moment. Raises _Joined."""
        ours, whole = _bare(text), await self._shown(text)
        if len(text) > BURST or len(whole) <= len(ours) or not whole.endswith(ours):
            return
        self._check()
        for _ in text:
            await self._keyboard.press("backspace")
        self._keyboard.left = False
        raise _Joined

    async def _shown(self, text: str) -> str:
        """What the prompt holds, without spaces, once it shows the end of the text; after a while, whatever it is."""
        end, gives_up = _bare(text)[-SHOWN:], time.monotonic() + SHOWN_LIMIT
        while True:
            box = await self._box()
            whole = "" if box is None else _bare(box.text)
            shown = self._keyboard.answered() if box is None else whole.endswith(end)
            if shown or time.monotonic() > gives_up:
                return whole
            await asyncio.sleep(LOOK)

    async def clear(self) -> None:
        """Empties the prompt, line by line. Raises TerminalError."""
        for _ in range(MOST_LINES):
            box = await self._box()
            if box is not None and not box.text:
                break
            for name in CLEARING:  # each a key of its own: many at once pass for a paste
                await self._keyboard.press(name)
                await asyncio.sleep(self._pace.between)
        self._keyboard.left = False

    async def _box(self) -> Box | None:
        screen = await self._keyboard.screen()
        return None if screen is None else box_of(screen)

    def _held(self) -> Outcome:
        text = "a dialog opened in the terminal while this was typed"
        if self._keyboard.left:
            return Outcome.uncertain(Reason.DIALOG_OPEN, f"{text}; it is in the prompt, not submitted")
        return Outcome.failed(Reason.DIALOG_OPEN, f"{text}; answer the dialog, then send it again")

    def _ended(self, error: TerminalError) -> Outcome:
        left = self._keyboard.left
        return error.outcome("the text, or a part of it, is in the prompt but not submitted" if left else "")


def _bare(text: str) -> str:
    """The text without what a screen may break it with."""
    return re.sub(r"\s", "", text)


def _same_end(one: str, other: str) -> bool:
    """Whether two looks at a prompt, which may show more or less of it, show the same text."""
    one, other = sorted((_bare(one), _bare(other)), key=len)
    return other.endswith(one)


def _bursts(text: str) -> list[str]:
    """Pieces of at least two characters: a dialog that just came up takes a single digit for an answer."""
    pieces = typing_rules.bursts(text)
    if len(pieces) > 1 and len(pieces[-1]) == 1:
        pieces[-2:] = [pieces[-2][:-1], pieces[-2][-1] + pieces[-1]]
    return [f"{piece} " if len(piece) == 1 else piece for piece in pieces]
