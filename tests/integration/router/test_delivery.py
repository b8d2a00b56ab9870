"""From accepted to typed: one link, its order, its windows, and what a lost link leaves behind."""

import grpc
import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.fakes.rpc_errors import reason_of
from tests.fakes.thin_agent import ThinAgent, ids
from tests.integration.router.harness import RouterUnderTest
from tests.waiting import wait_until

ESC = types.Action(key=types.KeyPress(name="esc"))


@pytest.fixture
def agent(router: RouterUnderTest) -> ThinAgent:
    return router.machine()


@pytest.fixture
def session(router: RouterUnderTest, agent: ThinAgent) -> str:
    return router.session(agent)


def suspected(router: RouterUnderTest, agent: ThinAgent, session: str) -> types.Command:
    """A command whose link died right after it was sent: its session waits about 2 s on the next one."""
    link = agent.dial()
    link.welcome()
    command = router.send(session, "suspect")
    link.commands(1)
    link.lose()
    return wait_until(lambda: queued(router, command.command_id))


def queued(router: RouterUnderTest, command_id: str) -> types.Command | None:
    command = router.command(command_id)
    return command if command.state == types.COMMAND_STATE_QUEUED else None


def charged(router: RouterUnderTest, agent: ThinAgent, command_id: str) -> int:
    """Wait out any backoff, connect, and break the link over the command; returns its attempt."""
    router.advance(300)
    link = agent.dial()
    link.welcome()
    [frame] = link.commands(1)
    link.lose()
    wait_until(lambda: router.command(command_id).state != types.COMMAND_STATE_SENT)
    return frame.attempt


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
    accepted = [router.send(session, f"{n}") for n in range(300)]

    with agent.connected(capabilities=["command_batch"]) as link:
        frames = link.commands(256)
        link.heard()

        assert ids(frames) == [command.command_id for command in accepted[:256]]
        assert max(link.batches) > 1
        assert router.command(accepted[256].command_id).attempt == 0


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
        frames = link.commands(17)
        states = [router.command(command.command_id).state for command in accepted[16:]]
        link.receipt(*ids(frames))
        [last] = link.commands(1)

    assert states == [types.COMMAND_STATE_SENT, types.COMMAND_STATE_QUEUED]
    assert last.command_id == accepted[17].command_id


def test_nothing_is_sent_twice_on_one_link(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        router.send(session, "once")
        [frame] = link.commands(1)
        router.advance(25)
        link.heard()
        other = router.send(session, "later")
        [second] = link.commands(1)

    assert (frame.attempt, second.command_id) == (1, other.command_id)


def test_a_lost_link_without_a_receipt_means_another_attempt_on_the_next(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    lost = agent.dial()
    lost.welcome()
    accepted = router.send(session, "again")
    lost.commands(1)
    router.advance(11)  # the link dies long after the send: the command is not suspected of it
    lost.lose()
    wait_until(lambda: router.command(accepted.command_id).state == types.COMMAND_STATE_QUEUED)

    with agent.connected() as link:
        [frame] = link.commands(1)

    assert (frame.command_id, frame.attempt) == (accepted.command_id, 2)
    assert router.events(accepted.command_id)[:4] == ["Accepted", "Sent", "Returned", "Sent"]


def test_a_confirmed_command_is_not_sent_again(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        confirmed, open_ = router.send(session, "1"), router.send(session, "2")
        link.commands(2)
        link.receipt(confirmed.command_id)
        wait_until(lambda: router.command(confirmed.command_id).state == types.COMMAND_STATE_RECEIVED)

    with agent.connected() as link:
        [frame] = link.commands(1)
        link.heard()

        assert frame.command_id == open_.command_id
        assert link.waiting() == 0


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


def test_a_link_that_dies_right_after_a_send_makes_the_session_wait(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    accepted = suspected(router, agent, session)

    with agent.connected() as link:
        link.heard()
        held = router.command(accepted.command_id).attempt
        router.advance(2.1)
        [frame] = link.commands(1)

    assert held == 1
    assert (frame.command_id, frame.attempt) == (accepted.command_id, 2)


def test_a_session_that_waits_out_a_backoff_keeps_no_other_waiting(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    other = router.session(agent)
    suspect = suspected(router, agent, session)

    with agent.connected() as link:
        link.heard()
        behind = router.send(session, "behind the suspect")
        innocent = router.send(other, "innocent")
        [first] = link.commands(1)
        router.advance(2.1)
        later = link.commands(2)

    assert first.command_id == innocent.command_id
    assert ids(later) == [suspect.command_id, behind.command_id]


def test_what_waited_out_its_backoff_is_not_overtaken(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    suspect = suspected(router, agent, session)

    with agent.connected(max_in_flight=1) as link:
        filler = router.send(router.session(agent), "fills the window")
        link.commands(1)
        router.advance(2.1)
        router.settle()
        link.receipt(filler.command_id)
        wait_until(lambda: router.command(filler.command_id).state == types.COMMAND_STATE_RECEIVED)
        behind = router.send(session, "behind the suspect")
        [first] = link.commands(1)
        link.receipt(first.command_id)
        [second] = link.commands(1)

    assert ids([first, second]) == [suspect.command_id, behind.command_id]


def test_a_goodbye_is_no_fault_of_what_was_just_sent(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        accepted = router.send(session, "x")
        link.commands(1)
    wait_until(lambda: router.command(accepted.command_id).state == types.COMMAND_STATE_QUEUED)

    with agent.connected() as link:
        link.heard()

        assert router.command(accepted.command_id).attempt == 2


def test_after_thirty_seconds_without_a_receipt_the_link_is_closed(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    link = agent.dial()
    link.welcome()
    accepted = router.send(session, "x")
    link.commands(1)
    router.advance(31)
    code, error = link.ended()
    link.lose()

    assert code is grpc.StatusCode.ABORTED
    assert error
    assert reason_of(error) == "ACK_TIMEOUT"
    assert wait_until(lambda: router.command(accepted.command_id).state == types.COMMAND_STATE_QUEUED)


def test_eight_charged_attempts_make_a_dead_letter(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    accepted = router.send(session, "poison")

    attempts = [charged(router, agent, accepted.command_id) for _ in range(8)]
    dead = router.command(accepted.command_id)

    assert attempts == [1, 2, 3, 4, 5, 6, 7, 8]
    assert (dead.state, dead.reason) == (types.COMMAND_STATE_DEAD, types.REASON_TOO_MANY_ATTEMPTS)


def test_resends_are_counted(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        router.send(session, "x")
        link.commands(1)
    with agent.connected() as link:
        link.commands(1)

    assert router.control.GetStats(pb.GetStatsRequest()).resends == 1
