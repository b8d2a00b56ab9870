"""REST, over the real router."""

import json
import re
from typing import Any

import grpc
import pytest
from agentlink.v1 import control_pb2 as pb
from flask.testing import FlaskClient

from tests.integration.router.harness import API_KEY
from tests.integration.webhook_adapter.http.conftest import CHATS
from tests.rigs.faulty_router import Fault, FaultyRouter

KEY = {"X-API-Key": API_KEY}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NOTICE = {"sessionId": "s1", "chatId": 99, "text": "done"}
PROTECTED = [
    ("GET", "/sessions"),
    ("POST", "/sessions/register"),
    ("POST", "/sessions/start"),
    ("POST", "/sessions/unregister"),
    ("POST", "/notifications/send"),
    ("POST", "/commands"),
    ("GET", "/commands"),
    ("GET", "/commands/command-1"),
    ("POST", "/cleanup"),
    ("GET", "/permissions"),
    ("GET", "/permissions/question-1"),
    ("POST", "/permissions/question-1"),
    ("POST", "/sessions/s1/control"),
]


@pytest.mark.parametrize(("method", "path"), PROTECTED)
@pytest.mark.parametrize("key", [None, "", "pmk_wrong", "schlüssel", "two words"])
def test_without_a_good_key_nothing_is_told(http: FlaskClient, method: str, path: str, key: str | None) -> None:
    headers = {} if key is None else {"X-API-Key": key}

    answer = http.open(path, method=method, headers=headers, data="{not json")

    assert answer.status_code == 401
    assert answer.get_json()["code"] == "UNAUTHENTICATED"


def test_a_key_whose_role_may_not_is_told_so(http: FlaskClient, router: FaultyRouter) -> None:
    answer = http.post("/cleanup", headers={"X-API-Key": router.real.key(pb.ROLE_VIEWER)})

    assert (answer.status_code, answer.get_json()["code"]) == (403, "PERMISSION_DENIED")


def test_a_key_that_may_not_even_look_hears_of_a_malformed_body(http: FlaskClient, router: FaultyRouter) -> None:
    answer = http.post("/commands", headers={"X-API-Key": router.real.key(pb.ROLE_CHAT)}, data="{")

    assert (answer.status_code, answer.get_json()["code"]) == (400, "INVALID_ARGUMENT")


def test_sessions_are_listed(http: FlaskClient) -> None:
    [session] = http.get("/sessions", headers=KEY).get_json()

    assert TIME.fullmatch(session.pop("createdAt"))
    assert TIME.fullmatch(session.pop("updatedAt"))
    assert {each["chatId"] for each in session.pop("home")} == set(CHATS)
    assert session == {
        "sessionId": "s1",
        "machineId": "devbox",
        "label": "api",
        "state": "UNKNOWN",
        "connected": False,
        "mode": "",
        "model": "",
        "modes": [],
        "controls": [],
        "limitedUntil": None,
    }


def test_a_session_is_registered_and_moved(http: FlaskClient, router: FaultyRouter) -> None:
    router.add_session("s3", "a")
    router.add_session("s4", "b")
    first = http.post("/sessions/register", headers=KEY, json={"sessionId": "s2", "machineId": "a", "label": "web"})
    again = http.post("/sessions/register", headers=KEY, json={"sessionId": "s2", "machineId": "b", "label": None})

    assert (first.status_code, first.get_json()) == (200, {"ok": True, "sessionId": "s2", "machineId": "a"})
    assert again.get_json() == {"ok": True, "sessionId": "s2", "machineId": "b"}
    sessions = {each["sessionId"]: each for each in http.get("/sessions", headers=KEY).get_json()}
    assert sessions["s2"]["machineId"] == "b"


