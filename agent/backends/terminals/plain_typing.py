"""Typing into a program of which nothing special is known: text, then Enter."""

import asyncio

from agent.backends.terminals import typing_rules
from agent.backends.terminals.keyboard import Gone, Keyboard, Silent, TerminalError
from agent.backends.terminals.typing_rules import Pace
from agent.domain.command import Input, Outcome, Reason


class PlainTyping:
    """One action on its way into a terminal; remembers whether anything may have arrived."""

    def __init__(self, keyboard: Keyboard, pace: Pace) -> None:
        self._keyboard = keyboard
        self._pace = pace
        self._touched = False

    async def key(self, name: str) -> Outcome:
        try:
            await self._keyboard.press(name)
        except TerminalError as error:
            return self._broken(error)
        return Outcome.done()

    async def text(self, action: Input, program: str) -> Outcome:
        text = typing_rules.clean(action.text)
        try:
            await (self._paste(text) if typing_rules.pastes(text, program) else self._type(text))
            if action.submit:
                await self._submit()
        except TerminalError as error:
            return self._broken(error)
        return Outcome.done()

    async def _type(self, text: str) -> None:
        for burst in typing_rules.bursts(text):
            if self._touched:
                await asyncio.sleep(self._pace.between)
            await self._keyboard.type(burst)
            self._touched = True

    async def _paste(self, text: str) -> None:
        await self._keyboard.paste(text)
        self._touched = True

    async def _submit(self) -> None:
        await asyncio.sleep(self._pace.before_enter)
        await self._keyboard.ready()  # an Enter in another program, or in copy mode, would do something else
        await self._keyboard.press("enter")

    def _broken(self, error: TerminalError) -> Outcome:
        reason = Reason.TARGET_GONE if isinstance(error, Gone) else Reason.BACKEND_ERROR
        if self._touched:
            return Outcome.uncertain(reason, f"{error}; the text, or a part of it, is there but not submitted")
        if isinstance(error, Silent):
            return Outcome.uncertain(reason, str(error))
        return Outcome.failed(reason, str(error))
