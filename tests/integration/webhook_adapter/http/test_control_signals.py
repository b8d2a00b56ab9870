"""How the program in a session works, over HTTP: told with the session, and changed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agentlink.v1 import types_pb2 as types
from flask.testing import FlaskClient

from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.integration.router.test_control_signals import told
from tests.integration.webhook_adapter.http.test_openapi import check
from tests.rigs.thin_agent import ThinLink

KEY = {"X-API-Key": API_KEY}


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


@pytest.fixture
def link(router: RouterUnderTest) -> Iterator[ThinLink]:
    with router.machine().connected(capabilities=["control"]) as link:
        yield link


@pytest.fixture
def session(link: ThinLink) -> str:
    return told(link, 1)


def changed(http: FlaskClient, session: str, **asked: Any) -> Any:
    return http.post(f"/sessions/{session}/control", headers=KEY, json=asked)


def test_a_session_tells_how_its_program_works(http: FlaskClient, session: str) -> None:
    [known] = http.get("/sessions", headers=KEY).json

    assert (known["sessionId"], known["mode"], known["model"]) == (session, "plan", "opus")
    assert known["modes"] == ["default", "acceptEdits", "plan"]
    assert known["controls"] == ["INTERRUPT", "MODEL", "COMPACT", "CLEAR"]


def test_a_signal_is_a_command(http: FlaskClient, link: ThinLink, session: str) -> None:
    sent = changed(http, session, signal="mode", value="acceptEdits", idempotencyKey="k", ttlSeconds=60)
    again = changed(http, session, signal="mode", value="acceptEdits", idempotencyKey="k", ttlSeconds=60)

    [frame] = link.commands(1)
    assert (sent.status_code, sent.json) == (202, again.json)
    assert frame.action.control == types.ControlSignal(kind=types.CONTROL_KIND_MODE, value="acceptEdits")
    command = http.get(f"/commands/{sent.json['commandId']}", headers=KEY).json
    assert (command["text"], "key" in command) == ("/mode acceptEdits", False)
    document = http.get("/openapi.json").json
    check(document, sent.json, document["paths"]["/sessions/{sessionId}/control"]["post"]["responses"]["202"])


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"signal": "mode", "value": "bypassPermissions"}, 403, "MODE_NOT_ALLOWED"),
        ({"signal": "mode"}, 400, "INVALID_ARGUMENT"),
        ({"signal": "clear", "value": "x"}, 400, "INVALID_ARGUMENT"),
        ({"signal": "sing"}, 400, "INVALID_ARGUMENT"),
        ({}, 400, "INVALID_ARGUMENT"),
    ],
)
def test_what_is_none_is_refused(
    http: FlaskClient, session: str, asked: dict[str, str], status: int, code: str
) -> None:
    refused = changed(http, session, **asked)

    assert (refused.status_code, refused.json["code"]) == (status, code)


def test_a_session_that_is_not_there_is_not_found(http: FlaskClient) -> None:
    assert changed(http, "none", signal="clear").status_code == 404
