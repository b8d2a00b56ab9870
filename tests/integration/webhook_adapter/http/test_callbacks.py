"""Reports from outside over HTTP: by the token alone, and by nobody who guesses."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agentlink.v1 import control_pb2 as pb
from flask.testing import FlaskClient

from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.rigs.adapter import environment
from tests.rigs.callbacks import callback
from webhook_adapter.config import AdapterConfig
from webhook_adapter.http.app import create_app
from webhook_adapter.router.client import RouterClient

DONE = {"outcome": "failed", "text": "3 fail"}
GUESSED = "pmc_" + "w" * 43
AFAR = {"REMOTE_ADDR": "203.0.113.9"}


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


@pytest.fixture
def http(router: RouterUnderTest) -> Iterator[FlaskClient]:
    settings = AdapterConfig.from_environ(environment(router.address))
    client = RouterClient(settings)
    yield create_app(settings, client).test_client()
    client.close()


def post(http: FlaskClient, token: str, body: object = DONE, path: str = "/callbacks") -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    told = http.post(path, json=body, headers=headers, environ_base=AFAR)
    return told.status_code, told.json.get("code", told.json)


def typed(router: RouterUnderTest) -> list[str]:
    found = router.control.ListCommands(pb.ListCommandsRequest()).commands
    return [each.action.input.text.partition("\n")[2] for each in found]


def test_a_report_comes_once_and_the_same_again_is_answered(router: RouterUnderTest, http: FlaskClient) -> None:
    token = callback(router).token

    assert [post(http, token) for _ in range(2)] == [(200, {"ok": True})] * 2
    assert post(http, token, DONE | {"text": "4 fail"}) == (409, "REQUEST_ID_REUSED")
    assert typed(router) == ["3 fail"]


@pytest.mark.parametrize("body", [{}, {"outcome": "fine"}, {"outcome": "ok", "text": 3}, "ok", [DONE]])
def test_what_is_no_report_uses_nothing_up_and_tells_strangers_nothing(
    router: RouterUnderTest, http: FlaskClient, body: object
) -> None:
    token = callback(router).token

    assert post(http, token, body) == (400, "INVALID_ARGUMENT")
    assert post(http, GUESSED, body) == (401, "UNAUTHENTICATED")
    assert post(http, token) == (200, {"ok": True})


def test_a_token_counts_in_its_header_alone_and_no_key_counts(router: RouterUnderTest, http: FlaskClient) -> None:
    token = callback(router).token

    assert {post(http, shown)[0] for shown in ("", API_KEY, f"{token}x")} == {401}
    assert post(http, "", path=f"/callbacks?token={token}") == (401, "UNAUTHENTICATED")
    assert post(http, token, {"outcome": "ok", "text": "x" * 6145}) == (413, "TOO_LARGE")
    assert post(http, token, {"outcome": "ok", "text": "x" * 20_000})[0] == 413
    assert typed(router) == []


def test_who_guesses_has_to_wait(router: RouterUnderTest, http: FlaskClient) -> None:
    token = callback(router).token
    answers = [post(http, f"pmc_{number:043d}")[0] for number in range(70)]

    assert answers[0] == 401
    assert answers[-1] == 429
    assert http.post("/callbacks", json=DONE, headers={"Authorization": f"Bearer {token}"}).status_code == 200
