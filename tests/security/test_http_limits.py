"""Over HTTP nobody guesses or calls without a limit, and nobody's limit shuts another one out."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1.control_pb2 import ROLE_VIEWER
from flask import Flask
from flask.testing import FlaskClient

from tests.integration.router.harness import API_KEY, config, serving
from tests.rigs.adapter import environment
from tests.rigs.faulty_router import FaultyRouter
from webhook_adapter.config import AdapterConfig
from webhook_adapter.http.app import create_app
from webhook_adapter.router.client import RouterClient

PROXY = {"REMOTE_ADDR": "127.0.0.1"}


@pytest.fixture
def router(data_dir: Path) -> Iterator[FaultyRouter]:
    with FaultyRouter(data_dir) as router:
        yield router


@pytest.fixture
def app(router: FaultyRouter) -> Iterator[Flask]:
    yield from adapter(router.address)


def adapter(router: str, **settings: str) -> Iterator[Flask]:
    read = AdapterConfig.from_environ(environment(router, **settings))
    client = RouterClient(read)
    yield create_app(read, client)
    client.close()


def ask(http: FlaskClient, key: str, forwarded: str = "") -> int:
    headers = {"X-API-Key": key, "X-Forwarded-For": forwarded}
    return http.get("/sessions", headers=headers, environ_base=PROXY).status_code


def guess(http: FlaskClient, times: int = 100, forwarded: str = "") -> set[int]:
    return {ask(http, f"pmk_{number:043}", forwarded) for number in range(times)}


def times_asked(router: FaultyRouter) -> int:
    return len(router.door.asked(pb.ListSessionsRequest))


def test_who_tries_wrong_keys_is_told_to_come_later_and_the_router_is_not_asked(
    app: Flask, router: FaultyRouter
) -> None:
    http = app.test_client()

    assert guess(http) == {401, 429}
    assert times_asked(router) < 100
    answer = http.get("/sessions", headers={"X-API-Key": "pmk_" + "w" * 43})
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.get_json()["code"] == "TOO_MANY_WRONG_KEYS"


def test_a_key_that_was_good_before_stays_so_whoever_tries_others_beside_it(app: Flask) -> None:
    http = app.test_client()
    ask(http, API_KEY)

    guess(http)

    assert ask(http, API_KEY) == 200


def test_a_claimed_address_is_nobody_else(app: Flask, router: FaultyRouter) -> None:
    http = app.test_client()
    for number in range(100):
        guess(http, 1, f"203.0.113.{number}")

    asked = times_asked(router)
    assert asked < 100
    assert ask(http, API_KEY, "203.0.113.200") == 429
    assert times_asked(router) == asked


def test_behind_a_trusted_proxy_a_visitor_does_not_shut_out_another(router: FaultyRouter) -> None:
    for app in adapter(router.address, POINTSMAN_TRUSTED_PROXIES="127.0.0.0/8"):
        http = app.test_client()
        guess(http, forwarded="203.0.113.5")

        assert ask(http, API_KEY, "203.0.113.5") == 429
        assert ask(http, API_KEY, "203.0.113.6") == 200


def test_a_key_may_call_so_often_and_others_beside_it(router: FaultyRouter) -> None:
    viewer = router.real.key(ROLE_VIEWER)
    for app in adapter(router.address, POINTSMAN_HTTP_RATE="1"):
        http = app.test_client()

        told = [ask(http, API_KEY) for _ in range(6)]

        assert (told[:4], told[-1]) == ([200] * 4, 429)
        assert ask(http, viewer) == 200


def test_a_key_that_was_revoked_is_no_longer_known(app: Flask, router: FaultyRouter) -> None:
    http, control = app.test_client(), router.real.control
    made = control.CreateApiKey(pb.CreateApiKeyRequest(role=ROLE_VIEWER, label="script"))
    assert ask(http, made.secret) == 200
    guess(http)
    control.RevokeApiKey(pb.RevokeApiKeyRequest(key_id=made.key.key_id))
    before = times_asked(router)

    assert {ask(http, made.secret) for _ in range(3)} == {429}
    assert times_asked(router) == before + 1


def test_figures_of_a_router_that_is_away_are_for_keys_that_it_knew(tmp_path: Path) -> None:
    with serving(config(tmp_path)) as short:
        apps = adapter(short.address)
        http = next(apps).test_client()
        known = {"X-API-Key": short.key(ROLE_VIEWER)}
        assert http.get("/metrics", headers=known).status_code == 200

    assert "pointsman_router_up 0.0" in http.get("/metrics", headers=known).text
    assert http.get("/metrics", headers={"X-API-Key": "pmk_" + "w" * 43}).status_code == 503
    next(apps, None)
