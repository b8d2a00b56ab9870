"""The real Claude Code in the place of an endpoint: it answers, and has no tools."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.backends.model.backend import ModelBackend
from agent.backends.model.claude_run import ClaudeRuns
from agent.backends.model.history import Histories
from agent.backends.programs import Places
from agent.domain.command import Ending, Input, Outcome
from agent.domain.session import Session
from tests.fakes.claude_program import ClaudeHome
from tests.fakes.model_api import ModelApi
from tests.integration.agent.backends.notes import Notes
from tests.rigs.agent_rig import eventually

pytestmark = pytest.mark.timeout(300)
LONG = 100.0  # seconds; it is large, and the cores are busy
SESSION = Session("s1", "model")


@pytest.fixture
def api() -> Iterator[ModelApi]:
    with ModelApi() as made:
        yield made


async def test_it_answers_without_tools_and_is_gone(data_dir: Path, api: ModelApi) -> None:
    home, notes = ClaudeHome(data_dir, api), Notes()
    runs = ClaudeRuns("haiku", home.environ, data_dir / "empty", Places(1), str(home.program))
    backend = ModelBackend(runs, Histories(data_dir / "histories"))
    backend.connect(notes)
    outcome = await backend.deliver(SESSION, Input("hello"))
    await eventually(lambda: notes.texts and not backend.under_way, LONG)

    assert outcome == Outcome.done()
    assert notes.texts == ['{"title": "A title"}']  # what the stand-in says to a request without tools
    assert list((data_dir / "empty").iterdir()) == []
    assert [record for record in home.records() if record.get("pid")] == []


async def test_where_it_is_not_installed_that_is_said(data_dir: Path) -> None:
    backend = ModelBackend(
        ClaudeRuns("haiku", {"PATH": str(data_dir)}, data_dir / "empty", Places(1)), Histories(data_dir)
    )
    backend.connect(Notes())
    outcome = await backend.deliver(SESSION, Input("hello"))

    assert outcome.ending is Ending.FAILED
    assert "not installed" in outcome.detail


async def test_no_more_run_at_once_than_there_are_places(data_dir: Path) -> None:
    places = Places(1)
    places.take()
    backend = ModelBackend(ClaudeRuns("haiku", {}, data_dir / "empty", places), Histories(data_dir))
    backend.connect(Notes())
    outcome = await backend.deliver(SESSION, Input("hello"))

    assert outcome.ending is Ending.FAILED
    assert "POINTSMAN_MAX_SESSIONS" in outcome.detail
