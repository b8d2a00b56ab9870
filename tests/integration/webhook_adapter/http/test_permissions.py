"""Permission questions over HTTP: listed, shown whole, answered, also with another input and as a form."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agentlink.v1 import types_pb2 as types
from flask.testing import FlaskClient

from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.integration.router.permissions.asking import ask, decision
from tests.integration.webhook_adapter.http.test_openapi import check
from tests.rigs.thin_agent import ThinAgent, ThinLink

KEY = {"X-API-Key": API_KEY}
PUSH = '{"command": "git push"}'
DETAILS = types.PermissionDetails(title="git push", input_json=PUSH, editable=True, mode="default")
FORM = types.PermissionDetails(
    form=[
        types.FormQuestion(
            text="Which?", multi_select=True, options=[types.FormOption(option_id="option-1", label="Red")]
        )
    ]
)
WORDS = [types.PermissionOption(option_id="text", verdict=types.VERDICT_ANSWER, takes_text=True)]


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


@pytest.fixture
def machine(router: RouterUnderTest) -> ThinAgent:
    return router.machine()


@pytest.fixture
def link(machine: ThinAgent) -> Iterator[ThinLink]:
    with machine.connected() as link:
        yield link


@pytest.fixture
def session(router: RouterUnderTest, machine: ThinAgent) -> str:
    return router.session(machine, "api")


def answer(http: FlaskClient, question: str, **given: Any) -> Any:
    return http.post(f"/permissions/{question}", headers=KEY, json={"inputDigest": "d1"} | given)


def test_a_question_is_listed_and_shown_with_all_that_it_is_about(
    http: FlaskClient, link: ThinLink, session: str
) -> None:
    asked = ask(link, session, details=DETAILS)

    [listed] = http.get(f"/permissions?sessionId={session}", headers=KEY).json
    shown = http.get(f"/permissions/{asked}", headers=KEY).json

    assert listed == shown
    assert (shown["permissionId"], shown["kind"], shown["state"]) == (asked, "TOOL", "OPEN")
    assert (shown["details"]["inputJson"], shown["details"]["editable"]) == (PUSH, True)
    assert shown["options"][0] == {
        "optionId": "allow", "label": "", "verdict": "ALLOW", "takesText": False, "meaning": "",
    }  # fmt: skip
    document = http.get("/openapi.json").json
    check(document, shown, document["paths"]["/permissions/{permissionId}"]["get"]["responses"]["200"])
    check(document, [listed], document["paths"]["/permissions"]["get"]["responses"]["200"])


def test_it_is_allowed_with_another_input(http: FlaskClient, link: ThinLink, session: str) -> None:
    asked = ask(link, session, details=DETAILS)

    done = answer(http, asked, option="allow", input={"command": "git push --dry-run"})

    assert (done.status_code, done.json["state"]) == (200, "ALLOWED")
    assert done.json["updatedInput"] == decision(link).updated_input == '{"command": "git push --dry-run"}'
    assert http.get("/permissions", headers=KEY).json == []
    [over] = http.get("/permissions?closed=true", headers=KEY).json
    assert (over["details"]["title"], over["details"]["inputJson"]) == ("git push", "")


def test_a_form_is_answered_whole(http: FlaskClient, link: ThinLink, session: str) -> None:
    asked = ask(link, session, kind=types.PERMISSION_KIND_QUESTION, options=WORDS, details=FORM)

    done = answer(http, asked, answers=[{"optionIds": ["option-1"], "text": "and blue"}])

    assert (done.json["state"], done.json["text"]) == ("ANSWERED", "Red, and blue")
    assert list(decision(link).answers) == [types.FormAnswer(option_ids=["option-1"], text="and blue")]


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({"option": "allow", "inputDigest": "d2"}, 409, "INPUT_CHANGED"),
        ({"option": "maybe"}, 400, "INVALID_ARGUMENT"),
        ({"option": "allow", "input": ["no object"]}, 400, "INVALID_ARGUMENT"),
        ({"option": "allow", "input": {"a": "x" * 20_000}}, 413, "TOO_LARGE"),
        ({"answers": [{"optionIds": ["option-1"]}]}, 400, "INVALID_ARGUMENT"),
        ({"answers": "all"}, 400, "INVALID_ARGUMENT"),
    ],
)
def test_what_does_not_fit_is_refused(
    http: FlaskClient, link: ThinLink, session: str, given: dict[str, Any], status: int, code: str
) -> None:
    refused = answer(http, ask(link, session, details=DETAILS), **given)

    assert (refused.status_code, refused.json["code"]) == (status, code)


def test_a_question_that_takes_no_other_input_says_so(http: FlaskClient, link: ThinLink, session: str) -> None:
    refused = answer(http, ask(link, session), option="allow", input={})

    assert (refused.status_code, refused.json["code"]) == (409, "INPUT_NOT_EDITABLE")


def test_the_first_answer_counts_and_a_repeat_gets_it_again(http: FlaskClient, link: ThinLink, session: str) -> None:
    asked = ask(link, session)

    first = answer(http, asked, option="deny", text="no", idempotencyKey="k1")
    again = answer(http, asked, option="deny", text="no", idempotencyKey="k1")
    late = answer(http, asked, option="allow")

    assert first.json == again.json
    assert (late.status_code, late.json["code"]) == (409, "QUESTION_OVER")


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_question_that_is_not_there_is_not_found(http: FlaskClient, method: str) -> None:
    done = http.open("/permissions/none", method=method.upper(), headers=KEY, json={"inputDigest": "d"})

    assert (done.status_code, done.json["code"]) == (404, "NOT_FOUND")
