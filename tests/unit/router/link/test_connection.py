"""An agent link's rules, with frames and times alone."""

import pytest

from router.domain.errors import Reason
from router.domain.frames import (
    AgentFrame,
    Drain,
    FrameError,
    Goodbye,
    Heartbeat,
    HeartbeatAck,
    Hello,
    Receipts,
    Upstream,
)
from router.link.connection import Close, Connection, Greet, Handle, Phase, Reply, Step, heartbeat_interval

START = 1_000.0
EPOCH = 5
BAD = [Reply(FrameError("frame", Reason.BAD_FRAME, "garbage"))]


def hello(machine_id: str = "devbox", protocol_min: int = 1, protocol_max: int = 1) -> Hello:
    return Hello(machine_id, "i", "inbox", "outbox", 0, "1", protocol_min, protocol_max, frozenset(), 0, ())


def greeted() -> Connection:
    connection = Connection("devbox", START)
    connection.receive(0, hello(), START)
    connection.welcomed(EPOCH)
    return connection


def only_close(steps: list[Step]) -> Close:
    [step] = steps
    assert isinstance(step, Close)
    return step


def named(value: object) -> str:
    return type(value).__name__


OTHERS: list[AgentFrame] = [Receipts(()), Upstream(()), Heartbeat(1), Goodbye("bye")]


def test_hello_is_greeted() -> None:
    connection = Connection("devbox", START)

    assert connection.receive(0, hello(), START) == [Greet(hello())]
    assert connection.phase is Phase.OPEN


@pytest.mark.parametrize("frame", OTHERS, ids=named)
def test_nothing_may_come_before_hello(frame: AgentFrame) -> None:
    connection = Connection("devbox", START)

    assert only_close(connection.receive(0, frame, START)).reason is Reason.BAD_FRAME
    assert connection.phase is Phase.CLOSED


def test_unreadable_bytes_before_hello_end_the_link() -> None:
    connection = Connection("devbox", START)

    assert only_close(connection.bad_frame("garbage", START)).reason is Reason.BAD_FRAME


def test_hello_may_come_only_once() -> None:
    connection = greeted()

    assert only_close(connection.receive(EPOCH, hello(), START)).reason is Reason.BAD_FRAME
    assert connection.phase is Phase.CLOSED


def test_hello_of_another_machine_is_not_allowed() -> None:
    connection = Connection("devbox", START)

    assert only_close(connection.receive(0, hello("laptop"), START)).reason is Reason.PERMISSION_DENIED


@pytest.mark.parametrize(("oldest", "newest"), [(2, 3), (0, 0), (2, 1)])
def test_without_a_common_protocol_version_there_is_no_link(oldest: int, newest: int) -> None:
    connection = Connection("devbox", START)

    close = only_close(connection.receive(0, hello("devbox", oldest, newest), START))

    assert close.reason is Reason.PROTOCOL_VERSION
    assert f"{oldest} to {newest}" in close.text


@pytest.mark.parametrize(("oldest", "newest"), [(1, 1), (0, 1), (1, 9), (0, 9)])
def test_one_common_version_is_enough(oldest: int, newest: int) -> None:
    asked = hello("devbox", oldest, newest)

    assert Connection("devbox", START).receive(0, asked, START) == [Greet(asked)]


@pytest.mark.parametrize("frame", [Receipts(()), Upstream(())], ids=named)
def test_what_services_must_see_is_handed_on(frame: Receipts | Upstream) -> None:
    assert greeted().receive(EPOCH, frame, START) == [Handle(frame)]


def test_a_heartbeat_comes_back_with_its_nonce() -> None:
    assert greeted().receive(EPOCH, Heartbeat(77), START) == [Reply(HeartbeatAck(77))]


def test_a_goodbye_ends_the_link_in_peace() -> None:
    connection = greeted()

    assert connection.receive(EPOCH, Goodbye("updating"), START) == [Close(Reason.UNSPECIFIED, "updating", clean=True)]
    assert connection.phase is Phase.CLOSED


@pytest.mark.parametrize("frame", OTHERS, ids=named)
@pytest.mark.parametrize("epoch", [0, EPOCH - 1, EPOCH + 1])
def test_a_frame_of_another_epoch_is_answered_and_not_acted_on(epoch: int, frame: AgentFrame) -> None:
    connection = greeted()

    [step] = connection.receive(epoch, frame, START)

    assert isinstance(step, Reply)
    assert isinstance(step.frame, FrameError)
    assert connection.phase is Phase.OPEN


