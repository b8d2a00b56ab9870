"""What machines say for keeps: each number once, in order, acknowledged when it is on disk."""

import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.let_in import let_follow
from tests.rigs.thin_agent import ThinAgent, ThinLink
from tests.waiting import wait_until

CHAT = types.ChatRef(transport="test", chat_id="1")


def received(router: RouterUnderTest, link: ThinLink, session: str) -> str:
    """A command that is on the machine's disk."""
    command_id = router.send(session).command_id
    link.commands(1)
    link.receipt(command_id)
    wait_until(lambda: router.command(command_id).state == types.COMMAND_STATE_RECEIVED)
    return command_id


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (link_pb.RESULT_OUTCOME_DONE, types.COMMAND_STATE_DONE),
        (link_pb.RESULT_OUTCOME_FAILED, types.COMMAND_STATE_FAILED),
        (link_pb.RESULT_OUTCOME_UNCERTAIN, types.COMMAND_STATE_UNCERTAIN),
        (link_pb.RESULT_OUTCOME_CANCELLED, types.COMMAND_STATE_CANCELLED),
        (link_pb.RESULT_OUTCOME_EXPIRED, types.COMMAND_STATE_EXPIRED),
    ],
    ids=lambda value: value,
)
def test_a_result_ends_a_command(
    router: RouterUnderTest,
    agent: ThinAgent,
    session: str,
    outcome: "link_pb.ResultOutcome.ValueType",
    state: "types.CommandState.ValueType",
) -> None:
    with agent.connected() as link:
        command_id = received(router, link, session)
        link.result(1, command_id, outcome=outcome, reason=types.REASON_BACKEND_ERROR, detail="why")
        link.acked(1)
        ended = router.command(command_id)

    assert (ended.state, ended.reason, ended.detail) == (state, types.REASON_BACKEND_ERROR, "why")
    assert ended.HasField("ended_at")


