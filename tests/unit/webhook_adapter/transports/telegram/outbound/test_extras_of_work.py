"""What is shown of a turn at Telegram: one call or none, and never in the way of a message."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.fakes.telegram import TelegramStandIn
from tests.unit.webhook_adapter.transports.telegram.bot import CHAT, client_of, telegram_with_chat
from tests.unit.webhook_adapter.transports.telegram.test_rate_limits import Now
from webhook_adapter.transports.telegram.outbound.transport import TelegramTransport
from webhook_adapter.transports.telegram.rate_limits import RateLimits
from webhook_adapter.transports.transport import ChatRef, Delivered, Kind, Outgoing, Refused, RetryLater

PLACE = ChatRef(str(CHAT))
WORKS = Outgoing(PLACE, "⚙️ **Working**", "devbox · api", kind=Kind.WORK, is_markdown=True, silent=True)


@pytest.fixture
def telegram() -> Iterator[TelegramStandIn]:
    with telegram_with_chat() as telegram:
        yield telegram


@pytest.fixture
def clock() -> Now:
    return Now()


@pytest.fixture
def transport(telegram: TelegramStandIn, clock: Now) -> Iterator[TelegramTransport]:
    """Whose calls are paced, and which began a while ago."""
    rate_limits = RateLimits(clock)
    clock.passes(3600)
    with client_of(telegram, rate_limits) as client:
        yield TelegramTransport(client, rate_limits)


def test_it_is_one_message_that_changes(transport: TelegramTransport, telegram: TelegramStandIn, clock: Now) -> None:
    sent = transport.send(WORKS)
    assert isinstance(sent, Delivered)
    clock.passes(4)
    changed = transport.edit(replace(WORKS, text="☑️ Worked 4 s", edit_message_ids=sent.message_ids))

    [message] = telegram.messages(CHAT)
    assert changed == sent
    assert message.text == "devbox · api\n☑️ Worked 4 s"
    assert telegram.calls("sendMessage")[0].params["disable_notification"] is True


def test_where_no_whole_burst_is_left_it_is_not_sent_and_says_when(
    transport: TelegramTransport, telegram: TelegramStandIn
) -> None:
    transport.send(Outgoing(PLACE, "a question", kind=Kind.QUESTION))

    held = transport.send(WORKS)

    assert isinstance(held, RetryLater)
    assert held.after is not None
    assert [message.text for message in telegram.messages(CHAT)] == ["a question"]


def test_it_leaves_enough_for_a_message_at_once(transport: TelegramTransport, clock: Now) -> None:
    transport.send(WORKS)
    before = clock.monotonic()
    transport.send(Outgoing(PLACE, "a question", kind=Kind.QUESTION))

    assert clock.monotonic() == before


def test_one_that_somebody_deleted_is_not_sent_anew(transport: TelegramTransport, telegram: TelegramStandIn) -> None:
    outcome = transport.edit(replace(WORKS, edit_message_ids=("4000",)))

    assert isinstance(outcome, Refused)
    assert telegram.messages(CHAT) == []


def test_however_long_it_is_it_is_one_call(transport: TelegramTransport, telegram: TelegramStandIn) -> None:
    assert isinstance(transport.send(replace(WORKS, text="x" * 50_000)), Delivered)

    assert len(telegram.calls("sendMessage")) == 1
    assert telegram.calls("sendDocument") == []
