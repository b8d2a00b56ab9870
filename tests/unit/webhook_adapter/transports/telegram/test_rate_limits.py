"""Telegram's limits are kept, whatever the network does, and nobody waits without need."""

import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.telegram_faults import TelegramLimits
from tests.fakes.telegram_state import BotError, Chat
from webhook_adapter.transports.telegram.rate_limits import LONGEST_WAIT_S, HeldBack, RateLimits

PAUSES = st.sampled_from([0.0, 0.0, 0.0, 0.0, 0.3, 2.0, 60.0])
TRAVELS = st.sampled_from([0.0, 0.0, 0.05, 3.0])  # seconds of a request or of its answer
PRIVATE, GROUP = "4711", "-4711"


class Now:
    """A clock that moves when somebody waits, or when it is told to."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> float:
        return self.seconds

    def wait(self, _condition: threading.Condition, seconds: float) -> None:
        self.seconds += seconds + 1e-6  # nobody wakes to the moment, and a float could stand still

    def passes(self, seconds: float) -> None:
        self.seconds += seconds


class Desk:
    """A budget that began a while ago, and its clock."""

    def __init__(self, age: float = 3600.0) -> None:
        self.clock = Now()
        self.rate_limits = RateLimits(self.clock)
        self.clock.passes(age)

    def call(self, chat: str = PRIVATE, *, takes: Callable[[], None] = lambda: None, spare: bool = False) -> float:
        """Make a call; seconds it waited for its turn."""
        began = self.clock.seconds
        with self.rate_limits.call(chat, spare=spare):
            waited = round(self.clock.seconds - began, 3)
            takes()
        return waited

    def calls(self, count: int, chat: str = PRIVATE) -> list[float]:
        return [self.call(chat) for _ in range(count)]


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize(
    ("chat", "waits"),
    [(PRIVATE, [0, 0, 0, 1, 1]), (GROUP, [0, 0, 0, 1, 1, 2, 4])],
    ids=["private", "group"],
)
def test_a_few_calls_to_an_idle_chat_go_at_once_then_they_are_spaced(desk: Desk, chat: str, waits: list[float]) -> None:
    assert desk.calls(len(waits), chat) == waits


@pytest.mark.parametrize(("chat", "pause"), [(PRIVATE, 1.0), (GROUP, 4.0)], ids=["private", "group"])
def test_what_nobody_waits_for_goes_only_where_a_burst_is_left(desk: Desk, chat: str, pause: float) -> None:
    desk.call(chat, spare=True)
    with pytest.raises(HeldBack):
        desk.call(chat, spare=True)
    at_once = desk.calls(2, chat)
    desk.clock.passes(3 * pause)

    assert (at_once, desk.call(chat, spare=True)) == ([0, 0], 0)


def test_a_new_courier_sends_nothing_that_nobody_waits_for() -> None:
    with pytest.raises(HeldBack):
        Desk(age=1.0).call(spare=True)


def test_chats_do_not_wait_for_each_other(desk: Desk) -> None:
    desk.calls(3)

    assert desk.calls(2, "4712") == [0, 0]


@pytest.mark.parametrize("age", [0.0, 0.9], ids=["at once", "after a moment"])
def test_a_new_courier_begins_with_one_call_a_chat_for_it_does_not_know_what_the_last_one_sent(age: float) -> None:
    assert Desk(age).calls(3) == [0, 1, 1]


def test_all_chats_together_stay_under_the_bots_own_limit(desk: Desk) -> None:
    began = desk.clock.seconds
    for chat in range(255):
        desk.call(str(chat))

    assert desk.clock.seconds - began == pytest.approx(10.0, rel=0.01)


def test_the_rest_says_when_the_next_call_may_go(desk: Desk) -> None:
    rests = [(desk.call(), desk.rate_limits.rest(PRIVATE))[1] for _ in range(3)]

    assert rests == [(0, 0), (0, 0), (1.0, 0)]


def test_the_time_a_call_takes_brings_no_token(desk: Desk) -> None:
    desk.calls(2)
    desk.call(takes=lambda: desk.clock.passes(5.0))

    assert desk.rate_limits.rest(PRIVATE) == (1.0, 0)


def test_a_429_holds_its_chat_a_second_longer_than_told_and_no_other(desk: Desk) -> None:
    desk.rate_limits.refused(PRIVATE, 7)

    assert (desk.rate_limits.rest(PRIVATE), desk.call("4712"), desk.call()) == ((8.0, 0.0), 0.0, 8.0)


def test_a_429_that_tells_no_time_holds_for_a_while(desk: Desk) -> None:
    desk.rate_limits.refused(PRIVATE, None)

    assert desk.rate_limits.rest(PRIVATE) == (6.0, 0)


def test_a_shorter_wait_does_not_shorten_a_longer_one(desk: Desk) -> None:
    desk.rate_limits.refused(PRIVATE, 20)
    desk.rate_limits.refused(PRIVATE, 1)

    assert desk.rate_limits.rest(PRIVATE) == (21.0, 0)


def test_three_chats_refused_at_once_are_a_pause_of_all(desk: Desk) -> None:
    for chat, seconds in (("1", 3), ("2", 9), ("3", 5)):
        desk.rate_limits.refused(chat, seconds)

    assert (desk.rate_limits.rest(PRIVATE), desk.call()) == ((0.0, 10.0), 10.0)


def test_three_chats_refused_one_after_the_other_are_three_chats(desk: Desk) -> None:
    for chat in ("1", "2", "3"):
        desk.rate_limits.refused(chat, 30)
        desk.clock.passes(2.5)

    assert desk.call() == 0


def test_who_would_wait_too_long_is_sent_away(desk: Desk) -> None:
    desk.rate_limits.refused(PRIVATE, 600)

    with pytest.raises(HeldBack) as held:
        desk.call()

    assert held.value.seconds == 601.0 > LONGEST_WAIT_S


def test_at_the_end_only_short_waits_are_waited_out(desk: Desk) -> None:
    desk.calls(3)
    desk.calls(5, GROUP)
    desk.rate_limits.refused("4712", 10)
    desk.rate_limits.end_within(5.0)

    with pytest.raises(HeldBack):
        desk.call("4712")
    assert (desk.call(), desk.call(GROUP)) == (0.0, 2.0)


def test_a_call_that_fails_has_spent_its_token(desk: Desk) -> None:
    def fails() -> None:
        raise ConnectionError

    for _ in range(3):
        with suppress(ConnectionError):
            desk.call(takes=fails)

    assert desk.call() == 1.0


@given(
    st.sampled_from([4711, -4711]),
    st.lists(st.tuples(PAUSES, TRAVELS, TRAVELS), min_size=30, max_size=60),
)
def test_the_platform_never_has_a_reason_to_refuse(chat_id: int, calls: list[tuple[float, float, float]]) -> None:
    """Each call begins after a pause, arrives after a while, and is answered after another."""
    desk = Desk()
    limits, chat = TelegramLimits(desk.clock, enabled=True), Chat(chat_id, "any", "Ada", 1)
    refusals: list[BotError] = []

    def arrive(there: float, back: float) -> None:
        desk.clock.passes(there)
        try:
            limits.check(chat)
        except BotError as refused:
            refusals.append(refused)
        desk.clock.passes(back)

    for pause, there, back in calls:
        desk.clock.passes(pause)
        desk.call(str(chat_id), takes=lambda there=there, back=back: arrive(there, back))

    assert refusals == []
