"""python-telegram-bot, pointed at the stand-in for Telegram, is served as by the real one, for every method we call.

So what our tests believe of Telegram is what a library believes that thousands of bots use every day.
"""

import ast
import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import telegram as ptb
from telegram.constants import ChatAction, ParseMode
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, NetworkError, RetryAfter

from tests.fakes.telegram import TelegramStandIn
from tests.fakes.telegram_faults import Fault, FaultKind, too_many_requests
from tests.fakes.telegram_images import png
from tests.fakes.telegram_methods import BIGGEST_PHOTO
from webhook_adapter.transports.telegram.inbound.webhook_setup import ALLOWED_UPDATES

ADAPTER = Path(__file__).parents[2] / "webhook_adapter"
METHOD = re.compile(r"(add|answer|close|copy|create|delete|edit|forward|get|pin|reopen|send|set|unpin)([A-Z][a-z]+)+")
CHAT, FORUM, OLD_GROUP, NEW_GROUP = 4711, -1001234567890, -4242, -1004242424242
HOOK = "https://pointsman.example/webhook"
KEYBOARD = ptb.InlineKeyboardMarkup([[ptb.InlineKeyboardButton("Go on", callback_data="cmd:T:continue")]])


@dataclass(frozen=True)
class Both:
    """The two ends: the stand-in, and the library's bot."""

    stand_in: TelegramStandIn
    bot: ptb.Bot


Contract = Callable[[Both], Awaitable[None]]
CONTRACTS: dict[str, Contract] = {}


def contract(method: str) -> Callable[[Contract], Contract]:
    """The function checks this method."""
    return lambda function: CONTRACTS.setdefault(method, function)