def test_a_coding_agent_is_started_once(http: FlaskClient, router: FaultyRouter) -> None:
    router.add_session("s3", "a")
    wanted = {"prompt": "fix it", "machineId": "a", "agent": "gemini", "folder": "api/", "idempotencyKey": "once"}
    first, again = (http.post("/sessions/start", headers=KEY, json=wanted) for _ in range(2))
    refused = http.post("/sessions/start", headers=KEY, json={**wanted, "agent": "../x", "idempotencyKey": "two"})

    started = first.get_json()
    assert (first.status_code, started["state"], again.get_json()) == (202, "QUEUED", started)
    listed = {each["sessionId"]: each for each in http.get("/sessions", headers=KEY).get_json()}
    assert (listed[started["sessionId"]]["machineId"], listed[started["sessionId"]]["label"]) == ("a", "api")
    assert (refused.status_code, refused.get_json()["code"]) == (400, "INVALID_ARGUMENT")


def test_a_session_is_unregistered(http: FlaskClient) -> None:
    answer = http.post("/sessions/unregister", headers=KEY, json={"sessionId": "s1"})

    assert (answer.status_code, answer.get_json()) == (200, {"ok": True})
    assert http.get("/sessions", headers=KEY).get_json() == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/sessions/unregister", {"sessionId": "nobody"}),
        ("/notifications/send", {**NOTICE, "sessionId": "nobody"}),
        ("/commands", {"sessionId": "nobody", "text": "hello"}),
    ],
)
def test_an_unknown_session_is_404(http: FlaskClient, path: str, body: dict[str, Any]) -> None:
    answer = http.post(path, headers=KEY, json=body)

    assert (answer.status_code, answer.get_json()["code"]) == (404, "SESSION_UNKNOWN")


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("/sessions/register", {}, ["sessionId", "machineId"]),
        ("/sessions/register", {"machineId": "m"}, ["sessionId"]),
        ("/sessions/unregister", {"sessionId": ""}, ["sessionId"]),
        ("/notifications/send", {}, ["sessionId", "chatId", "text"]),
        ("/notifications/send", {"sessionId": "s1", "chatId": None, "text": ""}, ["chatId", "text"]),
        ("/commands", {}, ["sessionId", "text"]),
        ("/commands", {"sessionId": "s1"}, ["text"]),
        ("/sessions/register", {"sessionId": 5, "machineId": "m"}, ["sessionId"]),
        ("/sessions/register", {"sessionId": "s", "machineId": ["m"]}, ["machineId"]),
        ("/sessions/register", {"sessionId": "s", "machineId": "m", "label": 5}, ["label"]),
        ("/sessions/register", {"sessionId": "\ud83d", "machineId": "m"}, ["sessionId"]),
        ("/notifications/send", {**NOTICE, "chatId": 1.5}, ["chatId"]),
        ("/notifications/send", {**NOTICE, "chatId": True}, ["chatId"]),
        ("/notifications/send", {**NOTICE, "chatId": "the kitchen"}, ["chatId"]),
        ("/notifications/send", {**NOTICE, "text": {"a": 1}}, ["text"]),
        ("/notifications/send", {**NOTICE, "idempotencyKey": 5}, ["idempotencyKey"]),
        ("/notifications/send", {**NOTICE, "replyMarkup": 5}, ["replyMarkup"]),
        ("/notifications/send", {**NOTICE, "replyMarkup": "{"}, ["replyMarkup"]),
        ("/notifications/send", {**NOTICE, "replyMarkup": {"force_reply": True}}, ["replyMarkup"]),
        ("/notifications/send", {**NOTICE, "replyMarkup": {"inline_keyboard": [["x"]]}}, ["replyMarkup"]),
        ("/notifications/send", {**NOTICE, "replyMarkup": {"inline_keyboard": [[{}]]}}, ["replyMarkup"]),
        (
            "/notifications/send",
            {**NOTICE, "replyMarkup": {"inline_keyboard": [[{"text": "Open", "url": "https://x"}]]}},
            ["replyMarkup", "Open"],
        ),
        ("/commands", {"sessionId": "s1", "text": "x", "ttlSeconds": "60"}, ["ttlSeconds"]),
        ("/commands", {"sessionId": "s1", "text": "x", "ttlSeconds": True}, ["ttlSeconds"]),
        ("/commands", {"sessionId": "s1", "text": "x", "ttlSeconds": 0}, ["ttlSeconds"]),
        ("/commands", {"sessionId": "s1", "text": "x", "ttlSeconds": 1e300}, ["ttlSeconds"]),
        ("/commands", {"sessionId": "s1", "text": "x", "ttlSeconds": 10**400}, ["ttlSeconds"]),
        ("/commands", {"sessionId": "s1", "text": "x", "ttlSeconds": float("nan")}, ["ttlSeconds"]),
    ],
)
def test_what_is_missing_or_malformed_is_named(
    http: FlaskClient, router: FaultyRouter, path: str, body: dict[str, Any], named: list[str]
) -> None:
    answer = http.post(path, headers=KEY, data=json.dumps(body))

    assert (answer.status_code, answer.get_json()["code"]) == (400, "INVALID_ARGUMENT")
    assert [name for name in named if name not in answer.get_json()["error"]] == []
    assert {type(each) for each in router.door.requests} <= {pb.RegisterSessionRequest, pb.GetStatsRequest}


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("/commands", {"sessionId": 5, "text": "x"}, "sessionId must be a string, not a whole number"),
        (
            "/notifications/send",
            {**NOTICE, "replyMarkup": {"inline_keyboard": [[{"text": "Open"}]]}},
            'replyMarkup.inline_keyboard[0][0] is malformed: it lacks callback_data in {"text": "Open"}',
        ),
        ("/notifications/send", {**NOTICE, "replyMarkup": "[]"}, "replyMarkup must be an object, not a list"),
    ],
)
def test_an_error_says_where_and_what_to_send_instead(
    http: FlaskClient, path: str, body: dict[str, Any], told: str
) -> None:
    assert http.post(path, headers=KEY, json=body).get_json()["error"] == told


