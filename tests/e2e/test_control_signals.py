"""The real Claude Code's mode and model, changed from afar: in a terminal by its keys, without one by its protocol."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e import claude_desk
from tests.e2e.claude_desk import LONG, Desk, desk
from tests.e2e.system import CHAT, System, message
from tests.fakes.claude_program import ClaudeHome
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("control")) as one:
        one.type("hello there")
        wait_until(lambda: one.system.sessions(), LONG)
        wait_until(lambda: one.home.status() == "idle", LONG)
        yield one


@pytest.fixture(scope="module")
def headless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[System, ClaudeHome]]:
    with claude_desk.headless(tmp_path_factory.mktemp("headless")) as both:
        yield both


def signal(system: System, *words: str) -> dict[str, Any]:
    """What became of a signal for the only session."""
    name, *value = words
    sent = system.rest(
        "POST", f"/sessions/{session(system)['sessionId']}/control", {"signal": name, "value": "".join(value)}
    )
    assert sent.status_code == 202, sent.text
    return wait_until(lambda: ended(system, sent.json()["commandId"]), LONG)


def ended(system: System, command_id: str) -> dict[str, Any] | None:
    command = system.rest("GET", f"/commands/{command_id}").json()
    return dict(command) if command["state"] not in ("QUEUED", "SENT", "RECEIVED") else None


def session(system: System) -> dict[str, Any]:
    [one] = system.sessions()
    return dict(one)


def test_in_a_terminal_the_mode_is_changed_step_by_step(here: Desk) -> None:
    assert session(here.system)["modes"] == ["default", "acceptEdits", "plan"]

    for mode, shown in (("plan", "plan mode on"), ("acceptEdits", "accept edits on"), ("default", "manual mode on")):
        done = signal(here.system, "mode", mode)

        assert (done["state"], done["detail"]) == ("DONE", f"mode {mode}")
        here.shows(shown)
        wait_until(lambda mode=mode: session(here.system)["mode"] == mode, LONG)


def test_what_the_mode_lets_through_is_not_asked(here: Desk) -> None:
    file = here.home.project / "notes"
    signal(here.system, "mode", "acceptEdits")
    given = json.dumps({"file_path": str(file), "content": "x"})
    here.system.cli("send", session(here.system)["sessionId"], f"%tool Write {given}")

    wait_until(file.exists, LONG)
    assert here.system.rest("GET", "/permissions").json() == []
    wait_until(lambda: here.home.status() == "idle", LONG)
    signal(here.system, "mode", "default")


def test_nothing_is_pressed_into_a_dialog(here: Desk) -> None:
    here.type("%bash touch asked_first")
    [asked] = wait_until(lambda: here.system.rest("GET", "/permissions").json(), LONG)
    wait_until(lambda: here.home.status() == "waiting", LONG)

    sent = here.system.rest(
        "POST",
        f"/sessions/{session(here.system)['sessionId']}/control",
        {"signal": "mode", "value": "acceptEdits", "ttlSeconds": 2},
    )
    done = wait_until(lambda: ended(here.system, sent.json()["commandId"]), LONG)
    assert done["state"] == "EXPIRED"
    assert not (here.home.project / "asked_first").exists()
    here.system.cli("answer", asked["permissionId"], "deny")
    wait_until(lambda: here.home.status() == "idle", LONG)
    here.shows("manual mode on")


def test_a_person_chooses_a_mode_in_the_chat(here: Desk) -> None:
    [said, *_] = here.messages("echo: hello there")
    here.system.delivered(said.message_id)
    here.system.webhook(message(90_001, "/mode", reply_to=said.message_id))
    [offered] = wait_until(lambda: [one for one in here.messages("can be put into") if one.buttons], LONG)

    here.system.telegram.press(offered, "📋 Plan", user_id=CHAT)

    here.shows("plan mode on")
    here.system.webhook(message(90_002, "/mode default", reply_to=said.message_id))
    here.shows("manual mode on")


def test_in_a_terminal_the_model_is_changed_and_what_it_says_is_told(here: Desk) -> None:
    done = signal(here.system, "model", "opus")
    refused = signal(here.system, "model", "no-such-model")

    assert (done["state"], done["detail"].startswith("Set model to Opus")) == ("DONE", True)
    assert refused["state"] == "FAILED"
    assert wait_until(lambda: session(here.system)["model"] == "opus", LONG)


def test_it_is_never_told_to_ask_nothing(here: Desk) -> None:
    sent = here.system.rest(
        "POST",
        f"/sessions/{session(here.system)['sessionId']}/control",
        {"signal": "mode", "value": "bypassPermissions"},
    )

    assert (sent.status_code, sent.json()["code"]) == (403, "MODE_NOT_ALLOWED")


def test_in_a_terminal_it_is_interrupted_compacted_and_cleared(here: Desk) -> None:
    assert signal(here.system, "interrupt")["detail"] == "nothing was running"
    here.type("%slow 30 a long story")
    here.shows("tokens)")  # it answers: while hooks still look at the prompt, Escape takes that back without a word
    assert signal(here.system, "interrupt")["state"] == "DONE"
    here.shows("Interrupted")
    before = here.home.records()[0]["sessionId"]
    assert signal(here.system, "clear")["state"] == "DONE"
    wait_until(lambda: here.home.records()[0]["sessionId"] != before, LONG)
    assert signal(here.system, "compact")["state"] == "DONE"


def test_without_a_terminal_mode_and_model_are_changed(headless: tuple[System, ClaudeHome]) -> None:
    system, home = headless
    assert session(system)["modes"] == ["default", "acceptEdits", "plan"]
    assert signal(system, "mode", "acceptEdits")["state"] == "DONE"
    assert signal(system, "model", "haiku")["state"] == "DONE"
    file = home.project / "notes"
    given = json.dumps({"file_path": str(file), "content": "x"})
    system.cli("send", session(system)["sessionId"], f"%tool Write {given}")

    wait_until(file.exists, LONG)
    assert system.rest("GET", "/permissions").json() == []
    assert session(system)["mode"] == "acceptEdits"


def test_without_a_terminal_what_was_chosen_holds_for_the_next_program(headless: tuple[System, ClaudeHome]) -> None:
    system, home = headless
    signal(system, "mode", "plan")
    system.kill("agent")
    wait_until(lambda: session(system)["connected"], LONG)
    system.cli("send", session(system)["sessionId"], "hello again")
    wait_until(lambda: home.records(), LONG)

    wait_until(lambda: session(system)["mode"] == "plan" and session(system)["state"] == "IDLE", LONG)


def test_without_a_terminal_it_is_never_told_to_ask_nothing(headless: tuple[System, ClaudeHome]) -> None:
    system, _ = headless
    path = f"/sessions/{session(system)['sessionId']}/control"

    sent = system.rest("POST", path, {"signal": "mode", "value": "bypassPermissions"})

    assert (sent.status_code, sent.json()["code"]) == (403, "MODE_NOT_ALLOWED")


def test_without_a_terminal_it_is_interrupted_and_cleared(headless: tuple[System, ClaudeHome]) -> None:
    system, _ = headless
    system.cli("send", session(system)["sessionId"], "%slow 30 a long story")
    wait_until(lambda: session(system)["state"] == "BUSY", LONG)
    assert signal(system, "interrupt")["state"] == "DONE"
    wait_until(lambda: session(system)["state"] == "IDLE", LONG)
    assert signal(system, "clear")["state"] == "DONE"
