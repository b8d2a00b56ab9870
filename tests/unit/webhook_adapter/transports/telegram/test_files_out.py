"""Files of messages: a caption where the text fits, else replies to it; photos where Telegram takes them."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest

from pointsman.client.errors import RouterError
from tests.fakes.telegram import TelegramStandIn
from tests.fakes.telegram_faults import Fault, FaultKind
from tests.fakes.telegram_images import png
from tests.unit.webhook_adapter.transports.telegram.bot import CHAT, telegram_with_chat, transport_of
from webhook_adapter.transports.telegram.outbound.transport import TelegramTransport
from webhook_adapter.transports.transport import (
    Button,
    ChatRef,
    Delivered,
    Outgoing,
    OutgoingFile,
    Refused,
    RetryLater,
)

PLACE = ChatRef(str(CHAT))
BUTTONS = (Button("Go on", "cmd:T:continue"),)
PICTURE = png(640, 480)


@pytest.fixture
def telegram() -> Iterator[TelegramStandIn]:
    with telegram_with_chat() as telegram:
        yield telegram


@pytest.fixture
def transport(telegram: TelegramStandIn) -> Iterator[TelegramTransport]:
    with transport_of(telegram) as transport:
        yield transport


def file(name: str = "a.pdf", content: bytes = b"pdf", size: int = 0) -> OutgoingFile:
    return OutgoingFile(name, size or len(content), lambda: [content[:2], content[2:]])


def kinds(telegram: TelegramStandIn) -> list[str]:
    return [call.method for call in telegram.calls()]


def test_a_short_text_is_the_caption_with_the_buttons_under_it(
    transport: TelegramTransport, telegram: TelegramStandIn
) -> None:
    outcome = transport.send(Outgoing(PLACE, "a_<b>", "devbox · api", BUTTONS, files=(file(),)))

    [message] = telegram.messages(CHAT)
    assert outcome == Delivered((str(message.message_id),))
    assert (message.document, message.extra["caption"]) == (b"pdf", "devbox · api\na_<b>")
    assert (message.extra["document"]["file_name"], message.buttons) == ("a.pdf", {"Go on": "cmd:T:continue"})


def test_a_long_text_stands_before_its_files_which_answer_it(
    transport: TelegramTransport, telegram: TelegramStandIn
) -> None:
    asked = telegram.user_writes("go")
    outcome = transport.send(
        Outgoing(
            PLACE,
            "x" * 1001,
            buttons=BUTTONS,
            reply_to_message_id=str(asked.message_id),
            silent=True,
            files=(file(), file("b.PNG", PICTURE)),
        )
    )

    text, document, photo = telegram.bot_messages(CHAT)
    assert outcome == Delivered(tuple(str(each.message_id) for each in (text, document, photo)))
    assert [each.reply_to for each in (text, document, photo)] == [asked, text, text]
    assert [list(each.buttons) for each in (text, document, photo)] == [[], [], ["Go on"]]
    assert (document.extra.get("caption"), photo.document) == (None, PICTURE)
    assert {call.params["disable_notification"] for call in telegram.calls()} <= {"true", True}
    assert kinds(telegram) == ["sendMessage", "sendDocument", "sendPhoto"]


@pytest.mark.parametrize("content", [b"no picture", png(9999, 9999), png(1, 21)], ids=["text", "large", "narrow"])
def test_what_telegram_takes_for_no_photo_comes_as_a_document(
    transport: TelegramTransport, telegram: TelegramStandIn, content: bytes
) -> None:
    transport.send(Outgoing(PLACE, "look", files=(file("a.jpg", content),)))

    [message] = telegram.messages(CHAT)
    assert (message.document, message.extra["document"]["file_name"]) == (content, "a.jpg")
    assert kinds(telegram) == ["sendPhoto", "sendDocument"]


def test_a_large_picture_is_not_tried_as_a_photo(transport: TelegramTransport, telegram: TelegramStandIn) -> None:
    transport.send(Outgoing(PLACE, "look", files=(file("a.jpg", PICTURE + bytes(10_000_000)),)))

    assert kinds(telegram) == ["sendDocument"]


def test_what_stopped_between_files_goes_on_there(transport: TelegramTransport, telegram: TelegramStandIn) -> None:
    telegram.fail("sendPhoto", Fault(FaultKind.REFUSE))
    message = Outgoing(PLACE, "look", notification_id="n1", files=(file(), file("b.png", PICTURE)))
    first, second = transport.send(message), transport.send(message)

    document, photo = telegram.messages(CHAT)
    assert isinstance(first, RetryLater)
    assert second == Delivered((str(document.message_id), str(photo.message_id)))
    assert photo.reply_to == document


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("NOT_FOUND", Refused("gone")), ("UNAVAILABLE", RetryLater("gone"))],
    ids=["for good", "for now"],
)
def test_a_file_that_the_router_does_not_give_is_told(
    transport: TelegramTransport, telegram: TelegramStandIn, status: str, outcome: Refused | RetryLater
) -> None:
    def parts() -> Iterable[bytes]:
        yield b"p"
        raise RouterError(status, "gone")

    assert transport.send(Outgoing(PLACE, "look", files=(OutgoingFile("a.pdf", 3, parts),))) == outcome
    assert telegram.messages(CHAT) == []


@pytest.mark.parametrize(
    ("text", "files", "changed"),
    [
        ("Deploy?", (file(),), ["devbox · api\nDeploy?\n\n✓ Yes"]),
        ("Deploy?", (file(), file("b.pdf")), ["devbox · api\nDeploy?\n\n✓ Yes", ""]),
        ("x" * 2000, (file(),), ["devbox · api\n" + "x" * 2000 + "\n\n✓ Yes", ""]),
        ("x" * 985, (file(),), ["devbox · api\n" + "x" * 985]),  # with the choice it is no caption any more
    ],
    ids=["caption", "two files", "text before", "too long by then"],
)
def test_a_message_with_files_says_what_was_chosen_and_brings_no_file_twice(
    transport: TelegramTransport,
    telegram: TelegramStandIn,
    text: str,
    files: tuple[OutgoingFile, ...],
    changed: list[str],
) -> None:
    message = Outgoing(PLACE, text, "devbox · api", BUTTONS, files=files)
    sent = transport.send(message)
    assert isinstance(sent, Delivered)

    outcome = transport.send(replace(message, text=f"{text}\n\n✓ Yes", buttons=(), edit_message_ids=sent.message_ids))

    shown = telegram.messages(CHAT)
    assert outcome == sent
    assert [each.text or each.extra.get("caption", "") for each in shown] == changed
    assert [list(each.buttons) for each in shown] == [[]] * len(changed)


def test_a_text_that_came_as_a_file_says_what_was_chosen(
    transport: TelegramTransport, telegram: TelegramStandIn
) -> None:
    text = "\n".join(f"line {number}" for number in range(5000))
    sent = transport.send(Outgoing(PLACE, text, "devbox · api", BUTTONS))
    assert isinstance(sent, Delivered)

    outcome = transport.send(Outgoing(PLACE, f"{text}\n\n✓ Yes", "devbox · api", edit_message_ids=sent.message_ids))

    document, words = telegram.messages(CHAT)
    assert outcome == sent
    assert document.document == text.encode()
    assert words.text.endswith("line 4999\n\n✓ Yes")
    assert list(words.buttons) == []