def test_fields_that_nobody_knows_are_passed_over(http: FlaskClient) -> None:
    assert http.post("/commands", headers=KEY, json={"sessionId": "s1", "text": "x", "mood": 1}).status_code == 202


def test_a_byte_order_mark_does_no_harm(http: FlaskClient) -> None:
    body = b'\xef\xbb\xbf{"sessionId": "s1", "text": "x"}'

    assert http.post("/commands", headers=KEY, data=body).status_code == 202


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"s1"', b"\xff\xfe", b"[" * 100_000, b"1" * 5000])
def test_a_body_that_is_no_json_object_is_400(http: FlaskClient, body: bytes) -> None:
    answer = http.post("/commands", headers=KEY, data=body)

    assert (answer.status_code, answer.get_json()["code"]) == (400, "INVALID_ARGUMENT")


def test_a_body_over_the_limit_is_413(http: FlaskClient) -> None:
    answer = http.post("/commands", headers=KEY, data=b"x" * (1024 * 1024 + 1))

    assert (answer.status_code, answer.get_json()["code"]) == (413, "REQUEST_ENTITY_TOO_LARGE")


def test_a_command_is_accepted(http: FlaskClient, router: FaultyRouter) -> None:
    body = {"sessionId": "s1", "text": "run the tests\n", "idempotencyKey": "k", "ttlSeconds": 1.5}

    answer = http.post("/commands", headers=KEY, json=body)

    assert answer.status_code == 202
    [asked] = router.door.asked(pb.SendCommandRequest)
    [kept] = http.get("/commands", headers=KEY).get_json()
    assert answer.get_json() == {"ok": True, "commandId": kept["commandId"], "state": "QUEUED"}
    assert (asked.action.input.text, asked.action.input.submit) == ("run the tests\n", True)
    assert (asked.request_id, asked.origin.source) == ("k", "rest")
    assert (asked.ttl.seconds, asked.ttl.nanos) == (1, 500_000_000)


def test_a_command_without_a_limit_gets_none(http: FlaskClient, router: FaultyRouter) -> None:
    http.post("/commands", headers=KEY, json={"sessionId": "s1", "text": "x"})

    [asked] = router.door.asked(pb.SendCommandRequest)
    assert not asked.HasField("ttl")


