"""Changing how Claude Code works in a terminal: by its own commands and keys, with a look at what came of each.

As seen in 2.1.329: below the prompt stands the mode ("⏵⏵ accept edits on"); Shift-Tab goes to the next one, in an order
that hangs on how it was started. In a dialog the same key may allow what is asked, so it is pressed right behind a look
that saw none. `/model NAME` answers under its own line, or asks first whether to go on with a model that has not read
the conversation.
"""

import asyncio
import re
import time
from collections.abc import Container

import psutil

from agent.backends.claude.prompt_box import around_box, plain_lines
from agent.backends.claude.registry_file import ClaudeCode, Doing, in_front
from agent.backends.claude.typing import DIALOG_LIMIT, LOOK, ClaudeTyping, obstacle
from agent.backends.terminals.keyboard import Keyboard, TerminalError
from agent.backends.terminals.typing_rules import Pace
from agent.domain.command import Action, Ending, Input, KeyPress, Outcome, Reason
from agent.domain.control import ACCEPT_EDITS, BYPASS, DEFAULT, PLAN, ControlKind, ControlSignal, asks_less_between
from agent.domain.session import Process, Session

MOST_STEPS = 10
STEP_LIMIT = 3.0  # seconds for it to show the next mode
MODEL_LIMIT = 15.0  # seconds for it to say what it made of a model: it may ask its API
_MODES = {
    "manual mode": DEFAULT,
    "accept edits": ACCEPT_EDITS,
    "plan mode": PLAN,
    "auto mode": "auto",
    "bypass permissions": BYPASS,
    "don't ask": "dontAsk",
}
_MODE = re.compile(rf"[⏸⏵]+\s*({'|'.join(_MODES)}) on\b")
_NO_MODE = "? for shortcuts"  # of 2.1.197, which says nothing more in its default mode
_BYPASS_FLAGS = ("--dangerously-skip-permissions", "--allow-dangerously-skip-permissions")
_POINTER = "\u276f"
_SET = "Set model to"
_SWITCHES = re.compile(r"\s*\u276f\s*1\.\s*Yes, switch to .+\n\s*2\.\s*No, go back\n\s*Enter to confirm .*")
_ASKS_A_PERSON = ("permission prompt", "input needed")  # what it waits for then, in its own words
NOT_HERE = Outcome.failed(
    Reason.UNSUPPORTED,
    "Claude Code is not what runs in this terminal now. What runs there may know the same as a text.",
)
_UNSEEN = (
    "Nobody but its person sees this terminal, so nobody can tell which mode it is in. Change it there with Shift-Tab,"
    " or run Claude Code in tmux."
)
_AT_REST = Outcome.done("nothing was running")
_NOT_FOR_NOW = "It works, and the way to that mode leads past those that ask less; it is changed once it rests."


def mode_of(screen: str) -> str:
    """The permission mode that a screen shows; empty where it shows none."""
    _, below = around_box(screen)
    found = _MODE.search("\n".join(below))
    if found:
        return _MODES[found[1]]
    return DEFAULT if any(_NO_MODE in line for line in below) else ""


def model_said(screen: str, typed: str) -> str:
    """What it says of the command that was typed last; empty as long as it says nothing."""
    above, _ = around_box(screen)
    if above.strip().startswith(_SET):  # while it works it says so there, for a moment
        return above.strip()
    lines = plain_lines(screen)
    echoes = [
        at
        for at, line in enumerate(lines)
        if line.removeprefix(_POINTER).strip() == typed and line.startswith(_POINTER)
    ]
    if not echoes:
        return ""
    said: list[str] = []
    for line in lines[echoes[-1] + 1 :]:
        if not said and not line.strip().startswith("⎿"):
            return ""
        if not line.strip() or line.startswith((_POINTER, "─", "●")):
            break
        said.append(line.strip().removeprefix("⎿").strip())
    return " ".join(said)


def asks_to_switch(screen: str) -> bool:
    """Whether the dialog in front is the one that asks if the model is to be switched, with yes chosen.

    It is the last thing on the screen. What stands above may be anybody's words.
    """
    lines = [line for line in plain_lines(screen) if line.strip()]
    return _SWITCHES.fullmatch("\n".join(lines[-3:])) is not None


def may_bypass(pid: int) -> bool:
    """Whether it was started so that it may be told to ask nothing at all."""
    try:
        words = psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
    return any(flag in words for flag in _BYPASS_FLAGS) or f"--permission-mode {BYPASS}" in " ".join(words)


def hindrance(claude: ClaudeCode, signal: ControlSignal, shown: str) -> str:
    """Why a signal has to wait, for people; `shown` is the mode as far as it is known."""
    seen = claude.look()
    if signal.kind is ControlKind.INTERRUPT:
        return ""
    if why := obstacle(seen):
        return why
    if signal.kind is ControlKind.MODE and seen.doing is not Doing.IDLE and asks_less_between(shown, signal.value):
        return _NOT_FOR_NOW
    return ""


