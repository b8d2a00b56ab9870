"""Telegram's webhook, over the real router."""

import json
import logging
from typing import Any

import grpc
import pytest
from flask.testing import FlaskClient

from tests.rigs.adapter import CHAT, SECRET_HEADER, WEBHOOK
from tests.rigs.faulty_router import NO_KEY, NO_STORAGE, Fault, FaultyRouter
from webhook_adapter.http.gunicorn.request import WholeBody

LIMIT = 1024 * 1024


def update(number: int = 1, **message: Any) -> dict[str, Any]:
    sender = {"id": CHAT, "is_bot": False, "first_name": "Ada"}
    return {
        "update_id": number,
        "message": {"message_id": 50, "date": 1, "chat": {"id": CHAT}, "from": sender, "text": "hello", **message},
    }


def test_an_update_is_stored_before_it_is_acknowledged(http: FlaskClient, router: FaultyRouter) -> None:
    answer = http.post(WEBHOOK, headers=SECRET_HEADER, json=update(reply_to_message={"message_id": 40}))

    assert (answer.status_code, answer.data) == (200, b"")
    stored = router.door.submitted["telegram:4711:1"]
    assert (stored.text, stored.actor, stored.reply_to_message_id) == ("hello", "telegram:99 (Ada)", "40")
    assert (stored.chat.transport, stored.chat.chat_id, stored.chat.message_id) == ("telegram", "99", "50")


def test_an_answer_without_a_word_has_what_every_answer_has(http: FlaskClient) -> None:
    asked = {"X-Request-ID": "from-the-caller"}

    stored = http.post(WEBHOOK, headers=SECRET_HEADER | asked, json=update())
    healthy = http.get("/health/live", headers=asked)

    of_the_body = {"Content-Type": "text/html; charset=utf-8", "Content-Length": "0"}
    assert dict(stored.headers) == dict(healthy.headers) | of_the_body
    assert stored.headers["X-Request-ID"] == "from-the-caller"


def test_a_pressed_button_reaches_the_router(http: FlaskClient, router: FaultyRouter) -> None:
    press = {"id": "7", "from": {"id": CHAT}, "message": {"message_id": 40, "chat": {"id": CHAT}}, "data": "cmd:T:yes"}

    http.post(WEBHOOK, headers=SECRET_HEADER, json={"update_id": 2, "callback_query": press})

    stored = router.door.submitted["telegram:4711:2"]
    assert (stored.HasField("button"), stored.button.data, stored.text) == (True, "cmd:T:yes", "")


@pytest.mark.parametrize(
    "path",
    ["/webhook/telegram/wrong", "/webhook/telegram/path-secret2", "/webhook/telegram/p%C3%A4th", "/webhook/telegram/"],
)
def test_a_wrong_path_is_404_whatever_else_is_right(http: FlaskClient, router: FaultyRouter, path: str) -> None:
    answer = http.post(path, headers=SECRET_HEADER, json=update())

    assert answer.status_code == 404
    assert router.door.submitted == {}


@pytest.mark.parametrize("header", [None, "", "wrong", "header-secret2", "schlüssel"])
def test_a_wrong_header_is_401(http: FlaskClient, router: FaultyRouter, header: str | None) -> None:
    headers = {} if header is None else {"X-Telegram-Bot-Api-Secret-Token": header}

    answer = http.post(WEBHOOK, headers=headers, json=update())

    assert answer.status_code == 401
    assert router.door.submitted == {}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "HEAD"])
@pytest.mark.parametrize("path", [WEBHOOK, "/webhook/telegram/wrong"])
def test_another_method_is_405_on_any_path(http: FlaskClient, method: str, path: str) -> None:
    answer = http.open(path, method=method)

    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/webhook/telegram/wrong", SECRET_HEADER, 404),
        (WEBHOOK, SECRET_HEADER, 413),
        (WEBHOOK, {}, 401),
    ],
)
def test_the_size_is_checked_after_the_path_and_the_header(
    http: FlaskClient, path: str, headers: dict[str, str], status: int
) -> None:
    assert http.post(path, headers=headers, data=b"x" * (LIMIT + 1)).status_code == status


