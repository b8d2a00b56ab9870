"""Changing the mode and the model of a Claude Code at a terminal: what its screen says decides, never a count."""

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from agent.backends.claude import control
from agent.backends.claude.control import ClaudeControl, asks_to_switch, mode_of, model_said
from agent.backends.claude.registry_file import ClaudeCode
from agent.backends.terminals.keyboard import Front, Gone, Guard
from agent.backends.terminals.typing_rules import Pace
from agent.domain.command import Ending, Outcome, Reason
from agent.domain.control import MODES, ControlKind, ControlSignal, asks_less_between

POINTER = "\u276f"
RULE = "\x1b[38;5;244m" + "─" * 40
FOOTERS = {
    "default": "  \x1b[38;5;246m⏸ manual mode on · ? for shortcuts · ← for agents",
    "acceptEdits": "  \x1b[38;5;147m⏵⏵ accept edits on\x1b[38;5;246m (shift+tab to cycle)",
    "plan": "  \x1b[38;5;73m⏸ plan mode on\x1b[38;5;246m (shift+tab to cycle) · esc to interrupt",
    "auto": "  \x1b[38;5;220m⏵⏵ auto mode on\x1b[38;5;246m (shift+tab to cycle)",
    "bypassPermissions": "  ⏵⏵ bypass permissions on (shift+tab to cycle)",
}
NEXT = ("default", "acceptEdits", "plan", "auto")


def screen(mode: str, *above: str) -> str:
    return "\n".join([*above, RULE, f"\x1b[39m{POINTER}\xa0\x1b[7m ", RULE, FOOTERS.get(mode, f"  {mode}"), ""])


class CyclingKeyboard:
    """A Claude Code whose Shift-Tab goes through `modes`; `deaf` after so many presses."""

    left = False

    def __init__(self, claude: ClaudeCode, modes: Sequence[str], at: str, deaf_after: int = 99) -> None:
        self.pressed: list[str] = []
        self.dialog_after = 99
        self.gone_after = 99
        self._claude, self._modes, self._at, self._deaf_after = claude, list(modes), at, deaf_after

    async def check(self) -> Front:
        return Front(os.getpid(), "claude")

    async def press(self, *names: str) -> None:
        self.pressed += names
        if len(self.pressed) > self.gone_after:
            raise Gone("the pane is gone")
        if len(self.pressed) <= self._deaf_after:
            self._at = self._modes[(self._modes.index(self._at) + 1) % len(self._modes)]
        if len(self.pressed) == self.dialog_after:
            says(self._claude, "waiting")

    async def enter(self, guard: Guard) -> bool:
        raise AssertionError(guard)

    async def screen(self) -> str | None:
        return screen(self._at)


def says(claude: ClaudeCode, status: str) -> None:
    claude.file.parent.mkdir(exist_ok=True)
    claude.file.write_text(json.dumps({"pid": os.getpid(), "status": status}))


@pytest.fixture
def claude(tmp_path: Path) -> ClaudeCode:
    one = ClaudeCode(os.getpid(), tmp_path, tmp_path)
    says(one, "idle")
    return one


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STEP_LIMIT", "MODEL_LIMIT", "DIALOG_LIMIT", "LOOK"):
        monkeypatch.setattr(control, name, 0.02)


def put(keyboard: CyclingKeyboard, claude: ClaudeCode, mode: str) -> Outcome:
    signal = ControlSignal(ControlKind.MODE, mode)
    return asyncio.run(ClaudeControl(keyboard, claude, Pace(0.0, 0.0)).carry_out(signal))  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", FOOTERS)
def test_the_mode_is_read_below_the_prompt(mode: str) -> None:
    assert mode_of(screen(mode, f"{POINTER} what is ⏵⏵ accept edits on?", "● plan mode on")) == mode


@pytest.mark.parametrize(
    ("shown", "mode"),
    [
        (screen("? for shortcuts"), "default"),
        (screen("Press Ctrl-C again to exit"), ""),
        (f"Do you want to proceed?\n{POINTER} 1. Yes\n  2. No", ""),
        ("", ""),
    ],
)
def test_a_screen_that_does_not_say_it_says_nothing(shown: str, mode: str) -> None:
    assert mode_of(shown) == mode


@pytest.mark.parametrize("first", MODES)
@pytest.mark.parametrize("wanted", MODES)
def test_it_steps_until_the_wanted_mode_is_shown(claude: ClaudeCode, first: str, wanted: str) -> None:
    keyboard = CyclingKeyboard(claude, NEXT, first)

    assert put(keyboard, claude, wanted) == Outcome.done(f"mode {wanted}")
    assert mode_of(asyncio.run(keyboard.screen()) or "") == wanted
    assert set(keyboard.pressed) <= {"shift-tab"}


def test_a_mode_that_it_does_not_have_leaves_it_where_it_was(claude: ClaudeCode) -> None:
    keyboard = CyclingKeyboard(claude, ("default", "acceptEdits"), "default")

    outcome = put(keyboard, claude, "plan")

    assert (outcome.ending, outcome.reason) == (Ending.FAILED, Reason.UNSUPPORTED)
    assert "default, acceptEdits" in outcome.detail
    assert mode_of(asyncio.run(keyboard.screen()) or "") == "default"


def test_a_program_that_does_not_answer_is_not_pressed_again(claude: ClaudeCode) -> None:
    keyboard = CyclingKeyboard(claude, NEXT, "default", deaf_after=1)

    outcome = put(keyboard, claude, "plan")

    assert (outcome.ending, len(keyboard.pressed)) == (Ending.UNCERTAIN, 2)
    assert "It was in mode default, and is in mode acceptEdits." in outcome.detail


