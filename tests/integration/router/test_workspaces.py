"""Workspaces as the router sees them: asked for by a start, told of by their machine."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import Caller, RouterUnderTest
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent, ThinLink
from tests.rigs.thin_agent import session as update

KEY = "github:acme/api#12"
REPOSITORY = "https://github.com/acme/api"
ABLE = ["start", "workspaces"]


@pytest.fixture
def link(agent: ThinAgent) -> Iterator[ThinLink]:
    with agent.connected(capabilities=ABLE) as link:
        yield link


def start(
    router: RouterUnderTest | Caller, key: str = KEY, machine_id: str = "", **more: Any
) -> pb.StartSessionResponse:
    workspace = types.Workspace(key=key, repository=REPOSITORY, ref="refs/pull/12/head", **more)
    return router.control.StartSession(pb.StartSessionRequest(prompt="go", workspace=workspace, machine_id=machine_id))


def refusal(call: Any, *arguments: Any, **more: Any) -> str:
    with pytest.raises(grpc.RpcError) as refused:
        call(*arguments, **more)
    return reason_of(refused.value)


def begin(link: ThinLink, seq: int, state: str = "IN_USE") -> link_pb.CommandFrame:
    """Take the next start, and say that its session works in its workspace."""
    [frame] = link.commands(1)
    link.receipt(frame.command_id)
    tell(link, seq, state)
    link.frame(session_update=update(frame.session_id, upstream_seq=seq + 1, label="api#12", backend="headless"))
    link.result(seq + 2, frame.command_id)
    link.acked(seq + 2)
    return frame


def tell(link: ThinLink, seq: int, state: str, key: str = KEY, **figures: Any) -> None:
    said = link_pb.WorkspaceUpdate(
        upstream_seq=seq, key=key, state=types.WorkspaceState.Value(f"WORKSPACE_STATE_{state}"), **figures
    )
    link.frame(workspace_update=said)


def events(router: RouterUnderTest) -> list[str]:
    return [step.event for step in router.control.Trace(pb.TraceRequest(id=KEY)).steps]


def end(link: ThinLink, session_id: str, seq: int) -> None:
    link.frame(session_closed=link_pb.SessionClosed(upstream_seq=seq, session_id=session_id, generation=1))
    link.acked(seq)


def test_a_start_brings_its_workspace_to_the_machine(router: RouterUnderTest, link: ThinLink) -> None:
    started = start(router, foreign=True, base_ref="refs/heads/main", restore=True)

    frame = begin(link, 1)
    asked = frame.action.start_session.workspace
    assert (asked.key, asked.repository, asked.ref) == (KEY, REPOSITORY, "refs/pull/12/head")
    assert (asked.base_ref, asked.foreign, asked.restore) == ("refs/heads/main", True, False)
    assert started.session.label == "api#12"
    assert events(router) == ["WorkspaceAsked", "WorkspaceTold"]


def test_while_a_session_is_in_it_no_other_begins_there(router: RouterUnderTest, link: ThinLink) -> None:
    start(router)
    first = begin(link, 1)

    assert refusal(start, router) == "ILLEGAL_STATE"
    end(link, first.session_id, 4)
    tell(link, 5, "READY")
    link.acked(5)
    again = start(router)
    assert again.session.session_id != first.session_id
    assert not link.commands(1)[0].action.start_session.workspace.restore


def test_what_was_archived_has_to_be_put_back(router: RouterUnderTest, link: ThinLink) -> None:
    start(router, foreign=True, base_ref="refs/heads/main")
    first = begin(link, 1)
    end(link, first.session_id, 4)
    tell(link, 5, "ARCHIVED", path="/ws/a.tar")
    link.acked(5)

    start(router)

    asked = link.commands(1)[0].action.start_session.workspace
    assert (asked.restore, asked.foreign, asked.base_ref) == (True, True, "refs/heads/main")


def test_a_start_that_fails_leaves_a_workspace_that_failed_and_another_start_may_follow(
    router: RouterUnderTest, link: ThinLink
) -> None:
    start(router)
    [frame] = link.commands(1)
    link.receipt(frame.command_id)
    link.result(
        1, frame.command_id, outcome=link_pb.RESULT_OUTCOME_FAILED, reason=types.REASON_WORKSPACE_FAILED, detail="no"
    )
    link.acked(1)

    assert events(router) == ["WorkspaceAsked", "WorkspaceNotBegun"]
    assert start(router).command.state == types.COMMAND_STATE_SENT


def test_a_machine_without_workspaces_is_not_asked(router: RouterUnderTest, agent: ThinAgent) -> None:
    with agent.connected(capabilities=["start"]):
        assert refusal(start, router, machine_id=agent.machine_id) == "UNSUPPORTED"


def test_it_stays_on_its_machine(router: RouterUnderTest, link: ThinLink) -> None:
    start(router)
    first = begin(link, 1)
    end(link, first.session_id, 4)
    elsewhere = router.machine()
    with elsewhere.connected(capabilities=ABLE) as other:
        assert refusal(start, router, machine_id=elsewhere.machine_id) == "ILLEGAL_STATE"
        tell(other, 1, "GONE")  # somebody else's: refused for good

        assert other.acked(1).rejected[0].reason == types.REASON_SESSION_OWNED_ELSEWHERE
        start(router)  # to where it is
        assert link.commands(1)[0].action.WhichOneof("kind") == "start_session"


def test_one_that_only_the_machine_knows_is_kept_and_a_state_that_no_machine_may_say_is_refused(
    router: RouterUnderTest, link: ThinLink
) -> None:
    tell(link, 1, "READY", unpushed=3)
    tell(link, 2, "CLOSING")

    assert link.acked(2).rejected[0].reason == types.REASON_UNSUPPORTED
    assert events(router) == ["WorkspaceAsked", "WorkspaceTold"]
    tell(link, 3, "READY", key="no key")
    assert link.acked(3).rejected[0].reason == types.REASON_INVALID_ARGUMENT


@pytest.mark.parametrize("folder", ["~/src", "/srv"])
def test_a_folder_and_a_workspace_are_one_too_many(router: RouterUnderTest, link: ThinLink, folder: str) -> None:
    request = pb.StartSessionRequest(
        prompt="go", folder=folder, workspace=types.Workspace(key=KEY, repository=REPOSITORY)
    )

    assert refusal(router.control.StartSession, request) == "INVALID_ARGUMENT"
    assert not link.waiting()


def test_a_policy_that_names_folders_allows_no_workspace(router: RouterUnderTest, agent: ThinAgent) -> None:
    policy = types.MachinePolicy(folders=["~/src"])
    with agent.connected(capabilities=ABLE, start_folders=["~/src"]):
        router.control.SetMachinePolicy(pb.SetMachinePolicyRequest(machine_id=agent.machine_id, policy=policy))

        assert refusal(start, router) == "FOLDER_NOT_ALLOWED"
