"""When the Enter behind a text comes, at a keyboard whose screen nobody can look at."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from agent.backends.claude.registry_file import ClaudeCode
from agent.backends.claude.typing import ClaudeTyping
from agent.backends.terminals.keyboard import Front, Guard
from agent.backends.terminals.typing_rules import Pace
from agent.domain.command import Input, Outcome


class BlindKeyboard:
    """Keeps what is pressed. The program shows nothing before it was asked `looks` times whether it has."""

    left = False

    def __init__(self, looks: int) -> None:
        self.pressed: list[str] = []
        self._looks = looks

    async def check(self) -> Front:
        return Front(os.getpid(), "claude")

    async def ready(self) -> Front:
        return await self.check()

    async def in_turn(self, work: Callable[[], Awaitable[None]], *, own_line: bool = True) -> None:  # noqa: ARG002
        await work()

    async def type(self, text: str) -> None:
        self.pressed.append(text)

    async def paste(self, text: str) -> None:
        raise AssertionError(text)

    async def press(self, *names: str) -> None:
        self.pressed += names

    async def enter(self, guard: Guard) -> bool:
        assert guard.allows_now()
        self.pressed.append("enter")
        return True

    async def screen(self) -> None:
        return

    def answered(self) -> bool:
        self._looks -= 1
        if self._looks < 0:
            return True
        self.pressed.append("look")
        return False


def test_the_enter_waits_until_the_program_has_shown_something_of_the_text(tmp_path: Path) -> None:
    claude = ClaudeCode(os.getpid(), tmp_path, tmp_path)
    claude.file.parent.mkdir()
    claude.file.write_text(json.dumps({"pid": os.getpid(), "status": "idle"}))
    keyboard = BlindKeyboard(looks=2)

    outcome = asyncio.run(ClaudeTyping(keyboard, claude, Pace(0.0, 0.0)).text(Input("words")))

    assert outcome == Outcome.done()
    assert keyboard.pressed == ["words", "look", "look", "enter"]
