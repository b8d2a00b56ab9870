"""How commands end without being typed: taken back, out of time, given up; and what people do about it."""

import grpc
import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent
from tests.waiting import wait_until

DAY = 24 * 3600


def cancelled(router: RouterUnderTest, command_id: str) -> types.Command:
    return router.control.CancelCommand(pb.CancelCommandRequest(command_id=command_id)).command


def redriven(router: RouterUnderTest, command_id: str, session_id: str = "") -> types.Command:
    return router.control.Redrive(pb.RedriveRequest(command_id=command_id, session_id=session_id)).command


def dropped(router: RouterUnderTest, command_id: str) -> types.Command:
    return router.control.DropDeadLetter(pb.DropDeadLetterRequest(command_id=command_id)).command


def dead_letters(router: RouterUnderTest) -> list[str]:
    found = router.control.ListDeadLetters(pb.ListDeadLettersRequest()).commands
    return [command.command_id for command in found]


def dead(router: RouterUnderTest, agent: ThinAgent, text: str = "dead") -> types.Command:
    """A dead letter: its session ended before it was sent."""
    session_id = router.session(agent)
    command = router.send(session_id, text)
    router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id=session_id))
    return router.command(command.command_id)


def sent_once(router: RouterUnderTest, agent: ThinAgent, session: str, **request: object) -> types.Command:
    """A command that waits again: the link it was sent on is gone, and nobody knows what the machine has."""
    with agent.connected() as link:
        command = router.send(session, "x", **request)
        link.commands(1)
    wait_until(lambda: router.command(command.command_id).state == types.COMMAND_STATE_QUEUED)
    return command


