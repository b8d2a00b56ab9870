import threading
from collections.abc import Callable, Iterable

import pytest

from pointsman.client.errors import RouterError
from pointsman.client.records import Session, SessionState
from webhook_adapter.courier.typing_indicator import LOOK_S, LOOKS, TypingIndicator
from webhook_adapter.router.errors import unavailable
from webhook_adapter.transports.transport import ChatRef, Kind, Outgoing

PLACE = ChatRef("4711", "7")
RECEIPT = Outgoing(PLACE, "typed in", kind=Kind.STATUS, session_id="s1", machine_id="devbox")
WORDS = Outgoing(PLACE, "done", session_id="s1", machine_id="devbox")
QUESTION = Outgoing(PLACE, "May it?", kind=Kind.QUESTION, session_id="s1", machine_id="devbox")
ANSWERED = Outgoing(PLACE, "It may.", kind=Kind.QUESTION, edit_message_ids=("9",), session_id="s1", machine_id="devbox")


class StandingClock:
    """Time that passes only by waiting, or when a test says so."""

    def __init__(self) -> None:
        self.at = 0.0

    def monotonic(self) -> float:
        return self.at

    def wait(self, _condition: threading.Condition, seconds: float) -> None:
        self.at += seconds


class Desk:
    """A chat, a machine with one session, and the indicator between them."""

    def __init__(self) -> None:
        self.state = SessionState.BUSY
        self.trouble: Exception | None = None
        self.asked: list[str] = []
        self.shown: list[tuple[float, ChatRef]] = []
        self.shows: Callable[[], bool] = lambda: True
        self.clock = StandingClock()
        self.indicator = TypingIndicator(self, self.sessions, self.clock)

    def typing(self, place: ChatRef) -> bool:
        self.shown.append((self.clock.at, place))
        return self.shows()

    def sessions(self, machine_id: str) -> Iterable[Session]:
        self.asked.append(machine_id)
        if self.trouble is not None:
            raise self.trouble
        yield Session("s1", machine_id, "api", "tmux", "/", self.state, 1, True, None, None)

    def passes(self, looks: int) -> None:
        """So many looks, each when it is due."""
        for _ in range(looks):
            self.indicator.look()
            self.clock.at += LOOK_S


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize("told", [RECEIPT, ANSWERED], ids=["a receipt", "a decided question"])
def test_it_shows_work_from_there_on_until_the_turn_ends(desk: Desk, told: Outgoing) -> None:
    desk.indicator.brought(told)
    desk.passes(3)
    desk.state = SessionState.IDLE
    desk.passes(1)
    desk.state = SessionState.BUSY  # with what somebody types at the terminal
    desk.passes(5)

    assert desk.shown == [(0.0, PLACE), (LOOK_S, PLACE), (2 * LOOK_S, PLACE)]


@pytest.mark.parametrize("told", [WORDS, QUESTION], ids=["its words", "its question"])
def test_what_a_session_says_unasked_shows_no_work(desk: Desk, told: Outgoing) -> None:
    desk.indicator.brought(told)
    desk.passes(3)

    assert (desk.shown, desk.asked) == ([], [])


def test_right_behind_what_the_session_says_it_is_not_shown_at_work(desk: Desk) -> None:
    desk.indicator.brought(RECEIPT)
    desk.passes(1)
    desk.indicator.brought(WORDS)
    desk.indicator.look()
    desk.state = SessionState.IDLE
    desk.passes(3)

    assert desk.shown == [(0.0, PLACE)]


def test_a_session_that_says_later_that_it_works_is_waited_for(desk: Desk) -> None:
    desk.state = SessionState.IDLE
    desk.indicator.brought(RECEIPT)
    desk.passes(LOOKS - 1)
    desk.state = SessionState.BUSY
    desk.passes(1)

    assert [place for _, place in desk.shown] == [PLACE]


def test_one_that_never_says_so_is_not_asked_about_for_ever(desk: Desk) -> None:
    desk.state = SessionState.UNKNOWN
    desk.indicator.brought(RECEIPT)
    desk.passes(10)

    assert desk.asked == ["devbox"] * LOOKS


def test_a_chat_that_shows_nothing_is_left_alone(desk: Desk) -> None:
    desk.shows = lambda: False
    desk.indicator.brought(RECEIPT)
    desk.passes(3)

    assert len(desk.shown) == 1


def fails() -> bool:
    raise OSError("no network")


def test_a_fault_of_the_platform_ends_nothing_but_this(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.shows = fails
    desk.indicator.brought(RECEIPT)
    desk.passes(3)
    desk.indicator.brought(RECEIPT)
    desk.passes(1)

    assert len(desk.shown) == 2
    assert "typing not shown" in caplog.text


def test_a_key_that_may_not_ask_does_not_ask_again(desk: Desk) -> None:
    desk.trouble = RouterError("PERMISSION_DENIED", "no")
    desk.indicator.brought(RECEIPT)
    desk.indicator.look()
    desk.indicator.run()

    assert desk.asked == ["devbox"]


@pytest.mark.parametrize("trouble", [unavailable("away"), ValueError("closed channel")], ids=["away", "we end"])
def test_a_router_that_does_not_tell_is_not_asked_for_ever(desk: Desk, trouble: Exception) -> None:
    desk.trouble = trouble
    desk.indicator.brought(RECEIPT)
    desk.passes(10)

    assert (desk.shown, desk.asked) == ([], ["devbox"] * LOOKS)


def test_it_looks_by_itself_until_it_is_closed(desk: Desk) -> None:
    looked = threading.Event()

    def shows() -> bool:
        if len(desk.shown) == 3:
            looked.set()
            desk.indicator.close()
        return True

    desk.shows = shows
    loop = threading.Thread(target=desk.indicator.run)
    loop.start()
    desk.indicator.brought(RECEIPT)
    loop.join(20)

    assert looked.is_set()
    assert [at for at, _ in desk.shown] == [0.0, LOOK_S, 2 * LOOK_S]
