"""The description of the API, against the API."""

from typing import Any

import pytest
from agentlink.v1 import types_pb2
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from tests.integration.router.harness import API_KEY
from tests.rigs.adapter import PATH_SECRET
from tests.rigs.faulty_router import FaultyRouter

KEY = {"X-API-Key": API_KEY}


@pytest.fixture
def document(http: FlaskClient) -> Any:
    return http.get("/openapi.json").get_json()


def routes(app: Flask) -> set[tuple[str, str]]:
    """Method and path of all that is not the console's."""
    names = {
        "path_secret": "pathSecret",
        "command_id": "commandId",
        "session_id": "sessionId",
        "permission_id": "permissionId",
        "deferred_id": "deferredId",
        "rule_id": "ruleId",
        "consent_id": "consentId",
        "number": "number",
    }
    return {
        (method, rule.rule.translate(str.maketrans("<>", "{}")).format(**{a: f"{{{b}}}" for a, b in names.items()}))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not rule.endpoint.startswith("console.")
    }


def deliver(sent: types_pb2.Notification) -> None:
    sent.state = types_pb2.NOTIFICATION_STATE_DELIVERED
    sent.message_ids[:] = ["41"]


def refuse(sent: types_pb2.Notification) -> None:
    sent.state = types_pb2.NOTIFICATION_STATE_REFUSED


def test_it_is_a_sound_document(document: Any) -> None:
    validate(document)


def test_it_describes_every_endpoint_and_no_other(http: FlaskClient, document: Any) -> None:
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}

    assert described == routes(http.application)


def test_it_holds_no_secret(http: FlaskClient) -> None:
    assert PATH_SECRET not in http.get("/openapi.json").text


@pytest.mark.parametrize(
    "path", ["/sessions/register", "/sessions/start", "/sessions/unregister", "/notifications/send", "/commands"]
)
def test_what_it_requires_is_what_an_empty_body_lacks(http: FlaskClient, document: Any, path: str) -> None:
    taken = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    required = document["components"]["schemas"][taken.rpartition("/")[2]]["required"]

    refused = http.post(path, headers=KEY, json={})

    assert (refused.status_code, refused.get_json()["error"].partition("missing: ")[2]) == (400, ", ".join(required))


@pytest.mark.parametrize(
    ("method", "path", "body", "described"),
    [
        ("get", "/health/live", None, "/health/live"),
        ("get", "/health/ready", None, "/health/ready"),
        ("get", "/sessions", None, "/sessions"),
        ("post", "/sessions/register", {"sessionId": "a", "machineId": "b"}, "/sessions/register"),
        ("post", "/sessions/register", {}, "/sessions/register"),
        ("post", "/sessions/start", {"prompt": "x", "agent": "../x"}, "/sessions/start"),
        ("post", "/sessions/unregister", {"sessionId": "s1"}, "/sessions/unregister"),
        ("post", "/sessions/unregister", {"sessionId": "nobody"}, "/sessions/unregister"),
        ("post", "/notifications/send", {"sessionId": "s1", "chatId": 99, "text": "x"}, "/notifications/send"),
        ("post", "/commands", {"sessionId": "s1", "text": "x"}, "/commands"),
        ("get", "/commands", None, "/commands"),
        ("get", "/commands/{sent}", None, "/commands/{commandId}"),
        ("get", "/commands/nothing", None, "/commands/{commandId}"),
        ("post", "/cleanup", None, "/cleanup"),
    ],
)
def test_answers_are_as_described(
    http: FlaskClient, document: Any, method: str, path: str, body: object, described: str
) -> None:
    sent = http.post("/commands", headers=KEY, json={"sessionId": "s1", "text": "x"}).get_json()["commandId"]

    answer = http.open(path.replace("{sent}", sent), method=method.upper(), headers=KEY, json=body)

    check(document, answer.get_json(), document["paths"][described][method]["responses"][str(answer.status_code)])


@pytest.mark.parametrize(("fate", "status"), [(deliver, 200), (refuse, 502)])
def test_what_became_of_a_notification_is_as_described(
    http: FlaskClient, router: FaultyRouter, document: Any, fate: Any, status: int
) -> None:
    router.door.changes["GetNotification"] = lambda answer: fate(answer.notification)

    answer = http.post("/notifications/send", headers=KEY, json={"sessionId": "s1", "chatId": 99, "text": "x"})

    assert answer.status_code == status
    responses = document["paths"]["/notifications/send"]["post"]["responses"]
    check(document, answer.get_json(), responses[str(status)])


def check(document: Any, said: object, response: Any) -> None:
    """Raise when `said` is not what the response of the document describes."""
    found = response
    if "$ref" in response:
        found = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
    schema = found["content"]["application/json"]["schema"]
    Draft202012Validator({**schema, "components": document["components"]}).validate(said)
