"""Typing into the real Claude Code: exact, never into a dialog, never into a person's draft."""

import asyncio
import os
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from agent.backends.terminals.keyboard import Guard
from agent.backends.terminals.terminal import TerminalBackend
from agent.backends.terminals.tmux import Pane
from agent.domain.command import Ending, Input, KeyPress, Outcome, Reason
from agent.domain.session import Session
from tests.fakes.claude_program import ClaudeHome
from tests.fakes.model_api import ModelApi
from tests.folders import short_folder
from tests.integration.agent.backends.claude_stages import (
    ENTER,
    ESC,
    ClaudeStage,
    NvimClaude,
    PtyClaude,
    TmuxClaude,
)
from tests.waiting import NeverHappened, wait_until

STAGES: dict[str, Callable[[Path, ClaudeHome], ClaudeStage]] = {
    "tmux": TmuxClaude,
    "pty": PtyClaude,
    "nvim": NvimClaude,
}
TRIES = int(os.environ.get("TEST_DIALOGS", "2"))
pytestmark = pytest.mark.timeout(120 + 60 * (TRIES - 2))
LONG = 20.0  # seconds; other programs share the cores


class Seat(NamedTuple):
    """One Claude Code, which every test finds at rest and leaves at rest."""

    stage: ClaudeStage
    home: ClaudeHome
    api: ModelApi


@pytest.fixture(scope="module", params=STAGES)
def seat(request: pytest.FixtureRequest) -> Iterator[Seat]:
    with short_folder() as folder, ModelApi() as api:
        home = ClaudeHome(folder, api)
        with closing(STAGES[request.param](folder, home)) as stage:
            wait_until(home.rests, LONG)  # on busy cores it takes longer to start than a text waits for it
            settle(stage, api)
            yield Seat(stage, home, api)
            programs = [record["pid"] for record in home.records()]
        wait_until(lambda: not any(map(psutil.pid_exists, programs)), LONG)  # it writes until then


def settle(stage: ClaudeStage, api: ModelApi) -> None:
    """Its first turn: just started, on busy cores, it was once seen to leave an Enter unheard."""
    assert say(stage, "good morning") == Outcome.done()
    try:
        wait_until(lambda: api.prompts, LONG / 2)
    except NeverHappened:
        assert stage.begin(KeyPress("enter")).result(LONG) == Outcome.done()
        wait_until(lambda: api.prompts, LONG)


@pytest.fixture
def home(seat: Seat) -> ClaudeHome:
    wait_until(seat.home.rests, LONG)
    return seat.home


@pytest.fixture
def stage(seat: Seat, home: ClaudeHome) -> ClaudeStage:
    assert home.rests()
    return seat.stage


@pytest.fixture
def api(seat: Seat) -> ModelApi:
    return seat.api


def say(stage: ClaudeStage, text: str) -> Outcome:
    return stage.begin(Input(text)).result(LONG)


def ask_permission(stage: ClaudeStage, home: ClaudeHome, file: str) -> Path:
    """Makes it ask whether it may make a file in the project; gives the file."""
    assert say(stage, f"%bash touch {file}") == Outcome.done()
    wait_until(lambda: home.status() == "waiting", LONG)
    return home.project / file


def becomes(home: ClaudeHome, status: str) -> None:
    wait_until(lambda: home.status() == status, LONG)


def arrived(api: ModelApi, text: str) -> None:
    """Waits until the model was asked this; texts that come while it is busy are one prompt, with a line between."""
    try:
        wait_until(lambda: text in "\n\n".join(api.prompts).split("\n\n"), LONG)
    except NeverHappened:
        raise NeverHappened(f"{text!r} is not in {api.prompts[-3:]!r}") from None


def test_texts_arrive_exact(stage: ClaudeStage, api: ModelApi) -> None:
    lines = "\n".join(f"line {number}: 'quotes', žluťoučký 日本 #{{x}};" for number in range(12))
    long = " ".join(f"word{number}" for number in range(400))

    for text in ("plain", lines, long, "/tmp/x is a path", "y"):
        assert say(stage, text) == Outcome.done()
        arrived(api, text)


class HardOfHearing(Pane):
    """The first Enter comes right behind something else, and passes for a line break."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.presses = 0

    async def enter(self, guard: Guard) -> bool:
        self.presses += 1
        if self.presses > 1:
            return await super().enter(guard)
        await self.type("\n")
        return True


@pytest.mark.parametrize("seat", ["tmux"], indirect=True)
@pytest.mark.parametrize("text", ["short", " ".join(f"word{number}" for number in range(400))])
def test_an_enter_that_passes_for_a_line_break_is_pressed_again(stage: TmuxClaude, api: ModelApi, text: str) -> None:
    backend = TerminalBackend(HardOfHearing)

    outcome = asyncio.run(backend.deliver(stage.session, Input(f"once {text}")))

    assert outcome == Outcome.done()
    arrived(api, f"once {text}")


class Late(Pane):
    """What is typed reaches the program some time later, all at once: by then somebody has looked, or three came."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.held: list[str] = []

    async def type(self, text: str) -> None:
        self.held.append(text)
        if len(self.held) == 3:
            await self.come()

    async def screen(self) -> str:
        await self.come()
        return await super().screen()

    async def come(self) -> None:
        text, self.held = "".join(self.held), []
        if text:
            await super().type(text)


