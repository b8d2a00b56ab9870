"""What updates say, in the shapes that Telegram sends."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook_adapter.transports.telegram.inbound.update import Attached, Ignored, Inbound, Reason, parse

BOT = "4711"
ADA = {"id": 99, "is_bot": False, "first_name": "Ada", "last_name": "L", "username": "ada", "language_code": "en"}
PRIVATE = {"id": 99, "type": "private", "first_name": "Ada"}
GROUP = {"id": -77, "type": "group", "title": "Ops"}
SUPERGROUP = {"id": -1001234567890, "type": "supergroup", "title": "Ops"}
FORUM = {**SUPERGROUP, "is_forum": True}
NOTICE = {"message_id": 40, "date": 1, "chat": PRIVATE, "from": {"id": 4711, "is_bot": True}, "text": "done"}
TOPIC_START = {"message_id": 12, "date": 1, "chat": FORUM, "forum_topic_created": {"name": "api", "icon_color": 1}}

Json = dict[str, Any]


def update(**message: Any) -> Json:
    return {
        "update_id": 1001,
        "message": {"message_id": 50, "date": 1, "chat": PRIVATE, "from": ADA, "text": "hello", **message},
    }


def without(name: str) -> Json:
    made = update()
    del made["message"][name]
    return made


def press(**callback: Any) -> Json:
    query = {"id": "778899", "from": ADA, "message": NOTICE, "chat_instance": "1", "data": "cmd:TOKEN:yes", **callback}
    return {"update_id": 1002, "callback_query": query}


def said(given: Json, username: str | None = None) -> Inbound:
    found = parse(given, BOT, username)
    assert isinstance(found, Inbound)
    return found


def test_a_private_message() -> None:
    assert said(update()) == Inbound(
        update_key="telegram:4711:1001", chat_id=99, user_id=99, user_name="Ada", message_id="50", text="hello"
    )


@pytest.mark.parametrize("chat", [GROUP, SUPERGROUP], ids=["group", "supergroup"])
def test_a_message_in_a_group(chat: Json) -> None:
    inbound = said(update(chat=chat))

    assert (inbound.chat_id, inbound.user_id, inbound.thread_id) == (chat["id"], 99, "")


def test_an_edited_message_is_handed_in_as_such() -> None:
    edited = {"update_id": 1003, "edited_message": {**update()["message"], "edit_date": 2}}
    inbound = said(edited)

    assert (inbound.edited, inbound.text, inbound.update_key) == (True, "hello", "telegram:4711:1003")


def test_an_edited_message_without_an_update_number_is_not_taken_for_the_first() -> None:
    message = update()["message"]
    first, edited = said({"message": message}), said({"edited_message": {**message, "edit_date": 2}})

    assert first.update_key != edited.update_key


def test_an_edited_message_without_words_is_ignored() -> None:
    location = {**without("text")["message"], "location": {"latitude": 1.0, "longitude": 1.0}, "edit_date": 2}

    assert parse({"update_id": 1, "edited_message": location}, BOT) == Ignored(Reason.NO_TEXT)


def test_a_reply() -> None:
    inbound = said(update(reply_to_message=NOTICE))

    assert (inbound.reply_to_message_id, inbound.reply_to_ours) == ("40", True)


@pytest.mark.parametrize("author", [{"id": 7, "is_bot": True}, {"id": 1, "is_bot": False}, None])
def test_a_reply_to_something_that_others_wrote(author: object) -> None:
    inbound = said(update(reply_to_message={**NOTICE, "from": author}))

    assert (inbound.reply_to_message_id, inbound.reply_to_ours) == ("40", False)


def test_a_message_in_a_topic_that_answers_nothing_is_no_reply() -> None:
    inbound = said(
        update(chat=FORUM, message_thread_id=12, is_topic_message=True, reply_to_message=TOPIC_START),
    )

    assert (inbound.thread_id, inbound.reply_to_message_id) == ("12", "")


def test_a_reply_in_a_topic() -> None:
    replied = {**NOTICE, "chat": FORUM, "message_thread_id": 12}
    inbound = said(update(chat=FORUM, message_thread_id=12, is_topic_message=True, reply_to_message=replied))

    assert (inbound.thread_id, inbound.reply_to_message_id) == ("12", "40")


def test_a_reply_thread_of_a_plain_supergroup_is_no_topic() -> None:
    inbound = said(update(chat=SUPERGROUP, message_thread_id=40, reply_to_message={**NOTICE, "chat": SUPERGROUP}))

    assert (inbound.thread_id, inbound.reply_to_message_id) == ("", "40")


@pytest.mark.parametrize(
    ("content", "attached"),
    [
        ({"photo": [{"file_id": "s"}, {"file_id": "l", "file_size": 7}]}, Attached("l", "photo.jpg", 7)),
        ({"voice": {"file_id": "v", "duration": 3}}, Attached("v", "voice.ogg", 0, is_speech=True)),
        ({"document": {"file_id": "d", "file_name": "../../é b.tar.gz"}}, Attached("d", "_.._b.tar.gz", 0)),
        ({"document": {"file_id": "d", "file_name": ".." * 50 + "x" * 70}}, Attached("d", "x" * 64, 0)),
        ({"document": {"file_id": "d", "file_name": "..."}}, Attached("d", "file", 0)),
        ({"animation": {"file_id": "a"}, "document": {"file_id": "d"}}, Attached("a", "animation.mp4", 0)),
        ({"sticker": {"file_id": "k", "emoji": "👍"}}, Attached("k", "sticker.webp", 0)),
    ],
    ids=["photo", "voice", "document", "long name", "dots", "animation", "sticker"],
)
def test_a_file_is_found_and_gets_a_harmless_name(content: dict[str, object], attached: Attached) -> None:
    message = without("text")
    message["message"] |= content | {"media_group_id": "12345"}

    assert (said(message).attached, said(message).album) == (attached, "12345")


def test_a_file_without_an_id_is_malformed() -> None:
    message = without("text")
    message["message"] |= {"voice": {"duration": 3}}

    assert parse(message, BOT) == Ignored(Reason.MALFORMED)


def test_a_caption_counts_as_text() -> None:
    photo = without("text")
    photo["message"] |= {"photo": [{"file_id": "x"}], "caption": "/cmd TOKEN look at this"}

    assert said(photo).text == "/cmd TOKEN look at this"


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("/cmd@our_bot TOKEN a\nb", "/cmd TOKEN a\nb"),
        ("/CMD@Our_Bot TOKEN a", "/CMD TOKEN a"),
        ("/sessions@our_bot", "/sessions"),
        ("ask admin@our_bot.example", "ask admin@our_bot.example"),
        ("/etc/hosts@x is a path", "/etc/hosts@x is a path"),
    ],
)
def test_our_name_is_taken_off_a_command(text: str, taken: str) -> None:
    assert said(update(text=text), "our_bot").text == taken


def test_a_command_for_another_bot_is_ignored() -> None:
    assert parse(update(text="/cmd@other_bot TOKEN x"), BOT, "our_bot") == Ignored(Reason.OTHER_BOT)


def test_any_name_is_ours_until_ours_is_known() -> None:
    assert said(update(text="/cmd@who_knows TOKEN x"), None).text == "/cmd TOKEN x"


def test_a_pressed_button() -> None:
    assert said(press()) == Inbound(
        update_key="telegram:4711:1002",
        chat_id=99,
        user_id=99,
        user_name="Ada",
        message_id="40",
        button="cmd:TOKEN:yes",
        callback_id="778899",
    )


def test_the_presser_counts_not_the_author_of_the_message() -> None:
    eve = {"id": 666, "is_bot": False, "first_name": "Eve"}

    assert said(press(**{"from": eve})).user_id == 666


def test_a_button_of_a_message_that_is_gone() -> None:
    inaccessible = {"chat": PRIVATE, "message_id": 40, "date": 0}

    assert said(press(message=inaccessible)).message_id == "40"


def test_a_button_in_a_topic() -> None:
    message = {**NOTICE, "chat": FORUM, "message_thread_id": 12, "is_topic_message": True}

    assert said(press(message=message)).thread_id == "12"


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"message": update()["message"]}, "telegram:4711:message:99:50"),
        ({"callback_query": press()["callback_query"]}, "telegram:4711:callback:778899"),
    ],
    ids=["message", "button"],
)
def test_an_update_without_its_id_has_another_key(given: Json, key: str) -> None:
    assert said(given).update_key == key


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"update_id": 1, "channel_post": update(chat={"id": -1005, "type": "channel"})["message"]}, Reason.KIND),
        ({"update_id": 1, "edited_channel_post": update()["message"]}, Reason.KIND),
        ({"update_id": 1, "business_message": update()["message"]}, Reason.KIND),
        ({"update_id": 1, "guest_message": update()["message"]}, Reason.KIND),
        ({"update_id": 1, "my_chat_member": {"chat": PRIVATE, "from": ADA}}, Reason.KIND),
        ({"update_id": 1, "something_of_2030": {"chat": PRIVATE, "from": ADA, "text": "hello"}}, Reason.KIND),
        ({"update_id": 1}, Reason.KIND),
        ({}, Reason.KIND),
        (press(message=None, inline_message_id="5"), Reason.KIND),
        (press(data=None, game_short_name="chess"), Reason.KIND),
        (update(forward_origin={"type": "user", "date": 1, "sender_user": ADA}), Reason.FORWARDED),
        (update(forward_from=ADA, forward_date=1), Reason.FORWARDED),
        (update(is_automatic_forward=True, sender_chat=GROUP), Reason.NOT_A_PERSON),
        (update(sender_chat=SUPERGROUP, **{"from": {"id": 1087968824, "is_bot": True}}), Reason.NOT_A_PERSON),
        (update(**{"from": {"id": 1087968824, "is_bot": False}}), Reason.NOT_A_PERSON),
        (update(**{"from": {"id": 136817688, "is_bot": False}}), Reason.NOT_A_PERSON),
        (update(**{"from": {"id": 777000, "is_bot": False}}), Reason.NOT_A_PERSON),
        (update(**{"from": {"id": 5, "is_bot": True}}), Reason.NOT_A_PERSON),
        (update(via_bot={"id": 5, "is_bot": True}), Reason.NOT_A_PERSON),
        (update(business_connection_id="b"), Reason.NOT_A_PERSON),
        (without("from"), Reason.NOT_A_PERSON),
        (press(**{"from": {"id": 777000, "is_bot": False}}), Reason.NOT_A_PERSON),
        (press(**{"from": None}), Reason.NOT_A_PERSON),
        (without("text"), Reason.NO_TEXT),
        (update(text=" \n"), Reason.NO_TEXT),
        (update(text=["hello"]), Reason.NO_TEXT),
        (without("chat"), Reason.MALFORMED),
        (without("message_id"), Reason.MALFORMED),
        (update(message_id="50"), Reason.MALFORMED),
        (update(message_id=True), Reason.MALFORMED),
        (update(chat={"id": 2**63}), Reason.MALFORMED),
        (update(**{"from": {"is_bot": False}}), Reason.MALFORMED),
        (update() | {"update_id": "1"}, Reason.MALFORMED),
        (press(id=""), Reason.MALFORMED),
        (press(id="9" * 129), Reason.MALFORMED),
        (press(message={"message_id": 40}), Reason.MALFORMED),
    ],
)
def test_what_is_ignored(given: Json, reason: Reason) -> None:
    assert parse(given, BOT) == Ignored(reason)


def test_unknown_fields_do_not_matter() -> None:
    plain, rich = update(), update(effect_of_2030={"a": [1]}, entities=[{"type": "bold"}])

    assert parse(rich, BOT) == parse(plain, BOT)


def test_half_a_surrogate_pair_does_not_stop_a_message() -> None:
    assert said(update(text="a\ud83d")).text == "a?"


def test_ids_may_have_more_than_32_bits() -> None:
    large = 2**52 - 1

    assert said(update(chat={"id": -large}, **{"from": {**ADA, "id": large}})).chat_id == -large


def test_a_name_cannot_pretend_to_be_something_else() -> None:
    sender = {**ADA, "first_name": "Ada)\n\u202etelegram:1 (root"}

    assert said(update(**{"from": sender})).actor == "telegram:99 (Adatelegram1 root)"


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = ["text", "caption", "chat", "from", "message_id", "reply_to_message", "message_thread_id", "id", "data"]


@given(
    st.sampled_from(["message", "callback_query"]),
    st.dictionaries(st.sampled_from([*FIELDS, "message", "is_topic_message"]), JSON_VALUES),
)
def test_nothing_that_json_can_say_is_an_error(kind: str, changes: Json) -> None:
    base = update()["message"] if kind == "message" else press()["callback_query"]

    assert isinstance(parse({"update_id": 1, kind: {**base, **changes}}, BOT), Inbound | Ignored)
