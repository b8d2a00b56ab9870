"""Sessions in terminals that somebody else made: one backend for every kind of keyboard."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from agent.backends.claude import registry_file
from agent.backends.claude.control import NOT_HERE, ClaudeControl, obstacle_of
from agent.backends.claude.typing import MOST_LINES, ClaudeTyping, obstacle
from agent.backends.gemini import status_file
from agent.backends.gemini.typing import GeminiTyping
from agent.backends.terminals import typing_rules
from agent.backends.terminals.keyboard import Keyboard, Refused, TerminalError
from agent.backends.terminals.plain_typing import PlainTyping
from agent.backends.terminals.typing_rules import CLEARING, KEYS, SUSPEND, Pace
from agent.domain.command import Action, Input, KeyPress, Outcome, Reason
from agent.domain.control import ControlKind, ControlSignal
from agent.domain.session import Conversation, Session

_SUSPENDING, _LOOKS = 1.0, 20
"""Seconds in which a program that read Ctrl-Z has put its screen in order and stopped, and how often to look."""

Open = Callable[[Session], Keyboard]


async def carry_out(keyboard: Keyboard, action: Action, pace: Pace, talk: Conversation | None = None) -> Outcome:
    """Types it, by the rules of whatever program is in front; `talk` is that of the session, where it has one."""
    if isinstance(action, KeyPress) and action.name not in KEYS:
        return Outcome.failed(Reason.UNSUPPORTED, typing_rules.refused_key(action.name))
    try:
        front = await keyboard.ready()
    except TerminalError as error:
        return Outcome.failed(error.reason, str(error))  # a question that got no answer has typed nothing
    if gemini := status_file.entry_of(talk):
        return await _to_gemini(GeminiTyping(keyboard, gemini, pace), action)
    claude = registry_file.in_front(front.pid)
    if isinstance(action, ControlSignal):
        return await ClaudeControl(keyboard, claude, pace).carry_out(action) if claude else NOT_HERE
    typing = ClaudeTyping(keyboard, claude, pace) if claude else PlainTyping(keyboard, pace)
    return await (typing.text(action) if isinstance(action, Input) else typing.key(action.name))


async def _to_gemini(typing: GeminiTyping, action: Action) -> Outcome:
    match action:
        case Input():
            return await typing.text(action)
        case KeyPress(name=name):
            return await typing.key(name)
        case ControlSignal(kind=ControlKind.INTERRUPT):
            return await typing.key("esc")
        case ControlSignal(kind=kind):
            return Outcome.failed(Reason.UNSUPPORTED, f"The {kind.value} of Gemini CLI is changed at its terminal.")


class TerminalBackend:
    """Types into terminals that `keyboard` opens."""

    def __init__(self, keyboard: Open, pace: Pace | None = None) -> None:
        self._keyboard = keyboard
        self._pace = pace or Pace()

    async def deliver(self, session: Session, action: Action) -> Outcome:
        keyboard = self._keyboard(session)
        outcome = await carry_out(keyboard, action, self._pace, session.conversation)
        if action == KeyPress(SUSPEND) and outcome == Outcome.done():
            await self._suspended(keyboard)
        return outcome

    async def _suspended(self, keyboard: Keyboard) -> None:
        """Returns once the program has stopped, or some time after it did not: a full-screen one stops by itself.

        What is typed in between would stay unread, for the shell that the program came from.
        """
        with suppress(TerminalError):
            for _ in range(_LOOKS):
                await keyboard.check()  # raises as soon as it has stopped
                await asyncio.sleep(_SUSPENDING / _LOOKS)

    async def obstacle(self, session: Session, action: Action) -> str:
        if entry := status_file.entry_of(session.conversation):
            if not isinstance(action, Input):
                return ""
            typing = GeminiTyping(self._keyboard(session), entry, self._pace)
            return obstacle(entry.look()) or await typing.at_work()
        return obstacle_of(session, action)

    async def clear_line(self, session: Session) -> None:
        keyboard = self._keyboard(session)
        with suppress(TerminalError):
            front = await keyboard.ready()
            if gemini := status_file.entry_of(session.conversation):
                await GeminiTyping(keyboard, gemini, self._pace).clear()
            elif claude := registry_file.in_front(front.pid):
                await ClaudeTyping(keyboard, claude, self._pace).clear()
            else:
                await keyboard.press(*CLEARING * MOST_LINES)

    async def release(self, session: Session) -> None:
        """The terminal is somebody else's."""

    async def alive(self, session: Session) -> bool:
        try:
            await self._keyboard(session).check()
        except Refused:  # suspended: it can be brought back
            return True
        except TerminalError:
            return False
        return True