@pytest.mark.parametrize("seat", ["tmux"], indirect=True)
def test_pieces_that_came_at_once_would_pass_for_a_paste(stage: TmuxClaude, api: ModelApi) -> None:
    long = " ".join(f"word{number}" for number in range(400))

    outcome = asyncio.run(TerminalBackend(Late).deliver(stage.session, Input(long)))

    assert outcome == Outcome.done()
    arrived(api, long)


def test_a_bang_reaches_the_model_and_no_shell(stage: ClaudeStage, api: ModelApi, home: ClaudeHome) -> None:
    assert say(stage, "!touch made") == Outcome.done()

    arrived(api, "!touch made")
    assert not (home.project / "made").exists()


def test_a_command_that_opens_a_panel_is_refused_and_others_run(stage: ClaudeStage, home: ClaudeHome) -> None:
    (home.project / ".claude" / "commands").mkdir(parents=True)
    (home.project / ".claude" / "commands" / "mine.md").write_text("Do my thing.")
    before = home.records()[0]["sessionId"]

    refused = say(stage, "/config")
    own = say(stage, "/clear")

    assert (refused.ending, refused.reason) == (Ending.FAILED, Reason.UNSUPPORTED)
    assert "/config" in refused.detail
    assert own == Outcome.done()
    wait_until(lambda: [record["sessionId"] for record in home.records()] != [before], LONG)


def test_a_text_meant_for_the_prompt_waits_while_a_dialog_is_open(
    stage: ClaudeStage, api: ModelApi, home: ClaudeHome
) -> None:
    file = ask_permission(stage, home, "not_wanted")
    assert "dialog is open" in stage.obstacle(Input("please do not"))

    delivery = stage.begin(Input("please do not"))
    enter = stage.begin(KeyPress("enter"))
    stage.person(ESC)

    assert delivery.result(LONG) == Outcome.done()
    arrived(api, "please do not")
    becomes(home, "idle")
    assert stage.obstacle(Input("anything")) == ""
    assert enter.result(LONG).ending in (Ending.FAILED, Ending.DONE)  # it may have come after the dialog was closed
    assert not file.exists()


def test_an_enter_from_afar_confirms_no_dialog(stage: ClaudeStage, home: ClaudeHome) -> None:
    file = ask_permission(stage, home, "not_confirmed")

    outcome = stage.begin(KeyPress("enter")).result(LONG)
    assert (outcome.ending, outcome.reason) == (Ending.FAILED, Reason.DIALOG_OPEN)

    assert stage.begin(KeyPress("esc")).result(LONG) == Outcome.done()
    becomes(home, "idle")
    assert not file.exists()


def test_a_person_s_draft_is_still_theirs(stage: ClaudeStage, api: ModelApi, home: ClaudeHome) -> None:
    assert say(stage, "first") == Outcome.done()  # it has started
    becomes(home, "idle")
    stage.person(b"half a l")

    delivery = stage.begin(Input("from afar"))
    type_on(api, stage, b"ine")

    assert delivery.result(LONG) == Outcome.done()
    arrived(api, "from afar")
    arrived(api, "half a line")


def type_on(api: ModelApi, stage: ClaudeStage, rest: bytes) -> None:
    """The person goes on: behind a text from afar where their draft was put away for it, else before it."""
    if not isinstance(stage, PtyClaude):
        arrived(api, "from afar")
    stage.person(rest)
    stage.person(ENTER)


@pytest.mark.parametrize("seat", ["tmux", "nvim"], indirect=True)  # a pty's host outlives the agent
def test_what_a_dead_agent_left_is_cleared_line_by_line(stage: ClaudeStage, api: ModelApi) -> None:
    assert say(stage, "first") == Outcome.done()
    stage.person(b"left\nbehind by\n\nan agent that died")

    stage.clear_line()
    outcome = say(stage, "whole")

    assert outcome == Outcome.done()
    arrived(api, "whole")


def test_prose_at_random_moments_approves_nothing(stage: ClaudeStage, home: ClaudeHome) -> None:
    chance = random.Random(4)
    pause = threading.Event()
    assert say(stage, "first") == Outcome.done()

    for number in range(TRIES):
        becomes(home, "idle")
        asked = stage.begin(Input(f"%bash touch never{number}"))
        asked.result(LONG)
        pause.wait(chance.uniform(0.0, 0.8))
        prose = stage.begin(Input(f"please do not touch anything {number}"))
        becomes(home, "waiting")
        pause.wait(chance.uniform(0.0, 0.8))
        stage.person(ESC)
        prose.result(LONG)

    assert list(home.project.glob("never*")) == []
