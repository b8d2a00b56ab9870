"""Another coding agent than Claude Code, started, asked, answered and ended from the phone: the real Gemini CLI."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.system import CHAT, System, message, running
from tests.e2e.test_new import LONG, told
from tests.fakes.acp_programs import AcpHome
from tests.fakes.model_dialects import Models
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e


@pytest.fixture
def models() -> Iterator[Models]:
    with Models() as one:
        yield one


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


@pytest.fixture
def system(tmp_path: Path, project: Path, models: Models) -> Iterator[System]:
    environ = AcpHome("gemini", tmp_path, models.url).environ | {"POINTSMAN_START_FOLDERS": str(project)}
    with running(tmp_path, **environ) as system:
        yield system


def test_new_starts_gemini_which_is_talked_to_asked_and_ended(system: System, project: Path, models: Models) -> None:
    [machine] = wait_until(lambda: [one for one in system.cli("machines", "--json") if one["programs"]], LONG)
    system.webhook(message(81_001, "/new devbox gemini hello there"))
    told(system, "🚀 Started project on devbox.")
    first = told(system, "echo: hello there")
    system.webhook(message(81_002, "%bash touch made", reply_to=first.message_id))
    asked = told(system, "touch made")
    system.telegram.press(asked, "Allow", user_id=CHAT)
    wait_until((project / "made").exists, LONG)
    answer = told(system, "tool said")
    [session] = system.cli("sessions", "--json")
    words = "one two three four five six seven eight"
    heard = system.saying(f"%slow 3 {words}")
    told(system, words)
    system.webhook(message(81_003, "/end", reply_to=answer.message_id))
    wait_until(lambda: not system.rest("GET", "/sessions").json(), LONG)
    started = system.rest("POST", "/sessions/start", {"prompt": "from afar", "agent": "gemini"}).json()
    told(system, "echo: from afar")

    assert {one["name"]: one["version"] for one in machine["programs"]}["gemini"] == "0.61.0"
    assert (session["backend"], session["cwd"]) == ("acp", str(project.resolve()))
    assert (session["mode"], session["modes"]) == ("default", ["default", "acceptEdits", "plan"])
    assert len(heard) > 1
    assert all(words.startswith(so_far.strip()) for so_far in heard)
    assert started["ok"] is True
    assert models.prompts == ["hello there", "%bash touch made", f"%slow 3 {words}", "from afar"]