def test_no_key_goes_into_a_dialog(claude: ClaudeCode) -> None:
    says(claude, "waiting")
    keyboard = CyclingKeyboard(claude, NEXT, "default")

    assert put(keyboard, claude, "plan").ending is Ending.FAILED
    assert keyboard.pressed == []


def test_nor_into_one_that_opens_on_the_way(claude: ClaudeCode) -> None:
    keyboard = CyclingKeyboard(claude, NEXT, "default")
    keyboard.dialog_after = 1

    outcome = put(keyboard, claude, "plan")

    assert (outcome.ending, keyboard.pressed) == (Ending.UNCERTAIN, ["shift-tab"])


def test_while_it_works_no_way_leads_past_a_mode_that_asks_less(claude: ClaudeCode) -> None:
    says(claude, "busy")
    keyboard = CyclingKeyboard(claude, NEXT, "plan")

    assert put(keyboard, claude, "default").ending is Ending.FAILED
    assert keyboard.pressed == []
    assert put(CyclingKeyboard(claude, NEXT, "default"), claude, "acceptEdits").ending is Ending.DONE


@pytest.mark.parametrize(
    ("shown", "wanted", "asks_less"),
    [
        ("default", "acceptEdits", False),
        ("acceptEdits", "plan", False),
        ("default", "plan", True),
        ("plan", "default", True),
        ("plan", "acceptEdits", True),
        ("auto", "default", False),
        ("bypassPermissions", "plan", False),
        ("", "default", True),
        ("plan", "plan", False),
        ("default", "bypassPermissions", False),
    ],
)
def test_which_ways_lead_past_a_mode_that_asks_less(shown: str, wanted: str, asks_less: bool) -> None:
    assert asks_less_between(shown, wanted) == asks_less


def test_it_is_told_to_ask_nothing_only_where_it_was_started_so(
    claude: ClaudeCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = ("default", "acceptEdits", "plan", "bypassPermissions")
    keyboard = CyclingKeyboard(claude, modes, "default")
    refused = put(keyboard, claude, "bypassPermissions")
    monkeypatch.setattr(control, "may_bypass", lambda pid: pid == os.getpid())

    assert (refused.ending, refused.reason, keyboard.pressed) == (Ending.FAILED, Reason.MODE_NOT_ALLOWED, [])
    assert put(keyboard, claude, "bypassPermissions").ending is Ending.DONE


def test_a_terminal_that_goes_on_the_way_is_told(claude: ClaudeCode) -> None:
    keyboard = CyclingKeyboard(claude, NEXT, "default")
    keyboard.gone_after = 1

    outcome = put(keyboard, claude, "plan")

    assert (outcome.ending, outcome.reason) == (Ending.UNCERTAIN, Reason.TARGET_GONE)
    assert keyboard.pressed == ["shift-tab"] * 2


SAYS = "  ⎿ \xa0"
SET = "Set model to Sonnet 5.5"


@pytest.mark.parametrize(
    ("above", "said"),
    [
        (("> /model opus", f"{SAYS}Unable to", "", "> /model sonnet", f"{SAYS}{SET}"), SET),
        (("> /model sonnet", f"{SAYS}Unable to", "     validate model", "", "● x"), "Unable to validate model"),
        (("> /model sonnet", ""), ""),
        (("> /model opus", f"{SAYS}Set model to Opus"), ""),
        (("✽ Working… (5s)", "", f"            {SET} and saved"), f"{SET} and saved"),
    ],
)
def test_what_it_says_of_a_model_stands_under_the_newest_command(above: tuple[str, ...], said: str) -> None:
    assert model_said(screen("plan", *(line.replace(">", POINTER) for line in above)), "/model sonnet") == said


SWITCH = ["  This conversation is cached.", f"  {POINTER} 1. Yes, switch to Opus 5.5", "    2. No, go back", ""]
CONFIRM = "  Enter to confirm · Esc to cancel"


@pytest.mark.parametrize(
    ("lines", "asks"),
    [
        ([*SWITCH, CONFIRM, ""], True),
        ([*SWITCH[:1], *SWITCH[2:], CONFIRM], False),
        ([*SWITCH, CONFIRM, "Do you want to proceed?", f"{POINTER} 1. Yes", "  2. No"], False),
        ([f"  {POINTER} 2. No, go back", CONFIRM], False),
    ],
)
def test_only_the_dialog_in_front_is_confirmed(lines: list[str], asks: bool) -> None:
    assert asks_to_switch("\n".join(lines)) == asks


@pytest.mark.parametrize(
    ("signal", "typed", "is_sound"),
    [
        (ControlSignal(ControlKind.MODEL, "claude-opus-5-5[1m]"), "/model claude-opus-5-5[1m]", True),
        (ControlSignal(ControlKind.MODEL, "a b"), "/model a b", False),
        (ControlSignal(ControlKind.MODEL, "x\n!ls"), "/model x\n!ls", False),
        (ControlSignal(ControlKind.MODEL, ""), "/model", False),
        (ControlSignal(ControlKind.MODE, "plan"), "/mode plan", True),
        (ControlSignal(ControlKind.COMPACT), "/compact", True),
        (ControlSignal(ControlKind.CLEAR, "all"), "/clear all", False),
    ],
)
def test_what_may_be_typed_of_a_signal(signal: ControlSignal, typed: str, is_sound: bool) -> None:
    assert (signal.typed, signal.is_sound) == (typed, is_sound)
