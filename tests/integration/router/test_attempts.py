"""Another attempt: only on another link, after a while where the command itself is suspected."""

import grpc
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent, ids
from tests.waiting import wait_until

ESC = types.Action(key=types.KeyPress(name="esc"))


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
        link.heard()
        at_once = router.command(accepted.command_id).attempt
        [frame] = link.commands(1)

    assert at_once == 2
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
