"""Whoever writes to the bot and is not allowed: the operator sees what to paste, they themselves see nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.fakes.telegram import TOKEN, TelegramStandIn
from tests.integration.pointsman.up.test_up import Up, running
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e
ADA, EVE, GROUP = 99, 4711, -1001234567890
LINE = r"wrote to the bot in chat {chat} and is not allowed. To let them in: ALLOWED_CHAT_IDS=99,{chat}$"


@pytest.fixture
def telegram() -> Iterator[TelegramStandIn]:
    with TelegramStandIn() as telegram:
        telegram.add_chat(EVE, title="Eve\x1b[2J\u202e")
        telegram.add_chat(GROUP)
        yield telegram


@pytest.fixture
def up(telegram: TelegramStandIn, data_dir: Path) -> Iterator[Up]:
    settings = {
        "TELEGRAM_BOT_TOKEN": TOKEN,
        "TELEGRAM_API_BASE": telegram.base_url,
        "TELEGRAM_WEBHOOK_SECRET": "header-secret",
        "TELEGRAM_WEBHOOK_PATH_SECRET": "path-secret",
        "ALLOWED_CHAT_IDS": str(ADA),
    }
    with running(data_dir, **settings) as up:
        yield up


def test_a_stranger_is_one_line_of_up_and_a_finding_of_doctor(up: Up, telegram: TelegramStandIn) -> None:
    telegram.user_writes("let me in", chat_id=EVE)
    telegram.user_writes("let me in!", chat_id=EVE)
    telegram.user_writes("/start", chat_id=GROUP, user_id=EVE)
    wait_until(lambda: up.line(LINE.format(chat=GROUP)))

    doctor = up.run("doctor").stdout

    assert [up.count(LINE.format(chat=chat)) for chat in (EVE, GROUP)] == [1, 1]
    assert "→ To let them in: ALLOWED_CHAT_IDS=99,4711\n" in doctor
    assert "→ To let them in: ALLOWED_CHAT_IDS=99,-1001234567890 (and everybody else in that group" in doctor
    assert "let me in!" not in doctor + "".join(up.lines)
    assert "Eve" in doctor
    assert "\x1b[2J" not in "".join(up.lines) + doctor
    assert "\u202e" not in "".join(up.lines) + doctor
    assert telegram.bot_messages(EVE) == telegram.bot_messages(GROUP) == []


def test_a_first_id_is_found_by_writing_to_the_bot(telegram: TelegramStandIn, data_dir: Path) -> None:
    settings = {"TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_API_BASE": telegram.base_url}
    with running(data_dir, **settings) as up:
        telegram.user_writes("hello", chat_id=EVE)

        assert wait_until(lambda: up.line(r"To let them in: ALLOWED_CHAT_IDS=4711$"))
        assert up.line("telegram +on, but nobody may write: write to the bot, and a line here says what to set")


def test_a_stranger_at_the_webhook_is_told_of_in_the_same_way(up: Up) -> None:
    eve = {"id": EVE, "is_bot": False, "first_name": "Eve"}
    written = {"message_id": 5, "date": 1, "chat": {"id": EVE, "type": "private"}, "from": eve, "text": "hello"}
    answers = [
        requests.post(
            f"{up.http}/webhook/telegram/path-secret",
            json={"update_id": number, "message": written},
            headers={"X-Telegram-Bot-Api-Secret-Token": "header-secret"},
            timeout=10,
        )
        for number in range(1, 9)
    ]
    wait_until(lambda: up.line(LINE.format(chat=EVE)))

    assert {(answer.status_code, answer.text) for answer in answers} == {(200, "")}
    assert up.count(LINE.format(chat=EVE)) == 1
    assert "ALLOWED_CHAT_IDS=99,4711" in up.run("doctor").stdout
