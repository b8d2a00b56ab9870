"""Reports of strangers are few, whoever writes how much."""

import pytest

from pointsman.client.errors import RouterError
from pointsman.client.records import Stranger
from webhook_adapter.router.errors import unavailable
from webhook_adapter.transports.telegram.inbound.access import AllowList
from webhook_adapter.transports.telegram.inbound.strangers import Strangers
from webhook_adapter.transports.telegram.inbound.update import Inbound

NOBODY = AllowList((), ())


class Desk:
    """The router's side, and the clock."""

    def __init__(self, fault: RouterError | None = None) -> None:
        self.reported: list[Stranger] = []
        self.now = 0.0
        self._fault = fault
        self.strangers = Strangers(NOBODY, self.report, lambda: self.now)

    def report(self, stranger: Stranger) -> bool:
        self.reported.append(stranger)
        if self._fault:
            raise self._fault
        return stranger not in self.reported[:-1]

    def met(self, user: int, chat: int | None = None) -> None:
        self.strangers.met(Inbound(f"telegram:1:{user}", user if chat is None else chat, user, "Eve", "1"))


def test_who_goes_on_writing_is_reported_once_a_minute() -> None:
    desk = Desk()
    for desk.now in range(0, 121, 20):
        desk.met(666)

    assert len(desk.reported) == 3


def test_who_writes_in_another_chat_is_reported_there_too() -> None:
    desk = Desk()
    desk.met(666)
    desk.met(666, -77)

    assert [stranger.chat.chat_id for stranger in desk.reported] == ["666", "-77"]


def test_of_a_crowd_a_hundred_a_minute_are_reported() -> None:
    desk = Desk()
    for user in range(500):
        desk.met(user)
    desk.now = 60.0
    desk.met(1000)

    assert len(desk.reported) == 101


def test_only_a_new_one_is_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    desk.met(666)
    desk.now = 60.0
    desk.met(666)

    assert [record.getMessage() for record in caplog.records] == [
        "Eve (user 666) wrote to the bot in chat 666 and is not allowed. To let them in: ALLOWED_CHAT_IDS=666"
    ]


def test_a_router_that_is_away_is_not_asked_for_each_message() -> None:
    desk = Desk(unavailable("away"))
    desk.met(666)
    desk.met(666)

    assert len(desk.reported) == 1
