"""Health, figures and the API's description."""

import grpc
import pytest
from agentlink.v1.control_pb2 import ROLE_CHAT, ROLE_VIEWER
from flask.testing import FlaskClient

from tests.integration.router.harness import API_KEY
from tests.rigs.adapter import SECRET_HEADER, WEBHOOK
from tests.rigs.faulty_router import NO_KEY, Fault, FaultyRouter

KEY = {"X-API-Key": API_KEY}


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

    text = http.get("/metrics", headers=KEY).get_data(as_text=True)

    assert 'pointsman_commands{state="QUEUED"} 1.0' in text
    assert "pointsman_commits_total " in text
    assert "pointsman_commit_p99_seconds 0.0" in text
    assert "pointsman_router_up 1.0" in text
    assert 'pointsman_updates_total{outcome="ignored",transport="telegram"} 1.0' in text


def test_figures_say_that_the_router_is_away(http: FlaskClient, router: FaultyRouter) -> None:
    http.get("/metrics", headers=KEY)
    router.stop()

    answer = http.get("/metrics", headers=KEY)

    assert answer.status_code == 200
    assert "pointsman_router_up 0.0" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("environ", "headers"),
    [
        ({}, {}),
        ({}, {"Host": "localhost:8080"}),
        ({"REMOTE_ADDR": "::1"}, {"Host": "[::1]:8080"}),
        ({"REMOTE_ADDR": "203.0.113.5"}, {}),
        ({}, {"X-Forwarded-For": "127.0.0.1"}),
    ],
    ids=["a proxy that says nothing", "localhost", "IPv6", "another machine", "a proxy that says what it likes"],
)
def test_figures_need_a_key_wherever_they_are_asked_from(
    http: FlaskClient, environ: dict[str, str], headers: dict[str, str]
) -> None:
    without = http.get("/metrics", environ_overrides=environ, headers=headers)
    with_key = http.get("/metrics", environ_overrides=environ, headers={**headers, **KEY})

    assert (without.status_code, with_key.status_code) == (401, 200)


def test_figures_need_a_key_that_may_read(http: FlaskClient, router: FaultyRouter) -> None:
    wrong, chat, viewer = "pmk_wrong", router.real.key(ROLE_CHAT), router.real.key(ROLE_VIEWER)

    told = [http.get("/metrics", headers={"X-API-Key": key}).status_code for key in (wrong, chat, viewer)]

    assert told == [401, 403, 200]


@pytest.mark.parametrize(
    ("shown", "status"),
    [(f"Bearer {API_KEY}", 200), (f"bearer {API_KEY}", 200), (f"Basic {API_KEY}", 401), ("Bearer pmk_wrong", 401)],
)
def test_a_key_may_come_as_a_bearer_token(http: FlaskClient, shown: str, status: int) -> None:
    """Prometheus knows no other header in the versions that are about."""
    assert http.get("/metrics", headers={"Authorization": shown}).status_code == status


def test_a_router_that_fails_does_not_take_the_figures_along(http: FlaskClient, router: FaultyRouter) -> None:
    http.get("/metrics", headers=KEY)
    router.door.faults["GetStats"] = Fault(grpc.StatusCode.INTERNAL, "")

    assert "pointsman_router_up 0.0" in http.get("/metrics", headers=KEY).get_data(as_text=True)
