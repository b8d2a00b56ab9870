"""Two daemons with one identity: held off, and the operator is told."""

import grpc
import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent, ThinLink, ids
from tests.waiting import wait_until


def is_quarantined(router: RouterUnderTest, agent: ThinAgent) -> bool:
    machines = router.control.ListMachines(pb.ListMachinesRequest()).machines
    return {machine.machine_id: machine.quarantined for machine in machines}[agent.machine_id]


def ended(link: ThinLink) -> tuple[grpc.StatusCode, str]:
    code, error = link.ended()
    link.lose()
    return code, reason_of(error) if error else ""


def came(agent: ThinAgent, *instances: str) -> ThinLink:
    """Processes that take over from each other; returns the last one's link, which may be refused."""
    for instance in instances[:-1]:
        link = agent.dial(instance_id=instance)
        link.welcome()
        link.lose()
    return agent.dial(instance_id=instances[-1])


def test_what_was_sent_to_one_is_not_sent_to_its_twin(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    one = agent.dial(instance_id="a")
    one.welcome()
    sent = router.send(session, "to the one")
    one.commands(1)
    twin = agent.dial(instance_id="b")
    twin.welcome()
    after = router.send(session, "to the other")

    assert ids(twin.commands(1)) == [after.command_id]
    assert router.command(sent.command_id).state == types.COMMAND_STATE_UNCERTAIN
    one.lose()
    twin.lose()


HELD_OFF = (grpc.StatusCode.ABORTED, "DUPLICATE_MACHINE")


def test_two_processes_that_take_turns_three_times_are_both_held_off(router: RouterUnderTest, agent: ThinAgent) -> None:
    third_return = ended(came(agent, "a", "b", "a", "b", "a"))
    either = [ended(agent.dial(instance_id=instance)) for instance in ("a", "b")]

    assert third_return == HELD_OFF
    assert either == [HELD_OFF, HELD_OFF]
    assert is_quarantined(router, agent)


def test_the_one_that_is_connected_is_put_out_with_a_word(agent: ThinAgent) -> None:
    connected = came(agent, "a", "b", "a", "b")
    connected.welcome()
    refused = ended(agent.dial(instance_id="a"))

    assert refused == HELD_OFF
    assert ended(connected) == HELD_OFF


def test_the_operator_is_told(router: RouterUnderTest, agent: ThinAgent) -> None:
    with router.courier("test", "ops") as courier:
        ended(came(agent, "a", "b", "a", "b", "a"))
        told = courier.take().notification.text

    assert agent.machine_id in told
    assert "Stop one" in told


def test_what_waits_keeps_waiting_and_goes_to_the_process_that_was_restarted(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    waiting = router.send(session)
    ended(came(agent, "a", "b", "a", "b", "a"))
    router.restart()
    again = router.stranger(agent.machine_id)
    again.key, again.last_epoch = agent.key, 4
    still_held = [ended(again.dial(instance_id=instance)) for instance in ("a", "b")]
    link = again.dial(instance_id="c", inbox_id=agent.inbox_id)
    [frame] = link.commands(1)
    link.goodbye()

    assert still_held == [HELD_OFF, HELD_OFF]
    assert frame.command_id == waiting.command_id
    assert not is_quarantined(router, again)


@pytest.mark.parametrize(
    "instances",
    [("a", "a", "a", "a", "a", "a"), ("a", "b", "c", "d", "e", "f"), ("a", "b", "a", "b")],
    ids=["one reconnects", "one restarts", "two turns"],
)
def test_reconnects_and_restarts_are_no_clash(
    router: RouterUnderTest, agent: ThinAgent, instances: tuple[str, ...]
) -> None:
    link = came(agent, *instances)
    link.welcome()
    link.goodbye()

    assert not is_quarantined(router, agent)


def test_turns_over_more_than_a_minute_are_no_clash(router: RouterUnderTest, agent: ThinAgent) -> None:
    came(agent, "a", "b", "a", "b").lose()
    router.advance(61)
    link = came(agent, "a", "b", "a")
    link.welcome()
    link.goodbye()

    assert not is_quarantined(router, agent)


def test_enrolling_anew_lets_the_machine_in(router: RouterUnderTest, agent: ThinAgent) -> None:
    ended(came(agent, "a", "b", "a", "b", "a"))
    agent.enrol(router.join_token())
    link = agent.dial(instance_id="a")
    link.welcome()
    link.goodbye()

    assert wait_until(lambda: not is_quarantined(router, agent))
