"""Typing into a program of which nothing special is known: text, then Enter."""

import asyncio
from collections.abc import Awaitable
from functools import partial

from agent.backends.terminals import typing_rules
from agent.backends.terminals.keyboard import Keyboard, TerminalError
from agent.backends.terminals.typing_rules import Pace
from agent.domain.command import Input, Outcome


class PlainTyping:
    """One action on its way into a terminal; remembers whether anything may have arrived."""

    def __init__(self, keyboard: Keyboard, pace: Pace) -> None:
        self._keyboard = keyboard
        self._pace = pace
        self._touched = False

    async def key(self, name: str) -> Outcome:
        """Presses a key: at once, also into a person's half-typed line, but never into a text that is being typed."""
        return await self._ended(self._keyboard.in_turn(partial(self._keyboard.press, name), own_line=False))

    async def text(self, action: Input) -> Outcome:
        """Types it, all in one turn."""
        return await self._ended(self._keyboard.in_turn(partial(self._text, action)))

    async def _text(self, action: Input) -> None:
        text = typing_rules.clean(action.text)
        # Asked in our turn: a shell asks for pastes at its prompt, and not while a program that it started reads.
        if "\n" in text and typing_rules.pastes(await self._keyboard.check()):
            await self._keyboard.paste(text)
            self._touched = True
        else:
            await self._type(text)
        if action.submit:
            await asyncio.sleep(self._pace.before_enter)  # right behind its text it would pass for a part of a paste
            await self._keyboard.ready()  # an Enter in another program, or in copy mode, would do something else
            await self._keyboard.press("enter")

    async def _type(self, text: str) -> None:
        for burst in typing_rules.bursts(text):
            if self._touched:
                await asyncio.sleep(self._pace.between)
            await self._keyboard.type(burst)
            self._touched = True

    async def _ended(self, work: Awaitable[None]) -> Outcome:
        try:
            await work
        except TerminalError as error:
            return error.outcome("the text, or a part of it, is there but not submitted" if self._touched else "")
        return Outcome.done()