def obstacle_of(session: Session, action: Action) -> str:
    """Why an action has to wait in a terminal in which this program may be in front. Keys are about this moment."""
    if isinstance(action, KeyPress) or session.process is None:
        return ""
    claude = in_front(session.process.pid)
    if claude is None:
        return ""
    return hindrance(claude, action, session.mode) if isinstance(action, ControlSignal) else obstacle(claude.look())


def as_typed(process: Process | None, signal: ControlSignal) -> Input | KeyPress | Outcome:
    """What a signal is at the keyboard of a terminal at which nobody can look; or what became of it."""
    claude = in_front(process.pid) if process else None
    if claude is None:
        return NOT_HERE
    if signal.kind is ControlKind.MODE:
        return Outcome.failed(Reason.UNSUPPORTED, _UNSEEN)
    if signal.kind is not ControlKind.INTERRUPT:
        return Input(signal.typed)
    return _AT_REST if claude.look().doing is Doing.IDLE else KeyPress("esc")


class ClaudeControl:
    """One signal on its way into a terminal."""

    def __init__(self, keyboard: Keyboard, claude: ClaudeCode, pace: Pace) -> None:
        self._keyboard = keyboard
        self._claude = claude
        self._typing = ClaudeTyping(keyboard, claude, pace)

    async def carry_out(self, signal: ControlSignal) -> Outcome:
        """Do it, and see that it is done."""
        match signal.kind:
            case ControlKind.INTERRUPT:
                return await self._interrupt()
            case ControlKind.MODE:
                return await self._mode(signal.value)
            case ControlKind.MODEL:
                return await self._model(signal)
        return await self._typing.text(Input(signal.typed))

    async def _interrupt(self) -> Outcome:
        if self._claude.look().doing is Doing.IDLE:
            return _AT_REST  # there Esc would begin to take the conversation back
        return await self._typing.key("esc")

    async def _mode(self, wanted: str) -> Outcome:
        if wanted == BYPASS and not may_bypass(self._claude.pid):
            text = f"{BYPASS} asks nothing any more, and this Claude Code was not started with it allowed."
            return Outcome.failed(Reason.MODE_NOT_ALLOWED, text)
        passed: list[str] = []
        try:
            first = shown = await self._until({""})
            if not first:
                return Outcome.failed(Reason.UNSUPPORTED, "The screen of this terminal does not show its mode.")
            while shown != wanted:
                if why := await self._hindrance(wanted, shown):
                    is_asking = self._claude.look().doing is Doing.WAITING
                    reason = Reason.DIALOG_OPEN if is_asking else Reason.ILLEGAL_STATE
                    return self._stopped(first, shown, why, reason)
                passed.append(shown)
                if len(passed) > MOST_STEPS or shown in passed[:-1]:
                    there = ", ".join(passed[:-1])
                    return self._stopped(first, shown, f"It has no mode {wanted} here; one of: {there}")
                await self._keyboard.press("shift-tab")
                before, shown = shown, await self._until({"", shown})
                if not shown:
                    return self._stopped(first, before, "It does not show another mode.")
        except TerminalError as error:
            return error.outcome("it may be in another mode by now" if passed else "")
        return Outcome.done(f"mode {wanted}")

    async def _hindrance(self, wanted: str, shown: str) -> str:
        """Why the next step cannot be made. A dialog that opened between two steps is waited for a while."""
        gives_up = time.monotonic() + DIALOG_LIMIT
        signal = ControlSignal(ControlKind.MODE, wanted)
        while (why := hindrance(self._claude, signal, shown)) and time.monotonic() < gives_up:
            await self._keyboard.check()
            await asyncio.sleep(LOOK)
        return why

    def _stopped(self, first: str, shown: str, why: str, reason: Reason = Reason.UNSUPPORTED) -> Outcome:
        if first == shown:
            return Outcome.failed(reason, why)
        return Outcome.uncertain(reason, f"{why} It was in mode {first}, and is in mode {shown}.")

    async def _model(self, signal: ControlSignal) -> Outcome:
        typed = await self._typing.text(Input(signal.typed))
        if typed.ending is not Ending.DONE or await self._keyboard.screen() is None:
            return typed
        gives_up = time.monotonic() + MODEL_LIMIT
        try:
            while time.monotonic() < gives_up:
                screen = await self._keyboard.screen() or ""
                if asks_to_switch(screen) and self._claude.look().waiting_for not in _ASKS_A_PERSON:
                    await self._keyboard.press("enter")  # it asks whether to do what was asked for
                if said := model_said(screen, signal.typed):
                    is_set = said.startswith(_SET)
                    return Outcome.done(said) if is_set else Outcome.failed(Reason.BACKEND_ERROR, said)
                await asyncio.sleep(LOOK)
        except TerminalError as error:
            return error.outcome()
        # While it works it says so for a moment only.
        return Outcome.done("typed; it has not said yet what it made of it")

    async def _until(self, others: Container[str]) -> str:
        """The mode that the screen shows, once it is none of those others; empty after a while."""
        gives_up = time.monotonic() + STEP_LIMIT
        while True:
            screen = await self._keyboard.screen()
            mode = "" if screen is None else mode_of(screen)
            if screen is None or mode not in others:
                return mode
            if time.monotonic() > gives_up:
                return ""
            await asyncio.sleep(LOOK)