def test_a_body_of_just_the_limit_is_taken(http: FlaskClient) -> None:
    body = json.dumps(update(text="")).encode()

    answer = http.post(WEBHOOK, headers=SECRET_HEADER, data=body + b" " * (LIMIT - len(body)))

    assert answer.status_code == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"x"', b"null", b"\xff", b'{"a":' * 50_000, b"1" * 5000])
def test_what_is_no_json_object_is_400(http: FlaskClient, body: bytes) -> None:
    assert http.post(WEBHOOK, headers=SECRET_HEADER, data=body).status_code == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"from": {"id": 5, "is_bot": False}, "chat": {"id": 5}},
        {"forward_origin": {"type": "hidden_user", "date": 1}},
        {"sender_chat": {"id": -5}},
        {"text": ""},
        {"message_id": None},
    ],
    ids=["stranger", "forwarded", "in the name of a chat", "no text", "malformed"],
)
def test_what_is_not_for_us_is_done_with(http: FlaskClient, router: FaultyRouter, changes: dict[str, Any]) -> None:
    answer = http.post(WEBHOOK, headers=SECRET_HEADER, json=update(**changes))

    assert (answer.status_code, answer.data) == (200, b"")
    assert router.door.submitted == {}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(grpc.StatusCode.NOT_FOUND, "SESSION_UNKNOWN"),
        Fault(grpc.StatusCode.INVALID_ARGUMENT, "TOO_LARGE"),
        Fault(grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL"),
        Fault(grpc.StatusCode.FAILED_PRECONDITION, "SESSION_ENDED"),
    ],
)
def test_what_would_be_refused_again_is_not_asked_for_again(
    http: FlaskClient, router: FaultyRouter, fault: Fault
) -> None:
    router.door.faults["Submit"] = fault

    assert http.post(WEBHOOK, headers=SECRET_HEADER, json=update()).status_code == 200


@pytest.mark.parametrize("fault", [NO_STORAGE, NO_KEY, Fault(grpc.StatusCode.INTERNAL, "")])
@pytest.mark.parametrize("where", ["Submit", "SubmitStream"])
def test_what_was_not_stored_is_asked_for_again(
    http: FlaskClient, router: FaultyRouter, fault: Fault, where: str
) -> None:
    router.door.faults[where] = fault

    answer = http.post(WEBHOOK, headers=SECRET_HEADER, json=update())

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")


def test_an_update_survives_the_loss_of_its_stream(http: FlaskClient, router: FaultyRouter) -> None:
    router.door.lose_next_stream = True

    assert http.post(WEBHOOK, headers=SECRET_HEADER, json=update()).status_code == 200
    assert list(router.door.submitted) == ["telegram:4711:1"]


class Whole(FlaskClient):
    """Brings what the server has whole, once it is known where it goes: no view of Flask's is asked then."""

    def run_wsgi_app(self, environ: Any, buffered: bool = False) -> Any:
        environ["wsgi.input"] = WholeBody(environ["wsgi.input"].read())
        return super().run_wsgi_app(environ, buffered)


@pytest.mark.parametrize(
    ("headers", "changes", "fault", "status"),
    [
        (SECRET_HEADER, {}, None, 200),
        (SECRET_HEADER, {"data": b"[1]"}, None, 400),
        ({}, {}, None, 401),
        (SECRET_HEADER, {}, NO_STORAGE, 503),
        (SECRET_HEADER, {"path": "/webhook/telegram/wrong"}, None, 404),
    ],
    ids=["stored", "malformed", "no secret", "not stored", "wrong path"],
)
def test_what_needs_nothing_of_flask_is_answered_as_all_else(
    http: FlaskClient,
    router: FaultyRouter,
    monkeypatch: pytest.MonkeyPatch,
    headers: dict[str, str],
    changes: dict[str, Any],
    fault: Fault | None,
    status: int,
) -> None:
    asked = {"path": WEBHOOK, "data": json.dumps(update()), "headers": {**headers, "X-Request-ID": "a"}} | changes
    if fault:
        router.door.faults["Submit"] = fault
    by_flask = http.post(**asked)
    monkeypatch.setattr(http.application, "full_dispatch_request", None)
    if fault:
        router.door.faults["Submit"] = fault

    answer = Whole(http.application, http.response_wrapper).post(**asked)

    assert (answer.status_code, answer.data) == (status, by_flask.data)
    assert dict(answer.headers) == dict(by_flask.headers)


def test_a_view_that_fails_without_flask_is_told_of_as_any(
    http: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    http.post(WEBHOOK, headers=SECRET_HEADER, json=update())
    monkeypatch.setattr("webhook_adapter.transports.telegram.inbound.intake.parse", None)

    answer = Whole(http.application, http.response_wrapper).post(
        WEBHOOK, headers=SECRET_HEADER | {"X-Request-ID": "a"}, json=update(2)
    )

    assert (answer.status_code, answer.get_json()["code"]) == (500, "INTERNAL")
    assert "request failed endpoint=telegram.telegram_webhook id=a" in caplog.text
    assert "telegram event failed id=a TypeError" in caplog.text


def test_no_log_line_shows_a_secret_or_the_message(
    http: FlaskClient, router: FaultyRouter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    router.stop()

    http.post(WEBHOOK, headers=SECRET_HEADER, json=update(text="the secret plan"))
    http.post(WEBHOOK, json=update(text="the secret plan"))

    assert caplog.records
    assert not [word for word in ("path-secret", "header-secret", "4711:token", "secret plan") if word in caplog.text]