def test_what_waits_is_taken_back_at_once(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    waiting, next_ = router.send(session, "1"), router.send(session, "2")

    taken_back = cancelled(router, waiting.command_id)

    assert (taken_back.state, taken_back.reason) == (types.COMMAND_STATE_CANCELLED, types.REASON_CANCELLED)
    with agent.connected() as link:
        assert link.commands(1)[0].command_id == next_.command_id


def test_of_what_was_sent_the_machine_decides(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        sent = router.send(session, "x")
        link.commands(1)
        undecided = cancelled(router, sent.command_id)
        cancel = link.take("cancel")
        link.result(1, sent.command_id, outcome=link_pb.RESULT_OUTCOME_CANCELLED, reason=types.REASON_CANCELLED)
        ended = router.command(sent.command_id, wait=5)

    assert undecided.state == types.COMMAND_STATE_SENT
    assert (cancel.command_id, cancel.reason) == (sent.command_id, types.REASON_CANCELLED)
    assert ended.state == types.COMMAND_STATE_CANCELLED


def test_what_ended_cannot_be_taken_back(router: RouterUnderTest, session: str) -> None:
    command_id = router.send(session).command_id
    cancelled(router, command_id)

    with pytest.raises(grpc.RpcError) as refused:
        cancelled(router, command_id)

    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert reason_of(refused.value) == "ILLEGAL_STATE"


def test_a_command_nobody_knows_cannot_be_taken_back(router: RouterUnderTest) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        cancelled(router, "no-such-command")

    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


def test_what_was_taken_back_after_a_send_says_that_it_may_be_typed(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    command = sent_once(router, agent, session)

    assert "may have been typed" in cancelled(router, command.command_id).detail


def test_a_machine_that_comes_back_with_what_is_over_is_told_to_leave_it(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    command = sent_once(router, agent, session)
    cancelled(router, command.command_id)
    held = link_pb.UnresolvedCommand(command_id=command.command_id, inbox_state=link_pb.INBOX_STATE_RECEIVED)

    with agent.connected(unresolved=[held]) as link:
        link.result(1, command.command_id, outcome=link_pb.RESULT_OUTCOME_CANCELLED)
        link.acked(1)

    assert list(link.terms.recalled) == [command.command_id]
    assert router.command(command.command_id).state == types.COMMAND_STATE_CANCELLED
    assert router.events(command.command_id)[-1] == "LateResult"


def test_a_machine_keeps_what_still_lives(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    command = sent_once(router, agent, session)
    held = link_pb.UnresolvedCommand(command_id=command.command_id, inbox_state=link_pb.INBOX_STATE_RECEIVED)

    with agent.connected(unresolved=[held]) as link:
        link.commands(1)
        link.heard()

    assert list(link.terms.recalled) == []


def test_the_senders_own_limit_expires_a_command(router: RouterUnderTest, session: str) -> None:
    short, long = router.send(session, "1", ttl={"seconds": 60}), router.send(session, "2", ttl={"seconds": 600})
    router.advance(61)
    ended = router.command(short.command_id, wait=5)

    assert (ended.state, ended.reason) == (types.COMMAND_STATE_EXPIRED, types.REASON_TTL_EXPIRED)
    assert router.command(long.command_id).state == types.COMMAND_STATE_QUEUED


def test_a_limit_that_is_shorter_than_the_one_before_is_not_missed(router: RouterUnderTest, session: str) -> None:
    router.send(session, "1", ttl={"seconds": 600})
    short = router.send(session, "2", ttl={"nanos": 100_000_000})

    assert router.command(short.command_id, wait=5).state == types.COMMAND_STATE_EXPIRED


def test_a_limit_is_for_the_machine_once_it_was_sent(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        sent = router.send(session, "x", ttl={"seconds": 20})
        link.commands(1)
        router.advance(25)
        router.settle()

        assert router.command(sent.command_id).state == types.COMMAND_STATE_SENT


@pytest.mark.parametrize("ttl", [{"seconds": 0}, {"seconds": -5}], ids=["zero", "negative"])
def test_a_limit_must_lie_ahead(router: RouterUnderTest, session: str, ttl: dict[str, int]) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        router.send(session, ttl=ttl)

    assert reason_of(refused.value) == "INVALID_ARGUMENT"


def test_after_a_day_a_command_is_a_dead_letter(router: RouterUnderTest, session: str) -> None:
    waiting = router.send(session, "x")
    router.advance(DAY + 1)
    ended = router.command(waiting.command_id, wait=5)

    assert (ended.state, ended.reason) == (types.COMMAND_STATE_DEAD, types.REASON_TOO_OLD)
    assert ended.detail == ""
    assert dead_letters(router) == [waiting.command_id]


@pytest.mark.parametrize(
    ("request_", "state"),
    [({}, types.COMMAND_STATE_DEAD), ({"ttl": {"seconds": 3600}}, types.COMMAND_STATE_EXPIRED)],
    ids=["dead", "expired"],
)
def test_an_end_after_a_send_says_that_it_may_be_typed(
    router: RouterUnderTest,
    agent: ThinAgent,
    session: str,
    request_: dict[str, object],
    state: "types.CommandState.ValueType",
) -> None:
    command = sent_once(router, agent, session, **request_)
    router.advance(DAY + 1)
    ended = router.command(command.command_id, wait=5)

    assert ended.state == state
    assert "may have been typed" in ended.detail


def test_a_dead_letter_is_repeated_as_a_new_command(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    letter = dead(router, agent, "again")

    again = redriven(router, letter.command_id, session)

    assert (again.redrive_of, again.session_id) == (letter.command_id, session)
    assert again.action.input.text == "again"
    assert again.command_id != letter.command_id
    assert dead_letters(router) == []
    assert router.command(letter.command_id).state == types.COMMAND_STATE_DEAD


def test_a_dead_letter_for_an_ended_session_needs_another_one(router: RouterUnderTest, agent: ThinAgent) -> None:
    letter = dead(router, agent)

    with pytest.raises(grpc.RpcError) as refused:
        redriven(router, letter.command_id)

    assert reason_of(refused.value) == "SESSION_ENDED"
    assert dead_letters(router) == [letter.command_id]


def test_what_lives_or_was_typed_is_not_repeated(router: RouterUnderTest, session: str) -> None:
    live = router.send(session, "x")

    with pytest.raises(grpc.RpcError) as refused:
        redriven(router, live.command_id)

    assert reason_of(refused.value) == "ILLEGAL_STATE"


def test_a_dropped_letter_is_off_the_list(router: RouterUnderTest, agent: ThinAgent) -> None:
    letter = dead(router, agent)

    assert dropped(router, letter.command_id).dropped
    assert dead_letters(router) == []
    assert router.command(letter.command_id).dropped
    assert router.events(letter.command_id)[-1] == "Dropped"


def test_what_is_no_dead_letter_cannot_be_dropped(router: RouterUnderTest, session: str) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        dropped(router, router.send(session).command_id)

    assert reason_of(refused.value) == "ILLEGAL_STATE"


def test_uncertain_commands_are_dead_letters_newest_first(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    older = dead(router, agent)
    with agent.connected() as link:
        newer = router.send(session)
        link.commands(1)
        link.receipt(newer.command_id)
        link.result(1, newer.command_id, outcome=link_pb.RESULT_OUTCOME_UNCERTAIN)
        link.acked(1)

    assert dead_letters(router) == [newer.command_id, older.command_id]


def test_revoking_a_machine_ends_everything_it_had(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    link = agent.dial(max_in_flight=2)
    link.welcome()
    received, sent = router.send(session, "1"), router.send(session, "2")
    link.commands(2)
    link.receipt(received.command_id)
    waiting = [router.send(session, f"{n}") for n in range(3, 6)]
    wait_until(lambda: router.command(received.command_id).state == types.COMMAND_STATE_RECEIVED)
    revoked = router.control.RevokeMachine(pb.RevokeMachineRequest(machine_id=agent.machine_id))
    link.ended()
    link.lose()

    ended = [router.command(command.command_id) for command in (received, sent, waiting[-1])]
    assert revoked.dead_commands == 5
    assert [command.state for command in ended] == [
        types.COMMAND_STATE_UNCERTAIN,
        types.COMMAND_STATE_DEAD,
        types.COMMAND_STATE_DEAD,
    ]
    assert {command.reason for command in ended} == {types.REASON_MACHINE_REVOKED}
