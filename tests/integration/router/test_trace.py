"""One story from the door to the terminal: every step with when, why and by whom, from rows that outlive restarts."""

import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from google.protobuf.timestamp_pb2 import Timestamp

from tests.integration.router.harness import RouterUnderTest, fresh
from tests.rigs.thin_agent import ThinAgent
from tests.waiting import wait_until

CHAT = types.ChatRef(transport="test", chat_id="1", message_id="10")
UPDATE = "test:bot:4711"
TYPED_AT = Timestamp(seconds=1_767_225_600)


@pytest.fixture
def command(router: RouterUnderTest, agent: ThinAgent, session: str) -> str:
    """A person's reply that was sent twice, typed, and told of in the chat."""
    with router.courier("test") as courier:
        lost = agent.dial()
        agent.last_epoch = lost.welcome().link_epoch
        submitted = router.submit(CHAT, "go on", session_id=session, update_key=UPDATE)
        lost.commands(1)
        router.advance(11)
        lost.lose()
        wait_until(lambda: router.command(submitted.command_id).state == types.COMMAND_STATE_QUEUED)
        with agent.connected() as link:
            link.commands(1)
            link.receipt(submitted.command_id)
            link.result(1, submitted.command_id, typed_at=TYPED_AT)
            link.acked(1)
        courier.brought("501")
        wait_until(lambda: "Delivered" in [step.event for step in router.trace(submitted.command_id)])
    return submitted.command_id


def told(steps: list[pb.TraceStep], subject: str) -> list[tuple[str, str, str]]:
    return [(step.event, step.actor, step.detail) for step in steps if step.subject_id == subject]


def test_a_command_is_told_from_the_door_to_the_terminal_and_back(
    router: RouterUnderTest, agent: ThinAgent, command: str
) -> None:
    steps = router.trace(command)

    assert told(steps, command) == [
        ("Accepted", "Ada", UPDATE),
        ("Sent", "router", "attempt 1, epoch 1"),
        ("Returned", "router", ""),
        ("Sent", "router", "attempt 2, epoch 2"),
        ("Stored", agent.machine_id, "epoch 2"),
        ("Ended", agent.machine_id, "typed 00:00:00.000000 UTC"),
    ]
    [receipt] = {step.subject_id for step in steps} - {command}
    assert [(event, who) for event, who, _ in told(steps, receipt)][-2:] == [("Leased", "test"), ("Delivered", "test")]


def test_a_command_is_followed_into_those_that_were_made_from_it(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    other = fresh("other")
    router.control.RegisterSession(pb.RegisterSessionRequest(session_id=other, machine_id=agent.machine_id))
    lost = router.send(session)
    router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id=session))
    redirected = router.control.Redrive(pb.RedriveRequest(command_id=lost.command_id, session_id=other)).command
    router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id=other))
    router.control.RegisterSession(pb.RegisterSessionRequest(session_id=other, machine_id=agent.machine_id))
    again = router.control.Redrive(pb.RedriveRequest(command_id=redirected.command_id)).command

    steps = router.trace(lost.command_id)

    names = list(dict.fromkeys(step.subject_id for step in steps))
    assert names == [lost.command_id, redirected.command_id, again.command_id]
    assert redirected.command_id not in {step.subject_id for step in router.trace(again.command_id)}


def test_the_update_that_became_it_leads_to_the_same_story(router: RouterUnderTest, command: str) -> None:
    router.restart()

    assert router.trace(UPDATE) == router.trace(command)


def test_an_update_that_was_only_answered_says_so(router: RouterUnderTest) -> None:
    router.submit(CHAT, "to nobody in particular", update_key="test:bot:1")

    [step] = router.trace("test:bot:1")
    assert (step.event, step.actor) == ("Answered", "Ada")
    assert "No sessions yet" in step.detail


def test_a_notification_has_a_story_of_its_own(router: RouterUnderTest, session: str) -> None:
    with router.courier("test") as courier:
        [note] = router.notify(session, CHAT)
        courier.brought("77")
        wait_until(lambda: len(router.trace(note.notification_id)) == 3)

    assert router.events(note.notification_id) == ["Accepted", "Leased", "Delivered"]


def test_a_repeat_names_what_it_repeats(router: RouterUnderTest, session: str) -> None:
    first = router.send(session).command_id
    router.control.CancelCommand(pb.CancelCommandRequest(command_id=first))
    again = router.control.Redrive(pb.RedriveRequest(command_id=first)).command.command_id

    assert router.trace(again)[0].detail == f"repeats {first}"


def test_a_machine_tells_of_its_links(router: RouterUnderTest, agent: ThinAgent) -> None:
    with agent.connected(instance_id="p-1", agent_version="9.9"):
        pass

    assert router.trace(agent.machine_id)[-1].detail == "epoch 1, process p-1, agent 9.9"


@pytest.mark.parametrize("seconds", [2**40, -5])
def test_a_time_that_no_calendar_has_is_left_out(
    router: RouterUnderTest, agent: ThinAgent, session: str, seconds: int
) -> None:
    with agent.connected() as link:
        command_id = router.send(session).command_id
        link.commands(1)
        link.result(1, command_id, outcome=link_pb.RESULT_OUTCOME_DONE, typed_at=Timestamp(seconds=seconds))
        link.acked(1)

    assert router.command(command_id).state == types.COMMAND_STATE_DONE
    assert router.trace(command_id)[-1].detail == ""