@pytest.mark.rule("A20")
def test_an_acknowledgement_comes_after_the_end_is_on_disk(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with agent.connected() as link:
        command_id = received(router, link, session)
        link.result(1, command_id)
        link.acked(1)
        states = router.write(
            lambda tx: tx.execute("SELECT state FROM commands WHERE command_id = ?", (command_id,)).fetchall()
        )

    assert states == [("done",)]


def test_a_result_that_comes_again_is_refused_and_not_applied(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with agent.connected() as link:
        command_id = received(router, link, session)
        link.result(1, command_id)
        link.acked(1)

    with agent.connected() as link:
        link.result(1, command_id, outcome=link_pb.RESULT_OUTCOME_FAILED)
        error = link.take("frame_error")

    assert "the next one is 2" in error.status.message
    assert router.events(command_id) == ["Accepted", "Sent", "Stored", "Ended"]
    assert router.command(command_id).state == types.COMMAND_STATE_DONE


def test_welcome_tells_what_is_on_disk_already(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        link.result(1, received(router, link, session))
        link.acked(1)

    again = agent.dial()
    same_outbox = again.welcome().upstream_acked_seq
    again.goodbye()
    other = agent.dial(outbox_id="another")
    new_outbox = other.welcome().upstream_acked_seq
    other.goodbye()

    assert (same_outbox, new_outbox) == (1, 0)


def test_a_new_outbox_counts_from_one_again(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        link.result(1, received(router, link, session))
        link.acked(1)

    with agent.connected(outbox_id="another") as link:
        command_id = received(router, link, session)
        link.result(1, command_id)
        link.acked(1)

    assert router.command(command_id).state == types.COMMAND_STATE_DONE


def test_results_that_gathered_are_acknowledged_once(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        commands = [received(router, link, session) for _ in range(3)]
        results = [
            link_pb.Result(upstream_seq=n, command_id=command_id, outcome=link_pb.RESULT_OUTCOME_DONE)
            for n, command_id in enumerate(commands, 1)
        ]
        link.frame(results=link_pb.ResultBatch(results=results))
        ack = link.take("upstream_ack")

    assert ack.acked_seq == 3
    assert {router.command(command_id).state for command_id in commands} == {types.COMMAND_STATE_DONE}


def test_a_result_may_overtake_its_receipt(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected(max_in_flight=1) as link:
        first, second = router.send(session, "1"), router.send(session, "2")
        link.commands(1)
        link.result(1, first.command_id)
        link.acked(1)
        link.receipt(first.command_id)
        [frame] = link.commands(1)

    assert frame.command_id == second.command_id
    assert router.events(first.command_id) == ["Accepted", "Sent", "Ended"]


def test_a_result_may_come_on_the_next_link(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        command_id = router.send(session).command_id
        link.commands(1)

    with agent.connected() as link:
        link.result(1, command_id)
        link.acked(1)

    assert router.command(command_id).state == types.COMMAND_STATE_DONE


def test_a_terminal_state_never_changes_and_the_trace_keeps_what_came_late(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with agent.connected() as link:
        command_id = received(router, link, session)
        link.result(1, command_id, outcome=link_pb.RESULT_OUTCOME_UNCERTAIN)
        link.result(2, command_id, outcome=link_pb.RESULT_OUTCOME_DONE)
        link.acked(2)

    assert router.command(command_id).state == types.COMMAND_STATE_UNCERTAIN
    assert router.events(command_id)[-2:] == ["Ended", "LateResult"]


def test_marks_say_what_the_agent_program_did(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        command_id = received(router, link, session)
        link.result(1, command_id)
        link.result(2, command_id, outcome=link_pb.RESULT_OUTCOME_TAKEN)
        link.result(3, command_id, outcome=link_pb.RESULT_OUTCOME_FINISHED)
        link.acked(3)
        marked = router.command(command_id)

    assert marked.state == types.COMMAND_STATE_DONE
    assert marked.HasField("taken_at")
    assert marked.HasField("finished_at")


def test_what_was_not_taken_says_so_with_the_screen_until_it_is(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    command_id = router.send(session).command_id
    with agent.connected() as link:
        link.result(1, command_id)
        link.result(2, command_id, outcome=link_pb.RESULT_OUTCOME_NOT_TAKEN, detail="> hello")
        link.acked(2)
        missed = router.command(command_id)
        link.result(3, command_id, outcome=link_pb.RESULT_OUTCOME_TAKEN)
        link.acked(3)
        taken = router.command(command_id)

    assert (missed.state, missed.reason, missed.detail) == (
        types.COMMAND_STATE_DONE,
        types.REASON_NOT_TAKEN,
        "> hello",
    )
    assert (taken.reason, taken.detail) == (types.REASON_UNSPECIFIED, "")
    assert router.events(command_id)[-3:] == ["Ended", "NotTaken", "Taken"]


def test_a_mark_on_what_was_not_typed_is_nothing(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        command_id = received(router, link, session)
        link.result(1, command_id, outcome=link_pb.RESULT_OUTCOME_TAKEN)
        link.acked(1)

    assert router.command(command_id).state == types.COMMAND_STATE_RECEIVED


def test_a_result_of_a_command_nobody_knows_is_acknowledged(agent: ThinAgent) -> None:
    with agent.connected() as link:
        link.result(1, "no-such-command")
        link.acked(1)


def test_a_machines_message_is_taken_once(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    note = {"notification_id": "11111111-2222-3333-4444-555555555555", "session_id": session, "text": "done"}
    let_follow(router.write, session, CHAT)

    with agent.connected() as link:
        link.frame(notify=link_pb.Notify(upstream_seq=1, targets=[CHAT], **note))
        link.frame(notify=link_pb.Notify(upstream_seq=2, targets=[CHAT], **note))
        ack = link.acked(2)

    with router.courier("test") as courier:
        delivery = courier.brought("m-1")
        [stored] = router.notifications(session)

    assert not ack.rejected
    assert delivery.notification.text == "done"
    assert stored.notification_id == note["notification_id"]


@pytest.mark.parametrize(
    ("note", "reason"),
    [
        ({"session_id": "nobody"}, types.REASON_SESSION_UNKNOWN),
        ({"text": " \n"}, types.REASON_INVALID_ARGUMENT),
        ({"text": "x" * 65_537}, types.REASON_TOO_LARGE),
        ({"buttons": [types.Button(label="x", action="y" * 44)]}, types.REASON_INVALID_ARGUMENT),
        ({"buttons": [types.Button(label="x", action="y")] * 9}, types.REASON_TOO_LARGE),
        ({"notification_id": "not an id"}, types.REASON_INVALID_ARGUMENT),
        ({"targets": []}, types.REASON_ILLEGAL_STATE),
    ],
    ids=["unknown session", "empty", "too long", "long action", "many buttons", "bad id", "nobody wants it"],
)
def test_a_message_that_cannot_be_taken_is_rejected_by_its_number(
    agent: ThinAgent, session: str, note: dict[str, object], reason: "types.Reason.ValueType"
) -> None:
    fields = {"notification_id": "n", "session_id": session, "text": "x", "targets": [CHAT]} | note

    with agent.connected() as link:
        link.frame(notify=link_pb.Notify(upstream_seq=1, **fields))
        [rejection] = link.acked(1).rejected
        link.heard()

    assert (rejection.upstream_seq, rejection.reason) == (1, reason)


def test_a_machine_may_not_speak_for_another_ones_session(router: RouterUnderTest, session: str) -> None:
    stranger = router.machine()

    with stranger.connected() as link:
        link.frame(notify=link_pb.Notify(upstream_seq=1, notification_id="n", session_id=session, text="x"))
        [rejection] = link.acked(1).rejected

    assert rejection.reason == types.REASON_SESSION_OWNED_ELSEWHERE
