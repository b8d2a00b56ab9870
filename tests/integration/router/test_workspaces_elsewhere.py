"""An archive that another machine is to put back: it is where it was until that machine says that it has it."""

from collections.abc import Iterator

import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import Caller, RouterUnderTest
from tests.integration.router.test_workspaces import ABLE, KEY, begin, end, refusal, start, tell
from tests.rigs.thin_agent import ThinAgent, ThinLink

ARCHIVE = "/ws/a.tar"


@pytest.fixture
def link(router: RouterUnderTest, agent: ThinAgent) -> Iterator[ThinLink]:
    """Of the machine on which it was archived."""
    with agent.connected(capabilities=ABLE) as link:
        start(router, machine_id=agent.machine_id)
        end(link, begin(link, 1).session_id, 4)
        tell(link, 5, "ARCHIVED", path=ARCHIVE)
        link.acked(5)
        yield link


@pytest.fixture
def other(router: RouterUnderTest) -> ThinAgent:
    """To which it is brought."""
    return router.machine()


def known(router: RouterUnderTest) -> tuple[str, str, str]:
    [one] = router.control.ListWorkspaces(pb.ListWorkspacesRequest()).workspaces
    return one.machine_id, types.WorkspaceState.Name(one.state).removeprefix("WORKSPACE_STATE_"), one.path


def fails(link: ThinLink, frame: link_pb.CommandFrame) -> None:
    """What an agent says that cannot put an archive back."""
    link.receipt(frame.command_id)
    tell(link, 1, "PREPARING")
    tell(link, 2, "FAILED", detail="it is cut off")
    failed = link_pb.RESULT_OUTCOME_FAILED
    link.result(3, frame.command_id, outcome=failed, reason=types.REASON_WORKSPACE_FAILED, detail="it is cut off")
    assert not link.acked(3).rejected


def test_it_moves_when_the_other_machine_has_put_it_back(
    router: RouterUnderTest, agent: ThinAgent, link: ThinLink, other: ThinAgent
) -> None:
    with other.connected(capabilities=ABLE) as there:
        start(router, machine_id=other.machine_id)
        [frame] = there.commands(1)
        assert frame.action.start_session.workspace.restore
        there.receipt(frame.command_id)
        tell(there, 1, "PREPARING")
        there.acked(1)
        assert known(router) == (agent.machine_id, "ARCHIVED", ARCHIVE)

        tell(there, 2, "IN_USE", path="/there/tree")
        there.acked(2)

        assert known(router) == (other.machine_id, "IN_USE", "/there/tree")
        tell(link, 6, "READY")  # the old one has nothing to say any more
        assert link.acked(6).rejected[0].reason == types.REASON_SESSION_OWNED_ELSEWHERE


def test_where_the_other_machine_cannot_it_is_still_on_the_first(
    router: RouterUnderTest, agent: ThinAgent, link: ThinLink, other: ThinAgent
) -> None:
    with other.connected(capabilities=ABLE) as there:
        start(router, machine_id=other.machine_id)
        fails(there, *there.commands(1))

        assert known(router) == (agent.machine_id, "ARCHIVED", ARCHIVE)
        router.control.CloseWorkspace(pb.CloseWorkspaceRequest(key=KEY))  # what is said of it goes there
        assert link.commands(1)[0].action.close_workspace.key == KEY
        assert not there.waiting()


def test_after_a_failed_try_a_start_goes_to_where_the_archive_is(
    router: RouterUnderTest, link: ThinLink, other: ThinAgent
) -> None:
    with other.connected(capabilities=ABLE) as there:
        start(router, machine_id=other.machine_id)
        fails(there, *there.commands(1))

        start(router)

        assert link.commands(1)[0].action.start_session.workspace.restore


@pytest.mark.usefixtures("link")
def test_while_a_session_is_to_put_it_back_no_other_may(
    router: RouterUnderTest, agent: ThinAgent, other: ThinAgent
) -> None:
    with other.connected(capabilities=ABLE) as there:
        start(router, machine_id=other.machine_id)

        assert refusal(start, router, machine_id=agent.machine_id) == "ILLEGAL_STATE"
        assert refusal(router.control.CloseWorkspace, pb.CloseWorkspaceRequest(key=KEY)) == "ILLEGAL_STATE"
        third = router.machine()
        with third.connected(capabilities=ABLE) as stranger:
            tell(stranger, 1, "IN_USE")  # nobody asked it to
            assert stranger.acked(1).rejected[0].reason == types.REASON_SESSION_OWNED_ELSEWHERE
        assert there.commands(1)


@pytest.mark.usefixtures("link")
def test_only_who_may_use_both_machines_moves_it(router: RouterUnderTest, agent: ThinAgent, other: ThinAgent) -> None:
    def limited(*machines: str) -> Caller:
        request = pb.CreateApiKeyRequest(label="ci", role=pb.ROLE_OPERATOR, machines=machines)
        return router.caller(router.control.CreateApiKey(request).secret)

    with other.connected(capabilities=ABLE) as there:
        old, new = limited(agent.machine_id), limited(other.machine_id)
        both = limited(agent.machine_id, other.machine_id)

        assert refusal(start, new, machine_id=other.machine_id) == "NOT_FOUND"
        assert refusal(start, old, machine_id=other.machine_id) in {"NOT_FOUND", "OUT_OF_SCOPE"}
        start(both, machine_id=other.machine_id)
        fails(there, *there.commands(1))
        assert known(old)[0] == agent.machine_id  # who saw it sees it, and nobody else
        assert not new.control.ListWorkspaces(pb.ListWorkspacesRequest()).workspaces
