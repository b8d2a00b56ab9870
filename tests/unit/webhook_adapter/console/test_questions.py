"""What the page gets of questions, and what becomes of its answers."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from pointsman.client.permission_records import (
    FormAnswer,
    FormOption,
    FormQuestion,
    Permission,
    PermissionDetails,
    PermissionOption,
)
from pointsman.client.records import Chat
from tests.rigs.console_router import FakeRouter, a_session
from webhook_adapter.console.api import ACTOR
from webhook_adapter.model import PermissionAnswer, Submission

Post = Callable[..., TestResponse]
KEY = "6f1c2b9e-0000-4000-8000-000000000001"
ASKED_AT = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
ALWAYS = PermissionOption("always", "✅ Always: Bash(…", "ALLOW_ALWAYS", meaning="Bash(touch *) in this project")
FORM = FormQuestion("Which colour?", "Colour", True, (FormOption("option-1", "Red", "warm"),))
DETAILS = PermissionDetails(
    "touch z", '{"command": "touch z"}', False, "", True, "", "default", "permission prompt", (FORM,)
)


def question(permission_id: str, session_id: str = "s-1") -> Permission:
    return Permission(
        permission_id, session_id, "devbox", "TOOL", "Bash", "touch z", "d1", (ALWAYS,), "OPEN", "", "", "", "", "",
        ASKED_AT, ASKED_AT, None, DETAILS,
    )  # fmt: skip


def test_the_page_gets_a_question_with_all_that_it_is_about(client: FlaskClient, router: FakeRouter) -> None:
    router.own.asked += [question("q-1"), question("q-2"), question("q-3", "s-2")]

    answer: Any = client.get("/console/api/questions?session=s-1").json

    assert [each["permission_id"] for each in answer["questions"]] == ["q-1", "q-2"]
    [first, _] = answer["questions"]
    assert (first["kind"], first["state"], first["created_at"]) == ("tool", "open", ASKED_AT.timestamp())
    assert (first["input_json"], first["editable"], first["mode"]) == ('{"command": "touch z"}', True, "default")
    assert first["options"] == [
        {
            "option_id": "always", "label": "✅ Always: Bash(…", "verdict": "allow_always", "takes_text": False,
            "meaning": "Bash(touch *) in this project",
        }
    ]  # fmt: skip
    assert first["form"] == [
        {
            "text": "Which colour?", "header": "Colour", "multi_select": True,
            "options": [{"option_id": "option-1", "label": "Red", "description": "warm"}],
        }
    ]  # fmt: skip
    assert "details" not in first


def test_a_message_names_the_question_that_it_shows(client: FlaskClient, router: FakeRouter) -> None:
    router.own.say("s-1", "May it?", permission_id="q-1")

    [item] = client.get("/console/api/chat?session=s-1").json["items"]  # type: ignore[index]

    assert (item["is_question"], item["permission_id"]) == (True, "q-1")


@pytest.mark.parametrize(
    ("sent", "given"),
    [
        ({"option": "allow", "input": "{}"}, PermissionAnswer("d1", "allow", updated_input="{}")),
        ({"option": "deny", "text": "no"}, PermissionAnswer("d1", "deny", "no")),
        (
            {"answers": [{"option_ids": ["option-1"]}, {"text": "mine"}]},
            PermissionAnswer("d1", answers=(FormAnswer(("option-1",)), FormAnswer((), "mine"))),
        ),
    ],
)
def test_an_answer_is_handed_in_for_the_question_as_it_was_seen(
    post: Post, router: FakeRouter, sent: dict[str, Any], given: PermissionAnswer
) -> None:
    router.own.say("s-1", "May it?", permission_id="q-1")

    answer = post("answer", message_id="note-1", input_digest="d1", **sent)

    assert answer.status_code == 200
    [browser] = router.open_browsers
    place = Chat("web", "console", message_id=KEY)
    assert router.submissions == [
        Submission(f"web:{KEY}", place, ACTOR, reply_to_message_id="note-1", login_id=browser, answer=given)
    ]


def test_an_answer_names_what_was_seen(post: Post, router: FakeRouter) -> None:
    answer = post("answer", message_id="note-1", option="allow")

    assert answer.status_code == 400
    assert "input_digest" in answer.json["error"]  # type: ignore[index]
    assert router.submissions == []


def test_a_signal_is_handed_in_for_its_session(post: Post, router: FakeRouter) -> None:
    answer = post("control", session="s-1", signal="mode", value="plan")

    assert answer.status_code == 200
    [browser] = router.open_browsers
    place = Chat("web", "console", message_id=KEY)
    assert router.submissions == [
        Submission(f"web:{KEY}", place, ACTOR, session_id="s-1", login_id=browser, control=("mode", "plan"))
    ]


def test_a_signal_that_there_is_not_is_refused(post: Post, router: FakeRouter) -> None:
    assert post("control", session="s-1", signal="sing").status_code == 400
    assert router.submissions == []


def test_the_page_gets_how_the_program_of_a_session_works(client: FlaskClient, router: FakeRouter) -> None:
    works = {"mode": "plan", "model": "opus", "modes": ("default", "plan"), "controls": ("CLEAR",)}
    router.own.add_session(a_session("s-9", **works))

    told: Any = client.get("/console/api/overview").json

    [session] = [each for each in told["sessions"] if each["session_id"] == "s-9"]
    assert {name: session[name] for name in works} == {**works, "modes": ["default", "plan"], "controls": ["clear"]}
