"""GitHub's door: who is let in, what it takes, what it says."""

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from pointsman.client.errors import RouterError
from webhook_adapter.transports.github.inbound.access import Unknown
from webhook_adapter.transports.github.inbound.signature import sign
from webhook_adapter.transports.github.inbound.webhook import create_blueprint
from webhook_adapter.transports.github.settings import GitHubApp

APP = GitHubApp(1, "pointsman", "PRIVATE KEY", "s" * 32, "p" * 43)
BODY = json.dumps({"action": "created", "words": "naïve 東京"}, ensure_ascii=False).encode()


class Door:
    def __init__(self, http: FlaskClient) -> None:
        self.http = http
        self.taken: list[tuple[str, object]] = []
        self.error: Exception | None = None

    def take(self, event: str, payload: object) -> None:
        if self.error:
            raise self.error
        self.taken.append((event, payload))

    def post(self, body: bytes = BODY, path: str = APP.webhook_path, **headers: str) -> TestResponse:
        head = {"X-Hub-Signature-256": sign(APP.webhook_secret, body), "X-GitHub-Event": "issue_comment"}
        head |= {"Content-Type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return self.http.post(path, data=body, headers=head)


@pytest.fixture
def door() -> Door:
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 1024 * 1024
    door = Door(app.test_client())
    app.register_blueprint(create_blueprint(APP, door.take))
    return door


def test_what_is_signed_is_taken(door: Door) -> None:
    assert door.post().status_code == 200
    assert door.taken == [("issue_comment", json.loads(BODY))]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"path": "/github/webhook/guessed"}, 404),
        ({"path": "/github/webhook"}, 404),
        ({"X_Hub_Signature_256": ""}, 401),
        ({"X_Hub_Signature_256": "sha256=" + "0" * 64}, 401),
        ({"X_Hub_Signature_256": "sha256=é"}, 401),
        ({"X_Hub_Signature_256": sign("another secret, as long", BODY)}, 401),
        ({"Content_Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content_Type": "text/plain"}, 415),
    ],
)
def test_what_is_not_github_s_is_not(door: Door, change: dict[str, Any], status: int) -> None:
    assert door.post(**change).status_code == status
    assert door.taken == []


def test_one_byte_more_is_another_body(door: Door) -> None:
    signed = sign(APP.webhook_secret, BODY)

    assert door.post(BODY + b" ", X_Hub_Signature_256=signed).status_code == 401


def test_a_form_that_is_well_signed_is_refused_with_the_cure(door: Door) -> None:
    told = door.post(b"payload=%7B%7D", Content_Type="application/x-www-form-urlencoded")

    assert (told.status_code, "application/json" in told.text) == (415, True)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"[" * 100_000, b'"x"'])
def test_what_is_signed_and_no_payload_is_refused(door: Door, body: bytes) -> None:
    assert door.post(body).status_code == 400
    assert door.taken == []


def test_what_is_too_large_is_refused(door: Door) -> None:
    assert door.post(b" " * 1024 * 1024 + b"{}").status_code == 413


@pytest.mark.parametrize("error", [RouterError("UNAVAILABLE", "away"), Unknown("away")])
def test_what_was_not_stored_is_not_acknowledged(door: Door, error: Exception) -> None:
    door.error = error
    first = door.post().status_code
    door.error = None

    assert (first, door.post().status_code) == (503, 200)
