"""What comes after the end, or once somebody changed their mind: kept beside the state; the machine has its say."""

import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.rigs.thin_agent import ThinAgent
from tests.waiting import wait_until

CHAT = types.ChatRef(transport="test", chat_id="1", message_id="10")


def cancelled(router: RouterUnderTest, command_id: str) -> types.Command:
    return router.control.CancelCommand(pb.CancelCommandRequest(command_id=command_id)).command


def is_connected(router: RouterUnderTest, agent: ThinAgent) -> bool:
    machines = router.control.ListMachines(pb.ListMachinesRequest()).machines
    return {machine.machine_id: machine.connected for machine in machines}[agent.machine_id]


def sent_once(router: RouterUnderTest, agent: ThinAgent, session: str, **request: object) -> types.Command:
    """A command that waits again: the link it was sent on is gone, and nobody knows what the machine has."""
    with agent.connected() as link:
        command = router.send(session, "x", **request)
        link.commands(1)
    wait_until(lambda: router.command(command.command_id).state == types.COMMAND_STATE_QUEUED)
    return command


def test_what_a_machine_says_after_the_end_stands_beside_it(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    command = sent_once(router, agent, session, ttl={"seconds": 60})
    router.advance(61)
    wait_until(lambda: router.command(command.command_id).state == types.COMMAND_STATE_EXPIRED)

    with agent.connected() as link:
        link.result(1, command.command_id)
        link.acked(1)
    ended = router.command(command.command_id)

    assert ended.state == types.COMMAND_STATE_EXPIRED
    assert "may have been typed; the machine says that it was typed after all" in ended.detail
    assert router.trace(command.command_id)[-1].actor == agent.machine_id


def test_the_person_learns_what_the_machine_said_after_the_end(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with agent.connected() as link:
        command_id = router.submit(CHAT, "x", session_id=session).command_id
        link.commands(1)
    wait_until(lambda: router.command(command_id).state == types.COMMAND_STATE_QUEUED)
    cancelled(router, command_id)

    with agent.connected() as link:
        link.result(1, command_id)
        link.acked(1)
    told = [note.text for note in router.notifications(session) if note.command_id == command_id]

    assert "it was typed after all" in told[0]


@pytest.mark.parametrize("received", [False, True], ids=["sent", "received"])
def test_a_wish_to_take_back_outlives_the_link(
    router: RouterUnderTest, agent: ThinAgent, session: str, *, received: bool
) -> None:
    link = agent.dial()
    agent.last_epoch = link.welcome().link_epoch
    command_id = router.send(session).command_id
    link.commands(1)
    link.receipt(*([command_id] if received else []))
    link.heard()
    wait_until(lambda: received == (router.command(command_id).state == types.COMMAND_STATE_RECEIVED))
    cancelled(router, command_id)
    link.lose()
    wait_until(lambda: not is_connected(router, agent))
    unlinked = types.COMMAND_STATE_RECEIVED if received else types.COMMAND_STATE_CANCELLED
    wait_until(lambda: router.command(command_id).state == unlinked)
    held = link_pb.UnresolvedCommand(command_id=command_id, inbox_state=link_pb.INBOX_STATE_RECEIVED)

    with agent.connected(unresolved=[held]) as next_:
        assert list(next_.terms.recalled) == [command_id]
        next_.result(1, command_id, outcome=link_pb.RESULT_OUTCOME_CANCELLED, reason=types.REASON_CANCELLED)
        next_.acked(1)
        next_.heard()

        assert next_.waiting("command") == 0
    assert router.command(command_id).state == types.COMMAND_STATE_CANCELLED
    assert "CancelAsked" in router.events(command_id)


def test_a_machine_that_was_too_late_to_take_it_back_says_so(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with agent.connected() as link:
        command_id = router.send(session).command_id
        link.commands(1)
        cancelled(router, command_id)
        link.take("cancel")
        link.receipt(command_id)
        link.result(1, command_id)
        link.acked(1)

    assert router.command(command_id).state == types.COMMAND_STATE_DONE
