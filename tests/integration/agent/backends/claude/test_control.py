"""The mode and the model of the real Claude Code, changed in the terminals whose screen can be read."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agent.backends.claude.registry_file import ClaudeCode, Doing
from agent.domain.command import Ending, Outcome, Reason
from agent.domain.control import ControlKind, ControlSignal
from tests.fakes.claude_program import ClaudeHome
from tests.fakes.model_api import ModelApi
from tests.folders import short_folder
from tests.integration.agent.backends.claude_stages import ClaudeStage, NvimClaude, TmuxClaude
from tests.waiting import wait_until

STAGES: dict[str, Callable[[Path, ClaudeHome], ClaudeStage]] = {"tmux": TmuxClaude, "nvim": NvimClaude}
LONG = 30.0  # seconds; other programs share the cores


@pytest.fixture(scope="module", params=STAGES)
def at_home(request: pytest.FixtureRequest) -> Iterator[tuple[ClaudeStage, ClaudeHome]]:
    with short_folder() as folder, ModelApi() as api:
        home = ClaudeHome(folder, api)
        with closing(STAGES[request.param](folder, home)) as stage:
            yield stage, home


@pytest.fixture
def stage(at_home: tuple[ClaudeStage, ClaudeHome]) -> ClaudeStage:
    """It rests: what it was told by the test before may keep it for a moment."""
    stage, home = at_home
    wait_until(lambda: home.rests() and is_trusted(home), LONG)
    return stage


def is_trusted(home: ClaudeHome) -> bool:
    """What it says of itself in its first moments is not believed."""
    seen = [ClaudeCode(int(one["pid"]), home.config, home.project).look() for one in home.records()]
    return [each.doing for each in seen] == [Doing.IDLE]


def put(stage: ClaudeStage, kind: ControlKind, value: str = "") -> Outcome:
    return stage.begin(ControlSignal(kind, value)).result(LONG)


@pytest.mark.parametrize("mode", ["acceptEdits", "default", "plan"])
def test_it_steps_until_the_mode_is_shown(stage: ClaudeStage, mode: str) -> None:
    assert put(stage, ControlKind.MODE, mode) == Outcome.done(f"mode {mode}")


def test_a_mode_that_it_does_not_have_leaves_it_where_it_was(stage: ClaudeStage) -> None:
    put(stage, ControlKind.MODE, "plan")
    outcome = put(stage, ControlKind.MODE, "dontAsk")

    assert (outcome.ending, outcome.reason) == (Ending.FAILED, Reason.UNSUPPORTED)
    assert "acceptEdits" in outcome.detail
    assert put(stage, ControlKind.MODE, "plan") == Outcome.done("mode plan")


def test_one_that_was_not_started_so_is_not_told_to_ask_nothing(stage: ClaudeStage) -> None:
    assert put(stage, ControlKind.MODE, "bypassPermissions").reason is Reason.MODE_NOT_ALLOWED


def test_the_model_is_what_it_says_it_is(stage: ClaudeStage) -> None:
    outcome = put(stage, ControlKind.MODEL, "sonnet")

    assert (outcome.ending, outcome.detail.startswith("Set model to Sonnet")) == (Ending.DONE, True)


def test_at_rest_nothing_is_interrupted(stage: ClaudeStage) -> None:
    assert put(stage, ControlKind.INTERRUPT) == Outcome.done("nothing was running")