def test_the_third_bad_frame_ends_the_link() -> None:
    connection = greeted()

    assert connection.bad_frame("garbage", START) == BAD
    assert connection.bad_frame("garbage", START) == BAD
    assert only_close(connection.bad_frame("garbage", START)).reason is Reason.BAD_FRAME


def test_stale_epochs_count_as_bad_frames() -> None:
    connection = greeted()
    connection.receive(EPOCH - 1, Heartbeat(1), START)
    connection.receive(EPOCH, Heartbeat(2), START)
    connection.receive(EPOCH - 1, Heartbeat(3), START)

    assert only_close(connection.receive(EPOCH - 1, Heartbeat(4), START)).reason is Reason.BAD_FRAME


@pytest.mark.parametrize(("waited", "closes"), [(9.9, False), (10.0, True), (100.0, True)])
def test_hello_must_come_within_ten_seconds(waited: float, closes: bool) -> None:
    connection = Connection("devbox", START)

    assert bool(connection.tick(START + waited)) is closes


@pytest.mark.parametrize(("silence", "closes"), [(20.0, False), (59.9, False), (60.0, True)])
def test_three_missing_heartbeats_end_the_link(silence: float, closes: bool) -> None:
    connection = greeted()
    connection.receive(EPOCH, Heartbeat(1), START + 5)

    assert bool(connection.tick(START + 5 + silence)) is closes


def test_any_frame_is_a_sign_of_life_even_a_bad_one() -> None:
    connection = greeted()
    connection.bad_frame("garbage", START + 50)

    assert connection.tick(START + 100) == []
    assert connection.deadline() == START + 110


def test_a_tick_at_the_deadline_has_something_to_say() -> None:
    waiting, silent = Connection("devbox", START), greeted()

    assert waiting.tick(waiting.deadline())
    assert silent.tick(silent.deadline())


def test_a_closed_link_has_nothing_more_to_say() -> None:
    connection = greeted()
    connection.receive(EPOCH, Goodbye("bye"), START)

    assert connection.tick(START + 10_000) == []


def asked_to_leave(steps: list[Step]) -> Drain:
    [step] = steps
    assert isinstance(step, Reply)
    assert isinstance(step.frame, Drain)
    return step.frame


def test_a_link_whose_time_has_come_is_asked_to_leave_and_then_put_out() -> None:
    connection = Connection("devbox", START)
    connection.receive(0, hello(), START)
    connection.welcomed(EPOCH, rotate_at=START + 30)

    assert connection.tick(START + 29) == []
    assert asked_to_leave(connection.tick(connection.deadline())).deadline == 10.0
    assert connection.phase is Phase.DRAINING
    assert connection.tick(START + 39) == []
    assert only_close(connection.tick(connection.deadline())).reason is Reason.DRAINING


def test_a_draining_link_is_heard_to_its_end() -> None:
    connection = greeted()
    asked_to_leave(connection.drain(START, 2.0, 1.0))

    assert connection.receive(EPOCH, Receipts(()), START) == [Handle(Receipts(()))]
    assert connection.receive(EPOCH, Goodbye("draining"), START) == [Close(Reason.UNSPECIFIED, "draining", clean=True)]


def test_a_link_is_asked_to_leave_once() -> None:
    connection = greeted()
    asked_to_leave(connection.drain(START, 2.0, 1.0))

    assert connection.drain(START, 2.0, 1.0) == []


def test_a_link_before_its_hello_is_not_asked_to_leave() -> None:
    assert Connection("devbox", START).drain(START, 2.0, 1.0) == []


@pytest.mark.parametrize(
    ("links", "jitter", "seconds"), [(1, 0.5, 20.0), (1, 0.0, 18.0), (4_000, 0.5, 20.0), (10_000, 0.5, 50.0)]
)
def test_heartbeats_are_rarer_where_there_are_many_links(links: int, jitter: float, seconds: float) -> None:
    assert heartbeat_interval(links, jitter) == pytest.approx(seconds)


def test_silence_is_three_of_the_intervals_that_were_dictated() -> None:
    connection = Connection("devbox", START)
    connection.receive(0, hello(), START)
    connection.welcomed(EPOCH, interval=50.0)

    assert connection.tick(START + 149) == []
    assert only_close(connection.tick(START + 150)).reason is Reason.SILENCE