def called_by_the_adapter() -> list[str]:
    """The names of all methods that stand in its code."""
    trees = (ast.parse(path.read_text()) for path in (ADAPTER / "transports" / "telegram").rglob("*.py"))
    words = (node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return sorted({word for word in words if isinstance(word, str) and METHOD.fullmatch(word)})


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def running(runner: asyncio.Runner) -> Iterator[Both]:
    with TelegramStandIn(seed=3) as stand_in:
        base = stand_in.base_url
        bot = ptb.Bot(stand_in.token, base_url=f"{base}/bot", base_file_url=f"{base}/file/bot")
        runner.run(bot.initialize())
        yield Both(stand_in, bot)
        runner.run(bot.shutdown())


@pytest.fixture
def both(running: Both, monkeypatch: pytest.MonkeyPatch) -> Both:
    monkeypatch.setenv("PTB_TIMEDELTA", "1")  # else the library warns of its own future
    running.stand_in.reset()
    running.stand_in.add_chat(CHAT)
    running.stand_in.add_chat(FORUM, is_forum=True)
    return running


@pytest.mark.parametrize("method", called_by_the_adapter())
def test_a_method_we_call_is_served_as_the_library_expects(method: str, both: Both, runner: asyncio.Runner) -> None:
    runner.run(asyncio.wait_for(CONTRACTS[method](both), 20))

    assert [call for call in both.stand_in.calls(method) if call.status == 200]


@contract("getMe")
async def _(both: Both) -> None:
    me = await both.bot.get_me()

    assert (me.id, me.username, me.is_bot, me.api_kwargs) == (271828182, "standin_bot", True, {})


@contract("sendMessage")
async def _(both: Both) -> None:
    asked = both.stand_in.user_writes("how is it?", chat_id=CHAT)
    sent = await both.bot.send_message(
        CHAT,
        "😀 <b>Done</b> &amp; <code>ready</code>",
        parse_mode=ParseMode.HTML,
        reply_markup=KEYBOARD,
        reply_parameters=ptb.ReplyParameters(asked.message_id, allow_sending_without_reply=True),
        link_preview_options=ptb.LinkPreviewOptions(is_disabled=True),
        disable_notification=True,
    )

    assert (sent.text, sent.chat.id, sent.chat.type, sent.api_kwargs) == ("😀 Done & ready", CHAT, "private", {})
    assert list(sent.parse_entities().values()) == ["Done", "ready"]  # read in UTF-16, behind the emoji
    assert sent.reply_to_message
    assert sent.reply_to_message.message_id == asked.message_id
    assert sent.reply_markup == KEYBOARD
    explicit = await both.bot.send_message(CHAT, "a_b", entities=[ptb.MessageEntity("bold", 0, 3)])
    assert list(explicit.parse_entities().values()) == ["a_b"]


@contract("editMessageText")
async def _(both: Both) -> None:
    sent = await both.bot.send_message(CHAT, "one", reply_markup=KEYBOARD)
    changed = await both.bot.edit_message_text("<i>two</i>", CHAT, sent.message_id, parse_mode=ParseMode.HTML)

    assert isinstance(changed, ptb.Message)
    assert (changed.message_id, changed.text, changed.reply_markup) == (sent.message_id, "two", None)
    with pytest.raises(BadRequest, match="Message is not modified"):
        await both.bot.edit_message_text("<i>two</i>", CHAT, sent.message_id, parse_mode=ParseMode.HTML)
    with pytest.raises(BadRequest, match="Message to edit not found"):
        await both.bot.edit_message_text("three", CHAT, 5)


@contract("editMessageReplyMarkup")
async def _(both: Both) -> None:
    sent = await both.bot.send_message(CHAT, "one", reply_markup=KEYBOARD)
    changed = await both.bot.edit_message_reply_markup(CHAT, sent.message_id)

    assert isinstance(changed, ptb.Message)
    assert (changed.text, changed.reply_markup) == ("one", None)


@contract("editMessageCaption")
async def _(both: Both) -> None:
    sent = await both.bot.send_document(CHAT, b"x", filename="a.txt", caption="one", reply_markup=KEYBOARD)
    changed = await both.bot.edit_message_caption(
        CHAT, sent.message_id, caption="<b>two</b>", parse_mode=ParseMode.HTML
    )
    words = await both.bot.send_message(CHAT, "no file")

    assert isinstance(changed, ptb.Message)
    assert (changed.caption, changed.reply_markup) == ("two", None)
    with pytest.raises(BadRequest, match="no caption in the message"):
        await both.bot.edit_message_caption(CHAT, words.message_id, caption="three")


@contract("sendDocument")
async def _(both: Both) -> None:
    sent = await both.bot.send_document(
        CHAT, "töne".encode(), filename="message.txt", caption="<b>api</b>", parse_mode=ParseMode.HTML
    )

    assert sent.document
    assert (sent.document.file_name, sent.document.file_size, sent.caption) == ("message.txt", 5, "api")
    assert list(sent.parse_caption_entities().values()) == ["api"]
    file = await both.bot.get_file(sent.document.file_id)
    assert bytes(await file.download_as_bytearray()).decode() == "töne"


@contract("sendPhoto")
async def _(both: Both) -> None:
    sent = await both.bot.send_photo(CHAT, png(640, 480), caption="<b>api</b>", parse_mode=ParseMode.HTML)

    assert [(size.width, size.height) for size in sent.photo] == [(640, 480)]
    assert (sent.caption, sent.api_kwargs) == ("api", {})
    with pytest.raises(BadRequest, match="Photo_invalid_dimensions"):
        await both.bot.send_photo(CHAT, png(9000, 1001))
    with pytest.raises(BadRequest, match="Photo_invalid_dimensions"):
        await both.bot.send_photo(CHAT, png(21, 1))
    with pytest.raises(BadRequest, match="Image_process_failed"):
        await both.bot.send_photo(CHAT, b"no picture")
    with pytest.raises(BadRequest, match="too big for a photo"):
        await both.bot.send_photo(CHAT, png(1, 1) + bytes(BIGGEST_PHOTO))
    with pytest.raises(BadRequest, match="File must be non-empty"):
        await both.bot.send_photo(CHAT, b"")


@contract("getFile")
async def _(both: Both) -> None:
    both.stand_in.user_sends(b"light", "photo", caption="look", album="12")
    both.stand_in.user_sends(b"sound", "voice")
    photo, voice = [update.message for update in await both.bot.get_updates(timeout=0)]

    assert photo
    assert voice
    assert voice.voice
    assert (photo.caption, photo.media_group_id, photo.api_kwargs, voice.api_kwargs) == ("look", "12", {}, {})
    largest, sound = await both.bot.get_file(photo.photo[-1]), await voice.voice.get_file()
    assert (largest.file_size, bytes(await largest.download_as_bytearray())) == (5, b"light")
    assert bytes(await sound.download_as_bytearray()) == b"sound"
    with pytest.raises(BadRequest, match="Invalid file_id"):
        await both.bot.get_file("nothing")


@contract("setMessageReaction")
async def _(both: Both) -> None:
    written = both.stand_in.user_writes("go on", chat_id=CHAT)

    assert await both.bot.set_message_reaction(CHAT, written.message_id, "👍")
    assert [each["emoji"] for each in written.reaction] == ["👍"]
    with pytest.raises(BadRequest, match="Reaction_invalid"):
        await both.bot.set_message_reaction(CHAT, written.message_id, "🦖")


@contract("deleteMessage")
async def _(both: Both) -> None:
    assert await both.bot.delete_message(CHAT, (await both.bot.send_message(CHAT, "one")).message_id)
    with pytest.raises(BadRequest, match="Message to delete not found"):
        await both.bot.delete_message(CHAT, 5)


@contract("sendChatAction")
async def _(both: Both) -> None:
    assert await both.bot.send_chat_action(CHAT, ChatAction.TYPING)
    with pytest.raises(BadRequest, match="Wrong parameter action in request"):
        await both.bot.send_chat_action(CHAT, "thinking")


@contract("answerCallbackQuery")
async def _(both: Both) -> None:
    await both.bot.send_message(CHAT, "Go on?", reply_markup=KEYBOARD)
    both.stand_in.press(both.stand_in.bot_messages(CHAT)[0], "Go on")
    [update] = await both.bot.get_updates(timeout=0)

    assert update.callback_query
    assert (update.callback_query.data, update.callback_query.from_user.id) == ("cmd:T:continue", CHAT)
    assert await update.callback_query.answer("Sending")
    with pytest.raises(BadRequest, match="Query is too old"):
        await both.bot.answer_callback_query(update.callback_query.id)


@contract("getUpdates")
async def _(both: Both) -> None:
    both.stand_in.user_writes("one", chat_id=CHAT)
    both.stand_in.user_writes("two", chat_id=CHAT)
    updates = await both.bot.get_updates(timeout=0, allowed_updates=ALLOWED_UPDATES)
    left = await both.bot.get_updates(offset=updates[0].update_id + 1, timeout=0)

    messages = [update.message for update in updates if update.message]
    assert [(each.text, each.api_kwargs) for each in messages] == [("one", {}), ("two", {})]
    assert [update.update_id for update in left] == [updates[1].update_id]


@contract("setMyCommands")
async def _(both: Both) -> None:
    assert await both.bot.set_my_commands([ptb.BotCommand("help", "Explain")])
    with pytest.raises(BadRequest, match="Bot_command_invalid"):
        await both.bot.set_my_commands([ptb.BotCommand("Not-good", "Explain")])


@contract("createForumTopic")
async def _(both: Both) -> None:
    topic = await both.bot.create_forum_topic(FORUM, "api · devbox")
    sent = await both.bot.send_message(FORUM, "in it", message_thread_id=topic.message_thread_id)

    assert (topic.name, topic.api_kwargs) == ("api · devbox", {})
    assert (sent.message_thread_id, sent.is_topic_message) == (topic.message_thread_id, True)
    with pytest.raises(BadRequest, match="Message thread not found"):
        await both.bot.send_message(FORUM, "nowhere", message_thread_id=1)
    with pytest.raises(BadRequest, match="The chat is not a forum"):
        await both.bot.create_forum_topic(CHAT, "api")


@contract("closeForumTopic")
async def _(both: Both) -> None:
    topic = await both.bot.create_forum_topic(FORUM, "api")

    assert await both.bot.close_forum_topic(FORUM, topic.message_thread_id)
    with pytest.raises(BadRequest, match="Topic_not_modified"):
        await both.bot.close_forum_topic(FORUM, topic.message_thread_id)


@contract("setWebhook")
async def _(both: Both) -> None:
    assert await both.bot.set_webhook(HOOK, secret_token="s3cret_-", allowed_updates=ALLOWED_UPDATES)
    with pytest.raises(BadRequest, match="an https url must be provided"):
        await both.bot.set_webhook("http://pointsman.example/webhook")
    with pytest.raises(BadRequest, match="Secret token contains unallowed characters"):
        await both.bot.set_webhook(HOOK, secret_token="no spaces")


@contract("getWebhookInfo")
async def _(both: Both) -> None:
    before = await both.bot.get_webhook_info()
    await both.bot.set_webhook(HOOK, max_connections=500, allowed_updates=ALLOWED_UPDATES)
    info = await both.bot.get_webhook_info()

    assert (before.url, before.allowed_updates) == ("", ())
    assert (info.url, info.max_connections, info.allowed_updates) == (HOOK, 100, ALLOWED_UPDATES)
    assert (info.pending_update_count, info.api_kwargs) == (0, {})


@contract("deleteWebhook")
async def _(both: Both) -> None:
    await both.bot.set_webhook(HOOK)
    assert await both.bot.delete_webhook(drop_pending_updates=False)

    assert (await both.bot.get_webhook_info()).url == ""


ERRORS = [
    (Fault(FaultKind.REFUSE, 400, "Bad Request: chat not found"), BadRequest),
    (Fault(FaultKind.REFUSE, 401, "Unauthorized"), InvalidToken),
    (Fault(FaultKind.REFUSE, 403, "Forbidden: bot was blocked by the user"), Forbidden),
    (Fault(FaultKind.REFUSE, 404, "Not Found"), InvalidToken),
    (Fault(FaultKind.REFUSE, 409, "Conflict: terminated by other getUpdates request"), Conflict),
    (Fault(FaultKind.REFUSE, 500, "Internal Server Error: restart"), NetworkError),
    (Fault(FaultKind.HTML_PAGE), NetworkError),
    (Fault(FaultKind.RESET_BEFORE), NetworkError),
    (Fault(FaultKind.RESET_AFTER), NetworkError),
    (too_many_requests(7), RetryAfter),
]


@pytest.mark.parametrize(("fault", "error"), ERRORS, ids=lambda value: str(getattr(value, "code", "")))
def test_what_goes_wrong_is_what_the_library_takes_it_for(
    both: Both, runner: asyncio.Runner, fault: Fault, error: type[Exception]
) -> None:
    both.stand_in.fail("sendMessage", fault)

    with pytest.raises(error) as raised:
        runner.run(both.bot.send_message(CHAT, "hello"))

    assert raised.type is error


def test_a_wait_and_a_new_chat_id_are_read_from_the_refusal(both: Both, runner: asyncio.Runner) -> None:
    both.stand_in.fail("sendMessage", too_many_requests(7))
    both.stand_in.add_chat(OLD_GROUP)
    both.stand_in.migrate_chat(OLD_GROUP, NEW_GROUP)

    with pytest.raises(RetryAfter) as wait:
        runner.run(both.bot.send_message(CHAT, "hello"))
    with pytest.raises(ChatMigrated) as moved:
        runner.run(both.bot.send_message(OLD_GROUP, "hello"))

    assert (wait.value.retry_after, moved.value.new_chat_id) == (timedelta(seconds=7), NEW_GROUP)


def test_polling_beside_a_webhook_is_a_conflict(both: Both, runner: asyncio.Runner) -> None:
    runner.run(both.bot.set_webhook(HOOK))

    with pytest.raises(Conflict, match="can't use getUpdates method while webhook is active"):
        runner.run(both.bot.get_updates(timeout=0))
