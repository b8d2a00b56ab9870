"""A start goes only where starting works: a machine says in its hello whether it does."""

import grpc
import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.test_starts import HERE, courier, session, start
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent
from tests.rigs.thin_courier import ThinCourier

__all__ = ["courier"]


@pytest.mark.rule("A26")
def test_a_start_goes_to_no_machine_that_says_it_starts_none(router: RouterUnderTest, agent: ThinAgent) -> None:
    with agent.connected(capabilities=["text"]), pytest.raises(grpc.RpcError) as refused:
        start(router)

    assert (refused.value.code(), reason_of(refused.value)) == (grpc.StatusCode.FAILED_PRECONDITION, "UNSUPPORTED")
    assert f"{agent.machine_id} starts no sessions" in refused.value.details()
    assert not router.control.ListSessions(pb.ListSessionsRequest(include_ended=True)).sessions


def test_what_a_machine_that_is_away_last_said_of_itself_counts(router: RouterUnderTest, agent: ThinAgent) -> None:
    other = router.machine()
    with agent.connected(capabilities=["text"]), other.connected():
        pass
    machines = router.control.ListMachines(pb.ListMachinesRequest()).machines

    with pytest.raises(grpc.RpcError, match=f"Machines that start some: {other.machine_id}"):
        start(router, machine_id=agent.machine_id)
    assert start(router).session.machine_id == other.machine_id
    assert {one.machine_id: list(one.capabilities) for one in machines} == {
        agent.machine_id: ["text"],
        other.machine_id: sorted(other.hello().capabilities),
    }


def test_a_start_ends_where_its_machine_says_later_that_it_starts_none(
    router: RouterUnderTest, agent: ThinAgent
) -> None:
    started = start(router)
    with agent.connected(capabilities=["text"]) as link:
        link.heard()
        ended = router.command(started.command.command_id)

        assert link.waiting() == 0
    assert (ended.state, ended.reason) == (types.COMMAND_STATE_FAILED, types.REASON_UNSUPPORTED)
    assert "POINTSMAN_START_FOLDERS" in ended.detail
    assert session(router, started.session.session_id).state == types.SESSION_STATE_ENDED


def test_a_person_is_told_that_their_start_cannot_be(
    router: RouterUnderTest, agent: ThinAgent, courier: ThinCourier
) -> None:
    router.submit(HERE, "/new fix it")
    courier.brought("500")
    with agent.connected(capabilities=["text"]):
        told = courier.brought("500")

    assert "Not started on" in told.notification.text
    assert "POINTSMAN_START_FOLDERS" in told.notification.text
