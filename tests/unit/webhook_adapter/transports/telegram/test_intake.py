"""From an update to the router."""

import logging
from http import HTTPStatus
from typing import Any

import pytest

from webhook_adapter.config import AdapterConfig
from webhook_adapter.errors import RouterError, unavailable
from webhook_adapter.model import Chat, CommandState, Submission, Submitted
from webhook_adapter.transports.telegram.intake import Intake, Outcome, Received

STORED = Submitted("command-1", CommandState.QUEUED, "s1", "Sent to api", duplicate=False)
ADA = {"id": 99, "is_bot": False, "first_name": "Ada"}
MESSAGE = {"message_id": 50, "date": 1, "chat": {"id": 99}, "from": ADA, "text": "the secret plan"}
PRESS = {"id": "7788", "from": ADA, "message": {"message_id": 40, "chat": {"id": 99}}, "data": "cmd:TOKEN:yes"}


class Router:
    """Answers every submission in the same way, and keeps them."""

    def __init__(self, answer: Submitted | RouterError = STORED) -> None:
        self.answer = answer
        self.got: list[Submission] = []

    def submit(self, submission: Submission) -> Submitted:
        self.got.append(submission)
        if isinstance(self.answer, RouterError):
            raise self.answer
        return self.answer


def intake(router: Router, chats: str = "99", users: str = "") -> Intake:
    config = AdapterConfig.from_environ(
        {
            "POINTSMAN_API_KEY": "pmk_key",
            "TELEGRAM_BOT_TOKEN": "4711:token",
            "TELEGRAM_WEBHOOK_SECRET": "s",
            "TELEGRAM_WEBHOOK_PATH_SECRET": "p",
            "ALLOWED_CHAT_IDS": chats,
            "ALLOWED_USER_IDS": users,
        }
    )
    assert config.telegram is not None
    return Intake(config.telegram, router.submit)


def test_an_allowed_message_is_handed_in() -> None:
    router = Router()

    received = intake(router).receive({"update_id": 1, "message": MESSAGE})

    assert received == Received(Outcome.STORED, "", "Sent to api")
    assert router.got == [
        Submission(
            update_key="telegram:4711:1",
            chat=Chat("telegram", "99", "", "50"),
            actor="telegram:99 (Ada)",
            text="the secret plan",
        )
    ]


def test_a_pressed_button_is_handed_in_and_wants_an_answer() -> None:
    router = Router()

    received = intake(router).receive({"update_id": 1, "callback_query": PRESS})

    assert received == Received(Outcome.STORED, "7788", "Sent to api")
    assert router.got[0].button == "cmd:TOKEN:yes"
    assert router.got[0].chat.message_id == "40"


def test_a_repeat_is_told_as_such() -> None:
    router = Router(Submitted("command-1", CommandState.QUEUED, "s1", "", duplicate=True))

    assert intake(router).receive({"update_id": 1, "message": MESSAGE}).outcome is Outcome.DUPLICATE


@pytest.mark.parametrize("update", [{"message": MESSAGE}, {"callback_query": PRESS}], ids=["message", "button"])
def test_a_stranger_reaches_nothing_and_hears_nothing(update: dict[str, Any]) -> None:
    router = Router()

    received = intake(router, chats="5").receive({"update_id": 1, **update})

    assert received == Received(Outcome.DENIED)
    assert router.got == []


def test_who_may_not_press_is_told_so_and_nothing_is_handed_in() -> None:
    router = Router()

    received = intake(router, users="5").receive({"update_id": 1, "callback_query": PRESS})

    assert (received.outcome, received.callback_id) == (Outcome.DENIED, "7788")
    assert "may not press" in received.answer
    assert router.got == []


def test_what_is_ignored_reaches_nothing() -> None:
    router = Router()

    assert intake(router).receive({"update_id": 1, "channel_post": MESSAGE}) == Received(Outcome.IGNORED)
    assert router.got == []


def test_a_refusal_for_its_content_is_final_and_told_to_the_presser() -> None:
    router = Router(RouterError(HTTPStatus.NOT_FOUND, "SESSION_UNKNOWN", "x" * 300))

    received = intake(router).receive({"update_id": 1, "callback_query": PRESS})

    assert received == Received(Outcome.REFUSED, "7788", "x" * 200)


def test_what_could_not_be_stored_must_come_again() -> None:
    router = Router(unavailable("away"))

    with pytest.raises(RouterError, match="UNAVAILABLE"):
        intake(router).receive({"update_id": 1, "message": MESSAGE})


@pytest.mark.parametrize("chats", ["99", "5"], ids=["allowed", "denied"])
def test_no_log_line_shows_what_was_written(chats: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    intake(Router(), chats).receive({"update_id": 1, "message": MESSAGE})

    assert caplog.records
    assert "secret plan" not in caplog.text


def test_an_open_group_is_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    intake(Router(), "99,-77")

    assert "-77" in caplog.text
    assert "ALLOWED_USER_IDS" in caplog.text
