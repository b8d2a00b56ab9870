import json

import pytest
import requests

from tests.fakes.telegram import TelegramStandIn
from tests.fakes.telegram_faults import Fault, FaultKind, too_many_requests
from tests.unit.fakes.conftest import CHAT, Bot

BUTTONS = {"inline_keyboard": [[{"text": "Go on", "callback_data": "cmd:T:continue"}]]}


def test_a_sent_message_is_there_and_the_call_is_recorded(telegram: TelegramStandIn, bot: Bot) -> None:
    answer = bot("sendMessage", chat_id=CHAT, text="<b>hi</b>", parse_mode="html", reply_markup=BUTTONS).json()

    [message] = telegram.messages(CHAT)
    assert (message.text, message.buttons, message.from_bot) == ("hi", {"Go on": "cmd:T:continue"}, True)
    assert answer["result"] == message.json()
    [call] = telegram.calls("sendmessage")
    assert (call.status, call.params["text"]) == (200, "<b>hi</b>")


def test_parameters_come_by_query_form_and_multipart(telegram: TelegramStandIn) -> None:
    url = f"{telegram.base_url}/bot{telegram.token}"
    requests.get(f"{url}/sendMessage", params={"chat_id": str(CHAT), "text": "query"}, timeout=5)
    requests.post(f"{url}/sendmessage", data={"chat_id": CHAT, "text": "form"}, timeout=5)
    requests.post(f"{url}/SENDDOCUMENT", data={"chat_id": CHAT}, files={"document": ("a.txt", "héllo")}, timeout=5)

    first, second, third = telegram.messages(CHAT)
    assert (first.text, second.text, third.document) == ("query", "form", "héllo".encode())


def test_nested_parameters_may_be_strings(telegram: TelegramStandIn, bot: Bot) -> None:
    bot("sendMessage", chat_id=CHAT, text="x", reply_markup=json.dumps(BUTTONS))

    assert telegram.messages(CHAT)[0].buttons == {"Go on": "cmd:T:continue"}


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"chat_id": 1, "text": "x"}, "chat not found"),
        ({"text": "x"}, "chat_id is empty"),
        ({"text": "", "chat_id": CHAT}, "message text is empty"),
        ({"text": " \n ", "chat_id": CHAT}, "text must be non-empty"),
        ({"text": "x" * 4097, "chat_id": CHAT}, "message is too long"),
        ({"text": "&lt;" * 8193, "chat_id": CHAT, "parse_mode": "HTML"}, "text is too long"),
        ({"text": "x", "chat_id": CHAT, "parse_mode": "rtf"}, "unsupported parse_mode"),
        ({"text": "<x>", "chat_id": CHAT, "parse_mode": "HTML"}, "can't parse entities: Unsupported start tag"),
        ({"text": "x", "chat_id": CHAT, "reply_to_message_id": 5}, "message to be replied not found"),
        ({"text": "x", "chat_id": CHAT, "reply_markup": "{"}, "can't parse reply markup JSON object"),
    ],
)
def test_what_telegram_refuses_is_refused(bot: Bot, params: dict[str, object], words: str) -> None:
    answer = bot("sendMessage", **params)

    assert answer.status_code == answer.json()["error_code"] == 400
    assert answer.json()["description"].startswith(f"Bad Request: {words}")


def test_4096_code_points_are_taken(bot: Bot) -> None:
    assert bot("sendMessage", chat_id=CHAT, text="😀" * 4096).status_code == 200


@pytest.mark.parametrize(
    ("button", "words"),
    [
        ({"text": "x", "callback_data": "é" * 33}, "BUTTON_DATA_INVALID"),
        ({"text": "x"}, "can't parse inline keyboard button: Text buttons are unallowed"),
        ({"text": " ", "callback_data": "x"}, "can't parse inline keyboard button: Text buttons must be non-empty"),
    ],
)
def test_bad_buttons_are_refused(bot: Bot, button: dict[str, str], words: str) -> None:
    answer = bot("sendMessage", chat_id=CHAT, text="x", reply_markup={"inline_keyboard": [[button]]})

    assert answer.json()["description"].startswith(f"Bad Request: {words}")


def test_reply_parameters_win_and_may_miss_their_target(telegram: TelegramStandIn, bot: Bot) -> None:
    target = telegram.user_writes("hello")
    reply = {"message_id": 5, "allow_sending_without_reply": True}
    bot("sendMessage", chat_id=CHAT, text="a", reply_parameters=reply, reply_to_message_id=target.message_id)
    bot("sendMessage", chat_id=CHAT, text="b", reply_to_message_id=target.message_id)

    _, first, second = telegram.messages(CHAT)
    assert (first.reply_to, second.reply_to) == (None, target)


def test_wrong_token_method_and_path(telegram: TelegramStandIn, bot: Bot) -> None:
    assert requests.get(f"{telegram.base_url}/bot1:x/getMe", timeout=5).json()["description"] == "Unauthorized"
    assert bot("sing").json()["description"] == "Not Found: method not found"
    assert requests.get(f"{telegram.base_url}/elsewhere", timeout=5).status_code == 404


def test_edits_and_their_refusals(telegram: TelegramStandIn, bot: Bot) -> None:
    message_id = bot("sendMessage", chat_id=CHAT, text="one").json()["result"]["message_id"]
    same = bot("editMessageText", chat_id=CHAT, message_id=message_id, text="one")
    bot("editMessageText", chat_id=CHAT, message_id=message_id, text="two")
    bot("deleteMessage", chat_id=CHAT, message_id=message_id)
    gone = bot("editMessageText", chat_id=CHAT, message_id=message_id, text="three")

    assert same.json()["description"].startswith("Bad Request: message is not modified: ")
    assert gone.json()["description"] == "Bad Request: message to edit not found"
    assert telegram.messages(CHAT) == []


