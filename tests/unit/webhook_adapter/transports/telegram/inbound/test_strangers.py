"""Strangers are told from people who were let in by a code, and of neither is more asked than has to be."""

import pytest

from pointsman.client.errors import RouterError
from pointsman.client.records import Stranger
from webhook_adapter.model import Acquaintance
from webhook_adapter.router.errors import unavailable
from webhook_adapter.transports.telegram.inbound.access import AllowList
from webhook_adapter.transports.telegram.inbound.strangers import Strangers
from webhook_adapter.transports.telegram.inbound.update import Inbound

NOBODY = AllowList((), ())


class Desk:
    """The router's side, and the clock."""

    def __init__(self, fault: RouterError | None = None) -> None:
        self.reported: list[Stranger] = []
        self.paired: set[str] = set()
        self.now = 0.0
        self._fault = fault
        self.strangers = Strangers(NOBODY, self, lambda: self.now)

    def report_stranger(self, stranger: Stranger) -> Acquaintance:
        self.reported.append(stranger)
        if self._fault:
            raise self._fault
        return Acquaintance(stranger not in self.reported[:-1], stranger.user_id in self.paired)

    def pair(self, stranger: Stranger, code: str) -> None:
        raise AssertionError(f"no code was written: {code} {stranger}")

    def met(self, user: int, chat: int | None = None) -> bool:
        return self.strangers.are_paired(
            Inbound(f"telegram:1:{user}", user if chat is None else chat, user, "Eve", "1")
        )


def test_who_goes_on_writing_is_asked_about_once_a_second() -> None:
    desk = Desk()
    for tenth in range(31):
        desk.now = tenth / 10
        desk.met(666)

    assert len(desk.reported) == 4


def test_who_writes_in_another_chat_is_asked_about_there_too() -> None:
    desk = Desk()
    desk.met(666)
    desk.met(666, -77)

    assert [stranger.chat.chat_id for stranger in desk.reported] == ["666", "-77"]


def test_who_was_let_in_is_asked_about_once() -> None:
    desk = Desk()
    desk.paired.add("99")

    assert [desk.met(99) for _ in range(5)] == [True] * 5
    assert len(desk.reported) == 1


def test_a_code_that_was_written_meanwhile_is_seen_with_the_next_message_a_second_later() -> None:
    desk = Desk()
    before = desk.met(99)
    desk.paired.add("99")
    desk.now = 1.0

    assert (before, desk.met(99)) == (False, True)


def test_only_a_new_one_is_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    desk.met(666)
    desk.now = 60.0
    desk.met(666)

    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith("Eve (user 666) wrote to the bot in chat 666 and is not allowed. `pointsman pair` lets")
    assert line.endswith("them in, or: ALLOWED_CHAT_IDS=666")


def test_while_the_router_is_away_nobody_is_taken_for_a_stranger() -> None:
    desk = Desk(unavailable("away"))

    with pytest.raises(RouterError):
        desk.met(666)
