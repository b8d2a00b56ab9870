"""Health, figures and the API's description."""

import grpc
import pytest
from agentlink.v1.control_pb2 import ROLE_CHAT
from flask.testing import FlaskClient

from tests.integration.router.harness import API_KEY
from tests.rigs.adapter import SECRET_HEADER, WEBHOOK
from tests.rigs.faulty_router import NO_KEY, Fault, FaultyRouter

ELSEWHERE = {"REMOTE_ADDR": "203.0.113.5"}


def test_health_is_plain(http: FlaskClient) -> None:
    answer = http.get("/health")

    assert (answer.status_code, answer.data, answer.mimetype) == (200, b"ok", "text/plain")


def test_live_asks_nobody(http: FlaskClient, router: FaultyRouter) -> None:
    router.stop()

    assert http.get("/health/live").get_json() == {"ok": True}


def test_ready_when_the_router_can_store(http: FlaskClient) -> None:
    assert http.get("/health/ready").status_code == 200


def test_not_ready_without_the_router(http: FlaskClient, router: FaultyRouter) -> None:
    router.stop()

    answer = http.get("/health/ready")

    assert (answer.status_code, answer.get_json()["code"]) == (503, "UNAVAILABLE")
    assert answer.headers["Retry-After"] == "2"


def test_not_ready_while_the_database_cannot_be_written(http: FlaskClient, router: FaultyRouter) -> None:
    router.door.changes["GetStats"] = lambda answer: setattr(answer, "writable", False)

    answer = http.get("/health/ready")

    assert (answer.status_code, answer.get_json()["code"]) == (503, "STORAGE_UNAVAILABLE")


def test_not_ready_with_a_key_that_the_router_does_not_know(http: FlaskClient, router: FaultyRouter) -> None:
    router.door.faults["GetStats"] = NO_KEY

    answer = http.get("/health/ready")

    assert (answer.status_code, answer.get_json()["code"]) == (503, "UNAUTHENTICATED")


def test_figures_of_the_router_and_our_own(http: FlaskClient) -> None:
    http.post("/commands", headers={"X-API-Key": API_KEY}, json={"sessionId": "s1", "text": "x"})
    http.post(WEBHOOK, headers=SECRET_HEADER, json={"update_id": 1, "edited_message": {}})

    text = http.get("/metrics").get_data(as_text=True)

    assert 'pointsman_commands{state="QUEUED"} 1.0' in text
    assert "pointsman_commits_total " in text
    assert "pointsman_commit_p99_seconds 0.0" in text
    assert "pointsman_router_up 1.0" in text
    assert 'pointsman_updates_total{outcome="ignored",transport="telegram"} 1.0' in text


def test_figures_say_that_the_router_is_away(http: FlaskClient, router: FaultyRouter) -> None:
    router.stop()

    answer = http.get("/metrics")

    assert answer.status_code == 200
    assert "pointsman_router_up 0.0" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("environ", "headers"),
    [
        (ELSEWHERE, {}),
        ({}, {"X-Forwarded-For": "203.0.113.5"}),
        ({}, {"CF-Connecting-IP": "203.0.113.5"}),
        ({}, {"Host": "bots.example.org"}),
        ({"REMOTE_ADDR": ""}, {}),
    ],
    ids=["another machine", "proxy", "tunnel", "public name", "unknown peer"],
)
def test_figures_for_others_need_a_key(http: FlaskClient, environ: dict[str, str], headers: dict[str, str]) -> None:
    without = http.get("/metrics", environ_overrides=environ, headers=headers)
    with_key = http.get("/metrics", environ_overrides=environ, headers={**headers, "X-API-Key": API_KEY})

    assert (without.status_code, with_key.status_code) == (401, 200)


def test_figures_need_a_key_that_may_read(http: FlaskClient, router: FaultyRouter) -> None:
    wrong, chat = ({"X-API-Key": key} for key in ("pmk_wrong", router.real.key(ROLE_CHAT)))

    assert http.get("/metrics", environ_overrides=ELSEWHERE, headers=wrong).status_code == 401
    assert http.get("/metrics", environ_overrides=ELSEWHERE, headers=chat).status_code == 403


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:8080", "[::1]"])
def test_figures_for_this_machine_need_no_key(http: FlaskClient, host: str) -> None:
    assert http.get("/metrics", headers={"Host": host}).status_code == 200


def test_a_router_that_fails_does_not_take_the_figures_along(http: FlaskClient, router: FaultyRouter) -> None:
    router.door.faults["GetStats"] = Fault(grpc.StatusCode.INTERNAL, "")

    assert "pointsman_router_up 0.0" in http.get("/metrics").get_data(as_text=True)
