import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from tests.fakes import telegram_updates as people
from tests.fakes.telegram import TelegramStandIn
from tests.fakes.telegram_faults import WebhookFault
from tests.unit.fakes.conftest import CHAT, Bot


class Door(ThreadingHTTPServer):
    """A bot's webhook: notes what comes and answers as told."""

    daemon_threads = False

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.secrets: list[str | None] = []
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        super().__init__(("127.0.0.1", 0), _DoorHandler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"


class _DoorHandler(BaseHTTPRequestHandler):
    server: Door

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.secrets.append(self.headers["X-Telegram-Bot-Api-Secret-Token"])
        status, headers, body = self.server.answers.pop(0) if self.server.answers else (200, {}, b"")
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture
def telegram() -> Iterator[TelegramStandIn]:
    """Twenty times as fast as Telegram: retries are to be waited for."""
    with TelegramStandIn(speed=20.0) as stand_in:
        stand_in.add_chat(CHAT)
        yield stand_in


@pytest.fixture
def door() -> Iterator[Door]:
    with Door() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_updates_are_delivered_in_order_with_the_secret(telegram: TelegramStandIn, bot: Bot, door: Door) -> None:
    telegram.user_writes("one")
    telegram.user_writes("two")
    bot("setWebhook", url=door.url, secret_token="s3cret")
    telegram.user_writes("three")

    telegram.wait_for(lambda: not telegram.pending_updates)
    updates = [delivery.update_id for delivery in telegram.deliveries]
    assert [b"one" in door.bodies[0], b"two" in door.bodies[1], b"three" in door.bodies[2]] == [True] * 3
    assert updates == [updates[0], updates[0] + 1, updates[0] + 2]
    assert door.secrets == ["s3cret"] * 3


def test_a_refused_update_comes_again_byte_by_byte_and_holds_its_chat(
    telegram: TelegramStandIn, bot: Bot, door: Door
) -> None:
    door.answers = [(503, {}, b""), (500, {}, b"")]
    bot("setWebhook", url=door.url)
    telegram.user_writes("one")
    telegram.user_writes("two")

    telegram.wait_for(lambda: not telegram.pending_updates)
    assert door.bodies[0] == door.bodies[1] == door.bodies[2]
    assert b"two" in door.bodies[3]
    assert bot("getWebhookInfo").json()["result"]["last_error_message"] == (
        "Wrong response from the webhook: 500 Internal Server Error"
    )


def test_retry_after_is_obeyed(telegram: TelegramStandIn, bot: Bot, door: Door) -> None:
    door.answers = [(503, {"Retry-After": "6"}, b"")]
    bot("setWebhook", url=door.url)
    telegram.user_writes("one")

    telegram.wait_for(lambda: not telegram.pending_updates)
    first, second = telegram.deliveries
    assert second.at - first.at >= 6


def test_a_press_that_would_wait_too_long_is_lost(telegram: TelegramStandIn, bot: Bot, door: Door) -> None:
    markup = {"inline_keyboard": [[{"text": "Go", "callback_data": "x"}]]}
    bot("sendMessage", chat_id=CHAT, text="x", reply_markup=markup)
    door.answers = [(503, {"Retry-After": "200"}, b"")]
    bot("setWebhook", url=door.url)
    telegram.press(telegram.wait_for_message("x"), "Go")

    telegram.wait_for(lambda: not telegram.pending_updates)
    assert len(door.bodies) == 1


def test_a_method_in_the_answer_is_carried_out(telegram: TelegramStandIn, bot: Bot, door: Door) -> None:
    door.answers = [(200, {}, b'{"method": "sendMessage", "chat_id": 4711, "text": "from the answer"}')]
    bot("setWebhook", url=door.url)
    telegram.user_writes("one")

    telegram.wait_for_message("from the answer")
    assert telegram.wait_for_calls("sendMessage")[0].via == "webhook answer"


@pytest.mark.parametrize("fault", list(WebhookFault))
def test_deliveries_go_wrong_on_demand(telegram: TelegramStandIn, bot: Bot, door: Door, fault: WebhookFault) -> None:
    telegram.fail_webhook(fault)
    bot("setWebhook", url=door.url)
    telegram.user_writes("one")

    telegram.wait_for(lambda: not telegram.pending_updates)
    assert len(telegram.deliveries) == (1 if fault is WebhookFault.SLOW_BODY else 2)
    assert len({delivery.body for delivery in telegram.deliveries}) == 1


def test_polling_confirms_by_offset(telegram: TelegramStandIn, bot: Bot) -> None:
    telegram.user_writes("one")
    telegram.user_writes("two")

    first, second = bot("getUpdates").json()["result"]
    again = bot("getUpdates", offset=first["update_id"] + 1).json()["result"]
    assert again == [second]
    assert bot("getUpdates", offset=second["update_id"] + 1, timeout=0).json()["result"] == []


def test_a_long_poll_waits_for_what_comes(telegram: TelegramStandIn, bot: Bot) -> None:
    with ThreadPoolExecutor(1) as pool:
        poll = pool.submit(bot, "getUpdates", timeout=50)
        telegram.user_writes("late")

        [update] = poll.result(timeout=10).json()["result"]
    assert update["message"]["text"] == "late"


def test_a_newer_poll_ends_the_older(telegram: TelegramStandIn, bot: Bot) -> None:
    with ThreadPoolExecutor(1) as pool:
        older = pool.submit(requests.get, f"{telegram.base_url}/bot{telegram.token}/getUpdates?timeout=50", timeout=20)
        telegram.wait_for(lambda: telegram.is_polled)
        bot("getUpdates", timeout=0)

        assert older.result().json()["description"].startswith("Conflict: terminated by other getUpdates request")


def test_polling_beside_a_webhook_is_a_conflict(bot: Bot, door: Door) -> None:
    bot("setWebhook", url=door.url)

    answer = bot("getUpdates").json()
    assert (answer["error_code"], "webhook is active" in answer["description"]) == (409, True)


def test_kinds_that_were_not_asked_for_are_not_queued(telegram: TelegramStandIn, bot: Bot) -> None:
    bot("getUpdates", allowed_updates=["message"])
    message = telegram.user_writes("one")
    telegram.edits(message, "two")

    assert [update.kind for update in telegram.pending_updates] == ["message"]


def test_ids_may_start_again_lower(telegram: TelegramStandIn, bot: Bot) -> None:
    telegram.user_writes("one")
    [first] = bot("getUpdates").json()["result"]
    bot("getUpdates", offset=first["update_id"] + 1)
    telegram.restart_update_ids(1_000_000)
    telegram.user_writes("two")

    [second] = bot("getUpdates", offset=first["update_id"] + 1).json()["result"]
    assert second["update_id"] == 1_000_000


def test_builders_make_what_telegram_makes(telegram: TelegramStandIn) -> None:
    group = telegram.add_chat(-100, title="Team")
    channel = telegram.add_chat(-1001, kind="channel", title="News")
    world = telegram.world
    telegram.user_writes("x", chat_id=-100, extra=people.as_anonymous_admin(group))
    telegram.user_writes("x", chat_id=-100, extra=people.forwarded_from(world.person(8)))
    telegram.user_writes("x", chat_id=-100, extra=people.automatic_forward(channel))
    telegram.user_writes("x", chat_id=-100, extra=people.through_bot(world.bot))
    telegram.user_writes("", chat_id=-100, extra=people.with_caption("/cmd T hi"))
    telegram.user_writes("", chat_id=-100, extra=people.voice(3) | people.sticker())
    people.post_in_channel(world, channel, "news")
    telegram.push_update("something_new", {"field": 1})

    last = [next(iter(set(update.json) - {"update_id"})) for update in telegram.pending_updates]
    assert last == ["message"] * 6 + ["channel_post", "something_new"]


def test_the_stub_door_lets_others_drive_it(telegram: TelegramStandIn, bot: Bot) -> None:
    stub = f"{telegram.base_url}/_stub"
    said = requests.post(f"{stub}/say", json={"text": "hello"}, timeout=5).json()
    markup = {"inline_keyboard": [[{"text": "Go", "callback_data": "x"}]]}
    bot("sendMessage", chat_id=CHAT, text="answer", reply_markup=markup)
    query: dict[str, str | int] = {"chat_id": CHAT, "from_bot": 1, "contains": "answer", "wait": 5}
    [message] = requests.get(f"{stub}/messages", params=query, timeout=10).json()
    place = {"chat_id": CHAT, "message_id": message["message_id"]}
    pressed = requests.post(f"{stub}/press", json=place | {"label": "Go"}, timeout=5)
    wrong = requests.post(f"{stub}/press", json=place | {"label": "Stop"}, timeout=5)

    assert (said["text"], message["buttons"], pressed.json()["data"]) == ("hello", {"Go": "x"}, "x")
    assert wrong.status_code == 400
    assert [update.kind for update in telegram.pending_updates] == ["message", "callback_query"]
    calls = requests.get(f"{stub}/calls", params={"method": "sendMessage"}, timeout=5).json()
    assert [call["params"]["text"] for call in calls] == ["answer"]
