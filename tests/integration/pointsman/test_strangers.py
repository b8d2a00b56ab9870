"""Whoever writes to the bot and is not allowed: the operator sees what to paste, they themselves see nothing."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.fakes.telegram import TOKEN, TelegramStandIn
from tests.integration.pointsman.up.test_up import Up, running
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e
ADA, EVE, GROUP = 99, 4711, -1001234567890
LINE = r"wrote to the bot in chat {chat} and is not allowed.* lets them in, or: ALLOWED_CHAT_IDS=99,{chat}$"


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
    assert "→ To let them in: pointsman pair, or ALLOWED_CHAT_IDS=99,4711\n" in doctor
    assert (
        "→ To let them in: pointsman pair, or ALLOWED_CHAT_IDS=99,-1001234567890 (and everybody else in that group"
        in doctor
    )
    assert "let me in!" not in doctor + "".join(up.lines)
    assert "Eve" in doctor
    assert "\x1b[2J" not in "".join(up.lines) + doctor
    assert "\u202e" not in "".join(up.lines) + doctor
    assert telegram.bot_messages(EVE) == telegram.bot_messages(GROUP) == []


def test_a_first_id_is_found_by_writing_to_the_bot(telegram: TelegramStandIn, data_dir: Path) -> None:
    settings = {"TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_API_BASE": telegram.base_url}
    with running(data_dir, **settings) as up:
        telegram.user_writes("hello", chat_id=EVE)

        assert wait_until(lambda: up.line(r"lets them in, or: ALLOWED_CHAT_IDS=4711$"))
        assert up.line("telegram +on; `pointsman pair` lets somebody write to the bot")


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


def test_a_code_lets_a_newcomer_in_without_an_id_or_a_restart(telegram: TelegramStandIn, data_dir: Path) -> None:
    settings = {"TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_API_BASE": telegram.base_url}
    with running(data_dir, **settings) as up:
        made = json.loads(up.run("pair", "--name", "Eve", "--json").stdout)
        telegram.user_writes(f"/start {made['code']}", chat_id=EVE)
        telegram.wait_for(lambda: telegram.bot_messages(EVE))
        telegram.user_writes("/sessions", chat_id=EVE)
        telegram.wait_for(lambda: len(telegram.bot_messages(EVE)) > 1)

        assert made["url"].endswith(f"?start={made['code']}")
        assert [message.text.partition(".")[0] for message in telegram.bot_messages(EVE)] == [
            "You are in, Eve, as an operator",
            "No sessions yet",
        ]
        assert f"telegram:{EVE}:{EVE}" in up.run("people").stdout
        assert "telegram: nobody may write" not in up.run("doctor").stdout
        assert up.run("unpair", "Eve").stdout == "Eve is out; ended: 1 chat, 0 browsers\n"
        telegram.user_writes("/sessions", chat_id=EVE)
        telegram.wait_for(lambda: not telegram.pending_updates)
        assert "Nobody was let in by a code" in "".join(up.run("people").stderr + up.run("people").stdout)
    assert len(telegram.bot_messages(EVE)) == 2


def test_one_chat_ends_as_it_is_listed(up: Up, telegram: TelegramStandIn) -> None:
    code = up.run("pair", "--name", "Eve", "--role", "viewer", "--no-qr").stdout.strip()
    telegram.user_writes(f"/pair {code}", chat_id=EVE)
    telegram.wait_for(lambda: telegram.bot_messages(EVE))

    address, passkey = up.run("authenticator", "Eve").stdout, up.run("passkey", "Eve")
    ended = up.run("unpair", f"telegram:{EVE}:{EVE}")
    unknown = up.run("unpair", "Mallory")

    assert address.startswith("otpauth://totp/Pointsman:Eve?secret=")
    assert len(passkey.stdout.strip()) == len("K7QF-3M2X-PAWB")
    assert "Eve opens http://localhost:" in passkey.stderr
    assert ended.stdout == f"telegram:{EVE}:{EVE} is over\n"
    assert (unknown.returncode, "nobody here is 'Mallory'" in unknown.stderr) == (5, True)
    assert [person["name"] for person in json.loads(up.run("people", "--json").stdout)] == ["Eve"]
