"""The protocol core with frames alone."""

import pytest

from agent.domain.command import Command, Input, Lane, Outcome
from agent.domain.frames import (
    Cancel,
    CommandResult,
    Commands,
    Down,
    Drain,
    Durable,
    Heartbeat,
    HeartbeatAck,
    Notify,
    Receipts,
    Results,
    RouterFrame,
    UpstreamAck,
    Welcome,
)
from agent.link.protocol import GRACE, PROTOCOL, RESULTS_IN_A_FRAME, UPSTREAM_WINDOW, End, Ending, Link, Phase

EPOCH = 7
COMMANDS = Commands((Command("c1", "s1", 0, 1, Lane.NORMAL, Input("hello")),))


def welcomed(**terms: float) -> Link:
    link = Link(now=0.0)
    welcome = Welcome(EPOCH, heartbeat_interval=terms.get("interval", 20.0), heartbeat_timeout=terms.get("timeout", 0))
    link.receive(RouterFrame(EPOCH, welcome), now=1.0)
    return link


def result(seq: int) -> Durable:
    return Durable(seq, CommandResult(f"c{seq}", Outcome.done()))


def test_welcome_gives_the_link_its_epoch_and_the_routers_mark() -> None:
    link = Link(now=0.0)

    link.receive(RouterFrame(EPOCH, Welcome(EPOCH, upstream_acked_seq=41)), now=1.0)

    assert (link.phase, link.epoch, link.acked, link.sent) == (Phase.WELCOMED, EPOCH, 41, 41)
    assert link.frame(Receipts(())).link_epoch == EPOCH


@pytest.mark.parametrize(
    "body", [COMMANDS, Cancel("c1"), UpstreamAck(5), Drain(1.0, 1.0)], ids=lambda b: type(b).__name__
)
@pytest.mark.rule("A6")
def test_nothing_counts_before_welcome(body: Down) -> None:
    link = Link(now=0.0)

    assert link.receive(RouterFrame(0, body), now=1.0) is None
    assert link.phase is Phase.GREETING


@pytest.mark.parametrize("epoch", [0, EPOCH - 1, EPOCH + 1])
@pytest.mark.parametrize(
    "body", [COMMANDS, Cancel("c1"), UpstreamAck(5), Drain(1.0, 1.0)], ids=lambda b: type(b).__name__
)
def test_a_frame_of_another_epoch_changes_nothing(body: Down, epoch: int) -> None:
    link = welcomed()
    link.upstream([result(seq) for seq in range(1, 10)])

    assert link.receive(RouterFrame(epoch, body), now=1.0) is None
    assert (link.phase, link.acked) == (Phase.WELCOMED, 0)


@pytest.mark.parametrize("body", [None, HeartbeatAck(1), Welcome(EPOCH + 1)], ids=["unknown", "ack", "second welcome"])
def test_a_frame_without_consequence_still_counts_as_life(body: Down | None) -> None:
    link = welcomed()

    assert link.receive(RouterFrame(EPOCH, body), now=40.0) is None
    assert not isinstance(link.tick(now=60.0, depth=0), Ending)
    assert link.epoch == EPOCH


def test_heartbeats_come_at_the_interval_of_welcome_with_depth_and_lag() -> None:
    link = welcomed(interval=20.0)

    early, due = link.tick(now=20.9, depth=3), link.tick(now=21.5, depth=3)

    assert early is None
    assert due == link.frame(Heartbeat(1, 3, 0.5))
    assert link.wakes_at() == 41.5


def test_a_heartbeat_tells_where_somebody_typed_since_the_one_before() -> None:
    link, at_desk = welcomed(interval=20.0), [(), ("api",)]

    due = [link.tick(now, 0, at_desk.pop) for now in (21.5, 41.5)]

    assert due == [link.frame(Heartbeat(1, 0, 0.5, ("api",))), link.frame(Heartbeat(2, 0, 0.0))]


def test_a_router_silent_for_two_heartbeats_and_the_grace_is_given_up() -> None:
    link = welcomed(interval=20.0)
    dead_at = 1.0 + 2 * 20.0 + GRACE

    before, after = link.tick(now=dead_at - 0.01, depth=0), link.tick(now=dead_at, depth=0)

    assert not isinstance(before, Ending)
    assert isinstance(after, Ending)
    assert after.end is End.SILENT


@pytest.mark.rule("A23")
def test_the_router_says_how_long_silence_may_last() -> None:
    link = welcomed(interval=20.0, timeout=30.0)

    before, after = link.tick(now=30.9, depth=0), link.tick(now=31.0, depth=0)

    assert not isinstance(before, Ending)
    assert isinstance(after, Ending)


def test_a_protocol_that_this_agent_does_not_speak_ends_the_link() -> None:
    ending = Link(now=0.0).receive(RouterFrame(EPOCH, Welcome(EPOCH, protocol=PROTOCOL + 1)), now=1.0)

    assert isinstance(ending, Ending)
    assert ending.end is End.REFUSED


def test_a_hello_without_an_answer_ends_the_link() -> None:
    ending = Link(now=100.0).tick(now=115.0, depth=0)

    assert isinstance(ending, Ending)


def test_the_window_bounds_what_is_unacknowledged() -> None:
    link = welcomed()
    link.upstream([result(seq) for seq in range(1, UPSTREAM_WINDOW + 1)])

    full = link.room()
    link.receive(RouterFrame(EPOCH, UpstreamAck(100)), now=2.0)

    assert (full, link.room()) == (0, 100)


@pytest.mark.parametrize(
    ("acked", "expected"), [(3, 5), (5, 5), (8, 8), (99, 9)], ids=["older", "same", "newer", "too far"]
)
def test_an_acknowledgement_never_goes_back_nor_beyond_what_was_sent(acked: int, expected: int) -> None:
    link = welcomed()
    link.upstream([result(seq) for seq in range(1, 10)])
    link.receive(RouterFrame(EPOCH, UpstreamAck(5)), now=2.0)

    link.receive(RouterFrame(EPOCH, UpstreamAck(acked)), now=3.0)

    assert link.acked == expected


def test_neighbouring_results_share_a_frame_and_order_is_kept() -> None:
    link = welcomed()
    notification = Durable(3, Notify("n1", "s1", "text"))

    frames = link.upstream([result(1), result(2), notification, result(4)])

    seqs = [[seq for seq, _ in f.body.rows] if isinstance(f.body, Results) else f.body for f in frames]
    assert seqs == [[1, 2], notification, [4]]


def test_a_frame_of_results_stays_small() -> None:
    frames = welcomed().upstream([result(seq) for seq in range(1, 201)])

    sizes = [len(frame.body.rows) for frame in frames if isinstance(frame.body, Results)]
    assert sizes == [RESULTS_IN_A_FRAME] * 3 + [200 - 3 * RESULTS_IN_A_FRAME]


def test_the_third_unreadable_frame_ends_the_link() -> None:
    link = welcomed()

    verdicts = [link.unreadable(now=2.0) for _ in range(3)]

    assert [verdict is None for verdict in verdicts] == [True, True, False]


def test_a_drain_is_told_and_commands_still_count() -> None:
    link = welcomed()

    drain = link.receive(RouterFrame(EPOCH, Drain(5.0, 1.0)), now=2.0)
    commands = link.receive(RouterFrame(EPOCH, COMMANDS), now=2.0)

    assert (drain, commands, link.phase) == (Drain(5.0, 1.0), COMMANDS, Phase.DRAINING)