def test_chats_that_cannot_be_written_to(telegram: TelegramStandIn, bot: Bot) -> None:
    telegram.add_chat(5, started=False)
    telegram.add_chat(-100)
    telegram.blocks_bot(CHAT)
    telegram.migrate_chat(-100, -1001234567890)

    assert bot("sendMessage", chat_id=5, text="x").status_code == 403
    assert bot("sendMessage", chat_id=CHAT, text="x").json()["description"] == "Forbidden: bot was blocked by the user"
    moved = bot("sendMessage", chat_id=-100, text="x").json()
    assert moved["parameters"] == {"migrate_to_chat_id": -1001234567890}


def test_forum_topics(telegram: TelegramStandIn, bot: Bot) -> None:
    telegram.add_chat(-1009, is_forum=True)
    topic = telegram.add_topic(-1009, "build")
    asked = telegram.user_writes("hello", chat_id=-1009, thread_id=topic)
    bot("sendMessage", chat_id=-1009, text="here", message_thread_id=topic)

    assert asked.json()["reply_to_message"]["message_id"] == topic
    assert telegram.bot_messages(-1009)[0].thread_id == topic
    elsewhere = bot("sendMessage", chat_id=-1009, text="x", message_thread_id=1)
    assert elsewhere.json()["description"] == "Bad Request: message thread not found"


def test_a_press_needs_a_live_button_and_is_answered_once(telegram: TelegramStandIn, bot: Bot) -> None:
    bot("sendMessage", chat_id=CHAT, text="x", reply_markup=BUTTONS)
    message = telegram.wait_for_message("x")
    press = telegram.press(message, "Go on")

    assert bot("answerCallbackQuery", callback_query_id=press.id, text="ok").json()["result"] is True
    assert press.answer == {"callback_query_id": press.id, "text": "ok"}
    assert "query is too old" in bot("answerCallbackQuery", callback_query_id=press.id).json()["description"]
    with pytest.raises(LookupError):
        telegram.press(message, "Stop")


def test_an_answer_comes_too_late(telegram: TelegramStandIn, bot: Bot) -> None:
    bot("sendMessage", chat_id=CHAT, text="x", reply_markup=BUTTONS)
    press = telegram.press(telegram.wait_for_message("x"), "Go on")
    telegram.advance(60)

    assert bot("answerCallbackQuery", callback_query_id=press.id).status_code == 400


def test_scripted_faults_strike_in_order_and_then_it_is_well(telegram: TelegramStandIn, bot: Bot) -> None:
    telegram.fail("sendMessage", too_many_requests(7), chat_id=CHAT)
    telegram.fail("sendMessage", Fault(FaultKind.REFUSE, 500, "Internal Server Error"))
    telegram.fail("sendMessage", Fault(FaultKind.HTML_PAGE))

    limited = bot("sendMessage", chat_id=CHAT, text="x")
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "7")
    assert limited.json()["parameters"] == {"retry_after": 7}
    assert bot("sendMessage", chat_id=CHAT, text="x").status_code == 500
    assert bot("sendMessage", chat_id=CHAT, text="x").headers["Content-Type"] == "text/html"
    assert bot("sendMessage", chat_id=CHAT, text="x").status_code == 200
    assert len(telegram.messages(CHAT)) == 1


@pytest.mark.parametrize(
    ("kind", "stored"), [(FaultKind.RESET_BEFORE, []), (FaultKind.RESET_AFTER, ["x"])], ids=["before", "after"]
)
def test_a_reset_before_or_after_the_message_was_stored(
    telegram: TelegramStandIn, bot: Bot, kind: FaultKind, stored: list[str]
) -> None:
    telegram.fail("sendMessage", Fault(kind))

    with pytest.raises(requests.ConnectionError):
        bot("sendMessage", chat_id=CHAT, text="x")

    telegram.wait_for_calls("sendMessage")
    assert [message.text for message in telegram.messages(CHAT)] == stored
    assert telegram.calls("sendMessage")[0].status == 0


def test_rate_limits_refuse_and_count_those_who_do_not_wait(bot: Bot, telegram: TelegramStandIn) -> None:
    telegram.limits.enabled = True
    telegram.world.clock.speed = 0.001
    answers = [bot("sendMessage", chat_id=CHAT, text="x").status_code for _ in range(5)]

    assert answers == [200, 200, 200, 429, 429]
    assert telegram.limits.violations == 1


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"url": "http://bot.example.org/x"}, "bad webhook: An HTTPS URL must be provided for webhook"),
        ({"url": "https://bot.example.org:8080/x"}, "bad webhook: Webhook can be set up only on ports"),
        ({"url": "http://127.0.0.1/x", "secret_token": "a.b"}, "secret token contains unallowed characters"),
        ({"url": "http://127.0.0.1/x", "secret_token": "a" * 257}, "secret token is too long"),
    ],
)
def test_bad_webhooks_are_refused(bot: Bot, params: dict[str, str], words: str) -> None:
    assert bot("setWebhook", **params).json()["description"].startswith(f"Bad Request: {words}")


def test_reset_forgets_everything(telegram: TelegramStandIn, bot: Bot) -> None:
    bot("sendMessage", chat_id=CHAT, text="x")
    telegram.reset()

    assert (telegram.messages(), telegram.calls()) == ([], [])
    assert bot("sendMessage", chat_id=CHAT, text="x").json()["description"] == "Bad Request: chat not found"
