"""Typing into Gemini CLI: where a dialog opens at the very moment of an Enter, and where a text would be mixed."""

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import pytest

from agent.backends.claude.registry_file import ClaudeCode, Doing, Seen
from agent.backends.gemini import typing
from agent.backends.gemini.typing import GeminiTyping
from agent.backends.terminals.keyboard import Guard, Keyboard
from agent.backends.terminals.typing_rules import Pace
from agent.domain.command import Ending, Input, Outcome

RULE = "─" * 40
EMPTY = f"{RULE}\n >   Type your message or @path/to/file\n"
DIALOG = f"{RULE}\n│ ● 1. Allow once │\n│   2. No │\n"


def holding(text: str) -> str:
    return f"{RULE}\n > {text}\n"


class Screens:
    """A keyboard whose screen shows one of these at each look, and the last of them from then on."""

    def __init__(self, *screens: str) -> None:
        self.left = False
        self.pressed: list[str] = []
        self._screens = list(screens)

    async def screen(self) -> str:
        return self._screens.pop(0) if len(self._screens) > 1 else self._screens[0]

    async def paste(self, text: str) -> None:
        self.pressed.append(text)

    async def press(self, name: str) -> None:
        self.pressed.append(name)

    async def enter(self, guard: Guard) -> bool:  # noqa: ARG002
        self.pressed.append("enter")
        return True

    async def check(self) -> None:
        """It is there."""

    async def ready(self) -> None:
        """It is there."""


class Entry:
    """Its hook tells of these prompts, one at each look at what it has told, and of the last from then on."""

    def __init__(self, file: Path = Path("/nonexistent"), told: Sequence[str] = ("an earlier one",)) -> None:
        self.file = file
        self._told = list(enumerate(told))

    def look(self) -> Seen:
        return Seen(Doing.BUSY)

    def record(self) -> Mapping[str, object]:
        at, prompt = self._told.pop(0) if len(self._told) > 1 else self._told[0]
        return {"told": {"at": at, "prompt": prompt}}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typing, "LOOK", 0.0)
    monkeypatch.setattr(typing, "TAKEN_LIMIT", -1.0)


def typed(screens: Sequence[str], told: Sequence[str] = ("an earlier one",)) -> tuple[Outcome, list[str]]:
    keyboard = Screens(*screens)
    typist = GeminiTyping(cast("Keyboard", keyboard), cast("ClaudeCode", Entry(told=told)), Pace(0.0, 0.0))
    return asyncio.run(typist.text(Input("hello"))), keyboard.pressed


def test_a_text_whose_enter_a_dialog_took_is_entered_behind_the_dialog() -> None:
    there = holding("hello")

    outcome, pressed = typed([EMPTY, EMPTY, there, there, DIALOG, DIALOG, there, EMPTY])

    assert pressed == ["hello", "enter", "enter"]
    assert outcome == Outcome.done()


def test_one_that_is_gone_behind_the_dialog_is_not_entered_again() -> None:
    there = holding("hello")

    outcome, pressed = typed([EMPTY, EMPTY, there, there, DIALOG, EMPTY])

    assert pressed == ["hello", "enter"]
    assert outcome == Outcome.done()


@pytest.mark.parametrize("before", ["an earlier one", "hello"])
def test_one_that_its_hook_tells_of_is_taken_though_its_own_dialog_is_open(before: str) -> None:
    there = holding("hello")

    outcome, pressed = typed([EMPTY, EMPTY, there, there, DIALOG], told=[before, before, "two lines\nhello"])

    assert pressed == ["hello", "enter"]
    assert outcome == Outcome.done()


def test_what_its_hook_told_of_before_the_enter_was_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typing, "ANSWERED_LIMIT", -1.0)
    there = holding("hello")

    outcome, _ = typed([EMPTY, EMPTY, there, there, DIALOG], told=["hello"])

    assert outcome.ending is Ending.UNCERTAIN


def test_nobody_says_what_became_of_it_while_the_dialog_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typing, "ANSWERED_LIMIT", -1.0)
    there = holding("hello")

    outcome, pressed = typed([EMPTY, EMPTY, there, there, DIALOG])

    assert pressed == ["hello", "enter"]
    assert outcome.ending is Ending.UNCERTAIN


def test_what_a_dialog_kept_from_being_taken_back_is_taken_back_behind_it() -> None:
    there = holding("hello")
    held = [EMPTY, EMPTY, there, DIALOG]
    taken_back = [DIALOG, there, DIALOG, DIALOG, there, there, EMPTY]

    outcome, pressed = typed([*held, *taken_back, EMPTY, there, there, EMPTY])

    assert pressed == ["hello", "ctrl-u", "backspace", "hello", "enter"]
    assert outcome == Outcome.done()


HOOKS = f" ⠙ Executing Hook: test -x /usr/bin/python && test -r /tmp/\n{EMPTY}"
WORKS = f" ⠹ Thinking... (esc to cancel, 3s)\n{EMPTY}"


@pytest.mark.parametrize(
    ("age", "screen", "is_held"),
    [(0, EMPTY, True), (60, WORKS, True), (60, HOOKS, True), (60, EMPTY, False)],
    ids=["its hook has just said so", "its screen says so", "its hooks run", "the hook of its end was lost"],
)
def test_a_text_waits_for_the_end_of_a_turn(tmp_path: Path, age: float, screen: str, is_held: bool) -> None:
    file = tmp_path / "1.json"
    file.touch()
    then = time.time() - age
    os.utime(file, (then, then))
    typist = GeminiTyping(cast("Keyboard", Screens(screen)), cast("ClaudeCode", Entry(file)), Pace(0.0, 0.0))

    assert ("when this turn is over" in asyncio.run(typist.at_work())) is is_held
