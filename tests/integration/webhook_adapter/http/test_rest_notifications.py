"""POST /notifications/send, over the real router."""

import json
from typing import Any

import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2
from flask.testing import FlaskClient

from tests.integration.router.harness import API_KEY
from tests.rigs.faulty_router import NO_STORAGE, FaultyRouter

KEY = {"X-API-Key": API_KEY}
NOTICE = {"sessionId": "s1", "chatId": 99, "text": "done"}


def delivered(sent: types_pb2.Notification) -> None:
    sent.state = types_pb2.NOTIFICATION_STATE_DELIVERED
    sent.message_ids[:] = ["41", "42"]


def refused(sent: types_pb2.Notification) -> None:
    sent.state, sent.detail = types_pb2.NOTIFICATION_STATE_REFUSED, "Bad Request: chat not found"


def dead(sent: types_pb2.Notification) -> None:
    sent.state = types_pb2.NOTIFICATION_STATE_DEAD


def test_a_delivered_notification_tells_the_platforms_id(http: FlaskClient, router: FaultyRouter) -> None:
    router.door.changes["GetNotification"] = lambda answer: delivered(answer.notification)

    answer = http.post("/notifications/send", headers=KEY, json={**NOTICE, "idempotencyKey": "once"})

    assert answer.status_code == 200
    assert answer.get_json() == {"ok": True, "messageId": 42, "token": answer.get_json()["token"]}
    [asked], [followed] = router.door.asked(pb.NotifyRequest), router.door.asked(pb.GetNotificationRequest)
    assert (asked.targets[0].transport, asked.targets[0].chat_id, asked.request_id) == ("telegram", "99", "once")
    assert followed.wait.seconds == 10


@pytest.mark.parametrize(
    ("chat_id", "transport", "place"),
    [(-100123, "telegram", "-100123"), ("99", "telegram", "99"), ("@ops_room", "telegram", "@ops_room")],
)
def test_a_chat_may_be_a_number_or_a_text(
    http: FlaskClient, router: FaultyRouter, chat_id: object, transport: str, place: str
) -> None:
    http.post("/notifications/send", headers=KEY, json={**NOTICE, "chatId": chat_id})

    target = router.door.asked(pb.NotifyRequest)[0].targets[0]
    assert (target.transport, target.chat_id) == (transport, place)


def test_the_console_is_a_chat_too(http: FlaskClient, router: FaultyRouter) -> None:
    router.door.changes["GetNotification"] = lambda answer: delivered(answer.notification)

    answer = http.post("/notifications/send", headers=KEY, json={**NOTICE, "chatId": "console"})

    assert router.door.asked(pb.NotifyRequest)[0].targets[0].transport == "web"
    assert answer.get_json()["messageId"] == "42"


def test_a_notification_that_takes_longer_stays_queued(http: FlaskClient, router: FaultyRouter) -> None:
    answer = http.post("/notifications/send", headers=KEY, json=NOTICE)

    assert answer.status_code == 202
    said = answer.get_json()
    [kept] = router.real.notifications("s1")
    assert said == {"ok": True, "queued": True, "notificationId": kept.notification_id, "token": kept.token}


def test_a_notification_is_accepted_when_nobody_can_say_how_it_fares(http: FlaskClient, router: FaultyRouter) -> None:
    router.door.faults["GetNotification"] = NO_STORAGE

    assert http.post("/notifications/send", headers=KEY, json=NOTICE).status_code == 202


@pytest.mark.parametrize(
    ("fate", "error", "code"),
    [(refused, "Bad Request: chat not found", "PLATFORM_REFUSED"), (dead, "given up after a day of trying", "TOO_OLD")],
)
def test_a_refused_notification_says_the_platforms_words(
    http: FlaskClient, router: FaultyRouter, fate: Any, error: str, code: str
) -> None:
    router.door.changes["GetNotification"] = lambda answer: fate(answer.notification)

    answer = http.post("/notifications/send", headers=KEY, json=NOTICE)

    assert (answer.status_code, answer.get_json()) == (502, {"error": error, "code": code})


@pytest.mark.parametrize("markup", [None, "null", {"inline_keyboard": []}, '{"inline_keyboard": [[]]}'])
def test_a_markup_may_hold_no_buttons(http: FlaskClient, router: FaultyRouter, markup: object) -> None:
    assert http.post("/notifications/send", headers=KEY, json={**NOTICE, "replyMarkup": markup}).status_code == 202
    assert list(router.door.asked(pb.NotifyRequest)[0].buttons) == []


@pytest.mark.parametrize("encode", [lambda markup: markup, json.dumps], ids=["object", "text"])
def test_an_inline_keyboard_becomes_buttons(http: FlaskClient, router: FaultyRouter, encode: Any) -> None:
    rows = [
        [{"text": "Yes", "callback_data": "cmd:abc:yes"}, {"text": "Run", "callback_data": "make test"}],
        [{"text": "Time", "callback_data": "cmd:abc:at 12:30"}, {"text": "Odd", "callback_data": "cmd:x"}],
    ]

    http.post("/notifications/send", headers=KEY, json={**NOTICE, "replyMarkup": encode({"inline_keyboard": rows})})

    assert [(each.label, each.action) for each in router.door.asked(pb.NotifyRequest)[0].buttons] == [
        ("Yes", "yes"),
        ("Run", "make test"),
        ("Time", "at 12:30"),
        ("Odd", "cmd:x"),
    ]
