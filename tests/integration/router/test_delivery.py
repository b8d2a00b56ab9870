"""From accepted to typed: one link, its order, its windows, and what a lost link leaves behind."""

import asyncio
from collections.abc import Callable

import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.rigs.thin_agent import ThinAgent, ids
from tests.waiting import wait_until

ESC = types.Action(key=types.KeyPress(name="esc"))


def test_a_command_travels_from_the_caller_to_the_terminal(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with agent.connected() as link:
        accepted = router.send(session, "ls")
        [frame] = link.commands(1)
        link.receipt(frame.command_id)
        link.result(1, frame.command_id, detail="exit code 0")
        link.acked(1)
        done = router.command(accepted.command_id, wait=5)

    assert accepted.state == types.COMMAND_STATE_SENT
    assert (done.state, done.detail, done.attempt) == (types.COMMAND_STATE_DONE, "exit code 0", 1)
    assert router.events(accepted.command_id) == ["Accepted", "Sent", "Stored", "Ended"]


def test_the_machine_gets_everything_it_needs(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        accepted = router.send(session, "ls\n-l", ttl={"seconds": 90})
        [frame] = link.commands(1)

    assert frame.command_id == accepted.command_id
    assert (frame.session_id, frame.sequence, frame.attempt) == (session, 1, 1)
    assert frame.action == types.Action(input=types.Input(text="ls\n-l", submit=True))
    assert 80 < frame.ttl_remaining.ToSeconds() <= 90
    assert frame.origin.source == "grpc"


def test_commands_are_sent_in_the_order_of_acceptance(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        accepted = [router.send(session, f"{n}") for n in range(40)]
        frames = link.commands(32)
        link.receipt(*ids(frames))
        frames += link.commands(8)

    assert ids(frames) == [command.command_id for command in accepted]
    assert [frame.sequence for frame in frames] == list(range(1, 41))


def test_what_waited_for_a_machine_goes_when_it_connects(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    other = router.session(agent)
    accepted = [router.send(target, "x") for target in (session, other, session)]

    with agent.connected() as link:
        frames = link.commands(3)

    assert {command.state for command in accepted} == {types.COMMAND_STATE_QUEUED}
    assert ids(frames) == [command.command_id for command in accepted]
    assert [frame.sequence for frame in frames] == [1, 1, 2]


def test_an_interrupt_overtakes_what_is_queued(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    [router.send(session, f"{n}") for n in range(3)]
    urgent = router.send(session, action=ESC)

    with agent.connected() as link:
        first, *rest = link.commands(4)

    assert first.command_id == urgent.command_id
    assert (first.lane, {frame.lane for frame in rest}) == (types.LANE_URGENT, {types.LANE_NORMAL})


def test_a_link_without_batches_holds_32_unconfirmed_commands(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    accepted = [router.send(session, f"{n}") for n in range(40)]

    with agent.connected() as link:
        frames = link.commands(32)
        link.heard()
        held = [router.command(command.command_id).attempt for command in accepted[32:]]
        link.receipt(*ids(frames[:5]))
        frames += link.commands(5)
        link.heard()

        assert held == [0] * 8
        assert link.waiting() == 0
        assert router.command(accepted[37].command_id).attempt == 0
        assert link.batches == []


def test_batches_go_only_to_machines_that_take_them(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    accepted = [router.send(session, f"{n}") for n in range(600)]

    with agent.connected(capabilities=["command_batch"]) as link:
        frames = link.commands(512)
        link.heard()

        assert ids(frames) == [command.command_id for command in accepted[:512]]
        assert max(link.batches) > 1
        assert router.command(accepted[512].command_id).attempt == 0


def test_a_machine_may_ask_for_a_smaller_window(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    accepted = [router.send(session, f"{n}") for n in range(3)]

    with agent.connected(max_in_flight=1) as link:
        [first] = link.commands(1)
        held = router.command(accepted[1].command_id).attempt
        link.receipt(first.command_id)
        [second] = link.commands(1)

    assert held == 0
    assert second.command_id == accepted[1].command_id


def test_the_window_ends_at_a_mebibyte(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        accepted = [router.send(session, "x" * 65_000) for _ in range(18)]
        frames = link.commands(16)
        states = [router.command(command.command_id).state for command in accepted[15:]]
        link.receipt(*ids(frames))
        rest = link.commands(2)

    assert states == [types.COMMAND_STATE_SENT, types.COMMAND_STATE_QUEUED, types.COMMAND_STATE_QUEUED]
    assert ids(rest) == [command.command_id for command in accepted[16:]]


def test_what_waited_for_a_machine_respects_the_mebibyte_too(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    accepted = [router.send(session, "x" * 65_000) for _ in range(18)]

    with agent.connected() as link:
        frames = link.commands(16)
        link.heard()
        more = link.waiting()
        link.receipt(frames[0].command_id)
        [next_] = link.commands(1)

    assert more == 0
    assert next_.command_id == accepted[16].command_id


def test_a_duplicate_is_a_receipt_like_any_other(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        accepted = router.send(session, "x")
        link.commands(1)
        link.receipt(
            accepted.command_id,
            outcome=link_pb.RECEIPT_OUTCOME_DUPLICATE,
            inbox_state=link_pb.INBOX_STATE_STARTED,
        )
        wait_until(lambda: router.command(accepted.command_id).state == types.COMMAND_STATE_RECEIVED)
        link.receipt(accepted.command_id, outcome=link_pb.RECEIPT_OUTCOME_DUPLICATE)
        link.heard()

    assert router.events(accepted.command_id) == ["Accepted", "Sent", "Stored"]


@pytest.mark.rule("A12")
def test_a_refusal_for_good_is_the_end(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        accepted = router.send(session, "x")
        link.commands(1)
        link.receipt(accepted.command_id, outcome=link_pb.RECEIPT_OUTCOME_REFUSED, reason=types.REASON_SESSION_UNKNOWN)
        ended = router.command(accepted.command_id, wait=5)

    assert (ended.state, ended.reason) == (types.COMMAND_STATE_FAILED, types.REASON_SESSION_UNKNOWN)


@pytest.mark.parametrize("outcome", [link_pb.RECEIPT_OUTCOME_STORED, link_pb.RECEIPT_OUTCOME_REFUSED])
def test_a_receipt_for_another_machines_command_is_nothing(
    router: RouterUnderTest, agent: ThinAgent, session: str, outcome: "link_pb.ReceiptOutcome.ValueType"
) -> None:
    stranger = router.machine()

    with agent.connected() as link, stranger.connected() as strange:
        accepted = router.send(session, "x")
        link.commands(1)
        strange.receipt(accepted.command_id, outcome=outcome, reason=types.REASON_UNSUPPORTED)
        strange.result(1, accepted.command_id)
        strange.acked(1)

        assert router.command(accepted.command_id).state == types.COMMAND_STATE_SENT


@pytest.fixture
def overtakes(router: RouterUnderTest, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each frame that a link handed in, whether it goes before what others wait for."""
    written: list[bool] = []
    write = router.router.database.write

    def noted(function: Callable[..., object], *, urgent: bool = False, **more: bool) -> "asyncio.Future[object]":
        if "_hand_in" in function.__qualname__:
            written.append(urgent)
        return write(function, urgent=urgent, **more)

    monkeypatch.setattr(router.router.database, "write", noted)
    return written


@pytest.mark.parametrize(("sent", "goes_first"), [(1, False), (2, True), (3, True), (5, False)])
def test_a_receipt_goes_first_before_its_window_is_full(
    router: RouterUnderTest, agent: ThinAgent, session: str, overtakes: list[bool], sent: int, *, goes_first: bool
) -> None:
    """Not where nobody is held up by it, nor where commands wait already: sending those takes longer."""
    with agent.connected(max_in_flight=4) as link:
        accepted = [router.send(session, f"{number}") for number in range(sent)]
        link.commands(min(sent, 4))
        link.receipt(accepted[0].command_id)
        wait_until(lambda: router.command(accepted[0].command_id).state == types.COMMAND_STATE_RECEIVED)

    assert overtakes == [goes_first]


def test_a_receipt_that_frees_nothing_goes_behind_what_people_wait_for(
    router: RouterUnderTest, agent: ThinAgent, session: str, overtakes: list[bool]
) -> None:
    """Else a machine could hold everybody up by saying it over and over."""
    with agent.connected(max_in_flight=4) as link:
        accepted = [router.send(session, f"{number}") for number in range(3)]
        link.commands(3)
        link.receipt(accepted[0].command_id)
        wait_until(lambda: router.command(accepted[0].command_id).state == types.COMMAND_STATE_RECEIVED)
        link.receipt(accepted[0].command_id)
        wait_until(lambda: len(overtakes) == 2)

    assert overtakes == [True, False]
