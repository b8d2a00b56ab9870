"""Sessions in terminals that somebody else made: one backend for every kind of keyboard."""

from collections.abc import Callable
from contextlib import suppress

from agent.backends import claude_code, typing_rules
from agent.backends.claude_typing import MOST_LINES, ClaudeTyping, obstacle_of
from agent.backends.keyboard import Gone, Keyboard, TerminalError
from agent.backends.plain_typing import PlainTyping
from agent.backends.typing_rules import CLEARING, KEYS, Pace
from agent.domain.command import Action, Input, KeyPress, Outcome, Reason
from agent.domain.session import Session

Open = Callable[[Session], Keyboard]


class TerminalBackend:
    """Types into terminals that `keyboard` opens."""

    def __init__(self, name: str, keyboard: Open, pace: Pace | None = None) -> None:
        self.name = name
        self._keyboard = keyboard
        self._pace = pace or Pace()

    async def deliver(self, session: Session, action: Action) -> Outcome:
        if isinstance(action, KeyPress) and action.name not in KEYS:
            return Outcome.failed(Reason.UNSUPPORTED, typing_rules.refused_key(action.name))
        keyboard = self._keyboard(session)
        try:
            front = await keyboard.ready()
        except TerminalError as error:
            reason = Reason.TARGET_GONE if isinstance(error, Gone) else Reason.BACKEND_ERROR
            return Outcome.failed(reason, str(error))
        if claude := claude_code.in_front(front.pid):
            typing = ClaudeTyping(keyboard, claude, self._pace)
            return await (typing.text(action) if isinstance(action, Input) else typing.key(action.name))
        plain = PlainTyping(keyboard, self._pace)
        return await (plain.text(action, front.program) if isinstance(action, Input) else plain.key(action.name))

    async def obstacle(self, session: Session, action: Action) -> str:
        return obstacle_of(session, action)

    async def clear_line(self, session: Session) -> None:
        keyboard = self._keyboard(session)
        with suppress(TerminalError):
            front = await keyboard.ready()
            if claude := claude_code.in_front(front.pid):
                await ClaudeTyping(keyboard, claude, self._pace).clear()
            else:
                await keyboard.press(*CLEARING * MOST_LINES)

    async def release(self, session: Session) -> None:
        """The terminal is somebody else's."""

    async def alive(self, session: Session) -> bool:
        try:
            await self._keyboard(session).check()
        except TerminalError:
            return False
        return True