def test_a_command_tells_its_state_and_history(http: FlaskClient) -> None:
    sent = http.post("/commands", headers=KEY, json={"sessionId": "s1", "text": "x"}).get_json()

    answer = http.get(f"/commands/{sent['commandId']}", headers=KEY)

    command = answer.get_json()
    assert answer.status_code == 200
    assert (command["commandId"], command["state"], command["text"]) == (sent["commandId"], "QUEUED", "x")
    assert TIME.fullmatch(command["createdAt"])
    assert command["endedAt"] is None
    [step] = command["history"]
    assert (step["at"], step["event"], step["from"], step["to"]) == (command["createdAt"], "Accepted", "", "QUEUED")


def test_an_unknown_command_is_404(http: FlaskClient) -> None:
    assert http.get("/commands/command-9", headers=KEY).status_code == 404


def test_commands_are_listed_by_state(http: FlaskClient, router: FaultyRouter) -> None:
    first, second = (
        http.post("/commands", headers=KEY, json={"sessionId": "s1", "text": "x"}).get_json()["commandId"]
        for _ in range(2)
    )

    queued = http.get(f"/commands?state=queued,SENT&limit=5&sessionId=s1&before={second}", headers=KEY)
    done = http.get("/commands?state=DONE", headers=KEY)

    assert [each["commandId"] for each in queued.get_json()] == [first]
    assert done.get_json() == []
    asked, _ = router.door.asked(pb.ListCommandsRequest)
    assert (asked.limit, asked.session_id, asked.before_command_id) == (5, "s1", second)


@pytest.mark.parametrize("query", ["state=LOST", "limit=0", "limit=1001", "limit=many", "state=UNKNOWN"])
def test_a_malformed_query_is_400(http: FlaskClient, query: str) -> None:
    answer = http.get(f"/commands?{query}", headers=KEY)

    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.get_json()["error"]


def test_cleanup_tells_what_it_removed(http: FlaskClient, router: FaultyRouter) -> None:
    removed = pb.CleanupResponse(commands=1, notifications=2, messages=3, updates=4, sessions=5, steps=6)
    router.door.changes["Cleanup"] = lambda answer: answer.CopyFrom(removed)

    assert http.post("/cleanup", headers=KEY).get_json() == {
        "ok": True,
        "commands": 1,
        "notifications": 2,
        "messages": 3,
        "updates": 4,
        "sessions": 5,
        "steps": 6,
    }


def test_what_the_router_refuses_keeps_its_words_and_its_delay(http: FlaskClient, router: FaultyRouter) -> None:
    router.door.faults["SendCommand"] = Fault(
        grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL", "1,000 commands wait for this session", 30
    )

    answer = http.post("/commands", headers=KEY, json={"sessionId": "s1", "text": "x"})

    assert answer.status_code == 429
    assert answer.get_json() == {"error": "1,000 commands wait for this session", "code": "QUEUE_FULL"}
    assert answer.headers["Retry-After"] == "30"


def test_a_router_that_is_away_is_503(http: FlaskClient, router: FaultyRouter) -> None:
    router.stop()

    answer = http.get("/sessions", headers=KEY)

    assert (answer.status_code, answer.get_json()["code"]) == (503, "UNAVAILABLE")
    assert "127.0.0.1" not in answer.get_data(as_text=True)
    assert answer.headers["Retry-After"] == "2"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "NOT_FOUND"),
        ("DELETE", "/sessions", 405, "METHOD_NOT_ALLOWED"),
        ("OPTIONS", "/sessions/register", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/cleanup", 405, "METHOD_NOT_ALLOWED"),
    ],
)
def test_unknown_paths_and_methods_are_told_in_json(
    http: FlaskClient, method: str, path: str, status: int, code: str
) -> None:
    answer = http.open(path, method=method)

    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert answer.get_json()["error"]


@pytest.mark.parametrize("path", ["/health", "/nowhere", "/sessions"])
def test_every_answer_names_its_request(http: FlaskClient, path: str) -> None:
    assert len(http.get(path).headers["X-Request-ID"]) == 32


@pytest.mark.parametrize(
    ("given", "kept"), [("trace-1.a_b", True), ("two words", False), ("x" * 65, False), ("", False)]
)
def test_a_sane_request_id_is_kept(http: FlaskClient, given: str, kept: bool) -> None:
    assert (http.get("/health", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given) == kept
