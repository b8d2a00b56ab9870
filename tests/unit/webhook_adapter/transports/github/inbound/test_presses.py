"""What is pressed on the Checks tab: answers of those who may write, and nothing else."""

from typing import Any

import pytest

from tests.unit.webhook_adapter.transports.github.inbound.test_intake import World, said
from webhook_adapter.transports.github.inbound.delivery import Ignored, Press, read
from webhook_adapter.transports.github.inbound.intake import AGAIN
from webhook_adapter.transports.lifecycle import Outcome

RUN: dict[str, Any] = {
    "id": 31,
    "external_id": "tok16characters_|5/3",
    "completed_at": "2026-11-20T10:00:00Z",
    "app": {"id": 1, "slug": "pointsman"},
    "output": {"text": '<!-- pm-check {"options": ["allow", "always-for-this-folder-and-below"]} -->'},
}


def a_press(identifier: str = "allow", **changes: Any) -> dict[str, Any]:
    return {
        "action": "requested_action",
        "requested_action": {"identifier": identifier},
        "check_run": RUN,
        "sender": {"id": 7, "login": "ada", "type": "User"},
        "repository": {"id": 5, "full_name": "acme/api", "private": True},
        "installation": {"id": 9},
    } | changes


def test_a_press_is_an_answer_to_the_question_of_its_check() -> None:
    world = World()
    outcome = world.intake.receive("check_run", a_press()).outcome

    [one] = world.submitted
    assert (outcome, one.button, one.text) == (Outcome.STORED, "cmd:tok16characters_:allow", "")
    assert (one.chat.chat_id, one.chat.message_id, one.space, one.user_id) == ("5/3", "cr31", "5", "7")
    assert one.update_key == "github:1:cr31:tok16characters_:allow"


def test_a_long_answer_is_found_by_its_number() -> None:
    world = World()
    world.intake.receive("check_run", a_press("#2"))

    assert world.submitted[0].button == "cmd:tok16characters_:always-for-this-folder-and-below"


def test_re_run_lets_it_be_done_again_once_for_each_time_it_was_done() -> None:
    world = World()
    for ended in ("2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z", "2026-11-21T10:00:00Z"):
        world.intake.receive("check_run", a_press(action="rerequested", check_run=RUN | {"completed_at": ended}))

    assert [each.text for each in world.submitted] == [AGAIN] * 3
    assert len({each.update_key for each in world.submitted}) == 2
    assert {each.button for each in world.submitted} == {None}


@pytest.mark.parametrize("permission", ["read", "none", "triage"])
def test_whoever_may_not_write_answers_nothing(permission: str) -> None:
    world = World(permission)

    assert world.intake.receive("check_run", a_press()).outcome is Outcome.DENIED
    assert world.submitted == []


def test_a_program_presses_nothing() -> None:
    world = World()
    bot = {"id": 8, "login": "deps[bot]", "type": "Bot"}

    assert world.intake.receive("check_run", a_press(sender=bot)).outcome is Outcome.DENIED
    assert world.submitted == []


@pytest.mark.parametrize(
    "changes",
    [
        {"action": "completed"},
        {"action": "created"},
        {"check_run": RUN | {"app": {"id": 2}}},  # of somebody else's App, which may write anything there
        {"check_run": RUN | {"external_id": "tok16characters_|6/3"}},  # a chat of another repository
        {"check_run": RUN | {"external_id": "tok16characters_|5/3/../6"}},
        {"check_run": RUN | {"external_id": "5/3"}},
        {"check_run": RUN | {"external_id": "|5/3"}},
        {"requested_action": {"identifier": "#3"}},
        {"requested_action": None},
        {"sender": None},
        {"check_run": None},
    ],
)
def test_what_is_no_press_on_a_check_of_ours_is_ignored(changes: dict[str, Any]) -> None:
    assert isinstance(read("1", "check_run", a_press(**changes)), Ignored)


def test_it_is_read() -> None:
    found = read("1", "check_run", a_press())

    assert isinstance(found, Press)
    assert (found.chat_id, found.message_id, found.sender.user_id) == ("5/3", "cr31", 7)


def test_a_number_is_the_choice_that_it_names() -> None:
    world = World()
    world.intake._choice = lambda _chat_id, words, *_: ("ic4", "cmd:T:stop") if words == "2" else None
    world.takes(**said("@pointsman 2"))
    world.takes(**said("@pointsman 3", 12))

    assert [(each.button, each.text, each.chat.message_id) for each in world.submitted] == [
        ("cmd:T:stop", "", "ic4"),
        (None, "3", "ic12"),
    ]
