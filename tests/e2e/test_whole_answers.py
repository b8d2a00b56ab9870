"""The real Claude Code runs what was allowed in the place of what it asked, and hears a whole form, from afar."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e import claude_desk
from tests.e2e.claude_desk import LONG, Desk, desk
from tests.e2e.system import System
from tests.fakes.claude_program import ClaudeHome
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e

FORM = {
    "questions": [
        {
            "question": "Which colour?", "header": "Colour", "multiSelect": False,
            "options": [{"label": "Red", "description": "warm"}, {"label": "Blue", "description": "cold"}],
        },
        {
            "question": "Which sizes?", "header": "Sizes", "multiSelect": True,
            "options": [{"label": "S", "description": "small"}, {"label": "L", "description": "large"}],
        },
    ]
}  # fmt: skip


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("whole")) as one:
        yield one


@pytest.fixture(scope="module")
def headless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[System, ClaudeHome]]:
    with claude_desk.headless(tmp_path_factory.mktemp("headless")) as both:
        yield both


def send(system: System, text: str) -> None:
    """To the only session."""
    [session] = system.cli("sessions", "--json")
    system.cli("send", session["sessionId"], text)


def question(system: System) -> dict[str, Any]:
    """The only open one, whole."""
    [found] = wait_until(lambda: system.rest("GET", "/permissions").json(), LONG)
    return dict(found)


def answer(system: System, asked: dict[str, Any], **given: Any) -> dict[str, Any]:
    body = {"inputDigest": asked["inputDigest"], **given}
    done = system.rest("POST", f"/permissions/{asked['permissionId']}", body)
    assert done.status_code == 200, done.text
    return dict(done.json())


def heard(system: System, words: str) -> None:
    wait_until(lambda: any(words in one["text"] for one in system.cli("notifications", "--json")), LONG)


def test_in_a_terminal_another_input_is_run(here: Desk) -> None:
    here.type("%bash touch asked_for")
    asked = question(here.system)
    assert json.loads(asked["details"]["inputJson"])["command"] == "touch asked_for"
    assert (asked["details"]["mode"], asked["details"]["editable"]) == ("default", True)

    answer(here.system, asked, option="allow", input={"command": "touch allowed", "description": "Another"})

    wait_until((here.home.project / "allowed").exists, LONG)
    wait_until(lambda: here.home.status() == "idle", LONG)
    assert not (here.home.project / "asked_for").exists()


def test_in_a_terminal_a_form_is_answered_whole(here: Desk) -> None:
    send(here.system, f"%tool AskUserQuestion {json.dumps(FORM)}")
    asked = question(here.system)
    assert [each["text"] for each in asked["details"]["form"]] == ["Which colour?", "Which sizes?"]
    assert asked["details"]["waitingFor"] == "input needed"

    answer(here.system, asked, answers=[{"optionIds": ["option-2"]}, {"optionIds": ["option-1", "option-2"]}])

    heard(here.system, '"Which colour?"="Blue", "Which sizes?"="S, L"')
    assert here.system.rest("GET", "/permissions").json() == []


def test_a_change_of_a_file_is_shown_as_a_diff_and_may_be_another(here: Desk) -> None:
    file = here.home.project / "notes"
    file.write_text("one\ntwo\n")
    given = {"file_path": str(file), "content": "one\n2\n"}
    send(here.system, f"%tool Read {json.dumps({'file_path': str(file)})}")
    heard(here.system, "two")
    send(here.system, f"%tool Write {json.dumps(given)}")
    asked = question(here.system)
    assert asked["details"]["diff"].splitlines()[2:] == ["@@ -1,2 +1,2 @@", " one", "-two", "+2"]

    answer(here.system, asked, option="allow", input={**given, "content": "one\nzwei\n"})

    wait_until(lambda: file.read_text() == "one\nzwei\n", LONG)


def test_without_a_terminal_another_input_is_run(headless: tuple[System, ClaudeHome]) -> None:
    system, home = headless
    send(system, "%bash touch asked_for")
    asked = question(system)

    system.rest("POST", f"/permissions/{asked['permissionId']}", {"inputDigest": "another", "option": "allow"})
    answer(system, asked, option="allow", input={"command": "touch allowed", "description": "Another"})

    wait_until((home.project / "allowed").exists, LONG)
    assert not (home.project / "asked_for").exists()
    # A text that comes while it still talks of that is no prompt of its own.
    wait_until(lambda: system.sessions()[0]["state"] == "IDLE", LONG)


def test_without_a_terminal_a_form_is_answered_whole(headless: tuple[System, ClaudeHome]) -> None:
    system, _ = headless
    send(system, f"%tool AskUserQuestion {json.dumps(FORM)}")

    answer(system, question(system), answers=[{"text": "a pale green"}, {"optionIds": ["option-2"]}])

    heard(system, '"Which colour?"="a pale green", "Which sizes?"="L"')
