"""What people say of workspaces and what platforms do; what becomes of those whose machine was revoked."""

import grpc
import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from agentlink.v1.control_pb2_grpc import ControlStub

from tests.integration.router.harness import RouterUnderTest, fresh
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent
from tests.rigs.workspace_changes import a_workspace


@pytest.fixture
def key(router: RouterUnderTest, agent: ThinAgent) -> str:
    """Of a workspace that is there."""
    return a_workspace(router, agent.machine_id, "", "acme")


@pytest.fixture
def platform(router: RouterUnderTest) -> ControlStub:
    """Who speaks for GitHub."""
    return router.caller(router.key(pb.ROLE_ADAPTER)).control


def says(control: ControlStub, key: str, *, over: bool, login_id: str = "") -> types.KnownWorkspace:
    request = pb.SayWorkspaceOverRequest(key=key, over=over, login_id=login_id)
    return control.SayWorkspaceOver(request).workspace


def browser(router: RouterUnderTest, name: str, role: types.PersonRole.ValueType) -> str:
    """Somebody at the console."""
    login_id = fresh(f"the login of {name}")
    code = router.control.CreatePairingCode(pb.CreatePairingCodeRequest(person_name=name, role=role)).code
    shown = chat_pb.OpenBrowserRequest(login_id=login_id, label="Firefox", code=code)
    shown.lifetime.FromSeconds(12 * 3600)
    router.chat.OpenBrowser(shown)
    return login_id


def test_what_a_person_keeps_no_platform_closes(router: RouterUnderTest, platform: ControlStub, key: str) -> None:
    says(platform, key, over=True)
    kept = says(router.control, key, over=False)
    again = says(platform, key, over=True)

    assert (kept.state, again.state) == (types.WORKSPACE_STATE_ASKED, types.WORKSPACE_STATE_ASKED)
    assert again.kept_by
    assert says(router.control, key, over=True).state == types.WORKSPACE_STATE_CLOSING


def test_what_a_platform_says_is_open_it_may_close(platform: ControlStub, key: str) -> None:
    says(platform, key, over=True)
    opened = says(platform, key, over=False)

    assert (opened.state, opened.kept_by) == (types.WORKSPACE_STATE_ASKED, "")
    assert says(platform, key, over=True).state == types.WORKSPACE_STATE_CLOSING


def test_somebody_at_the_console_is_a_person(router: RouterUnderTest, platform: ControlStub, key: str) -> None:
    ada = browser(router, "Ada", types.PERSON_ROLE_OPERATOR)

    assert says(platform, key, over=False, login_id=ada).kept_by == "web:console (Ada)"


@pytest.mark.parametrize("role", [types.PERSON_ROLE_VIEWER, types.PERSON_ROLE_APPROVER])
def test_who_may_only_look_closes_nothing(
    router: RouterUnderTest, platform: ControlStub, key: str, role: types.PersonRole.ValueType
) -> None:
    bob = browser(router, "Bob", role)
    there = platform.ListWorkspaces(pb.ListWorkspacesRequest(login_id=bob)).workspaces
    told = platform.SweepWorkspaces(pb.SweepWorkspacesRequest(dry_run=True, login_id=bob)).decisions
    with pytest.raises(grpc.RpcError) as refused:
        says(platform, key, over=True, login_id=bob)
    with pytest.raises(grpc.RpcError) as swept:
        platform.SweepWorkspaces(pb.SweepWorkspacesRequest(login_id=bob))

    assert [each.workspace.key for each in there] == [each.key for each in told] == [key]
    assert reason_of(refused.value) == reason_of(swept.value) == "PERMISSION_DENIED"


@pytest.mark.usefixtures("key")
def test_a_browser_that_was_put_out_sees_nothing(router: RouterUnderTest, platform: ControlStub) -> None:
    ada = browser(router, "Ada", types.PERSON_ROLE_OPERATOR)
    router.chat.CloseBrowser(chat_pb.CloseBrowserRequest(login_id=ada))

    with pytest.raises(grpc.RpcError) as refused:
        platform.ListWorkspaces(pb.ListWorkspacesRequest(login_id=ada))
    assert reason_of(refused.value) == "NOT_PAIRED"


def test_no_key_of_a_person_speaks_for_another(router: RouterUnderTest, key: str) -> None:
    ada = browser(router, "Ada", types.PERSON_ROLE_OPERATOR)
    operator = router.caller(router.key(pb.ROLE_OPERATOR)).control

    with pytest.raises(grpc.RpcError) as refused:
        says(operator, key, over=True, login_id=ada)
    assert reason_of(refused.value) == "PERMISSION_DENIED"


def test_one_whose_machine_was_revoked_is_shown_as_such_and_kept(
    router: RouterUnderTest, agent: ThinAgent, key: str
) -> None:
    says(router.control, key, over=True)
    router.control.RevokeMachine(pb.RevokeMachineRequest(machine_id=agent.machine_id))

    [known] = router.control.ListWorkspaces(pb.ListWorkspacesRequest()).workspaces
    [decision] = router.control.SweepWorkspaces(pb.SweepWorkspacesRequest()).decisions
    chat = types.ChatRef(transport="test", chat_id="7")
    assert known.machine_revoked
    assert decision.deed == pb.WORKSPACE_DEED_KEEP
    assert decision.why == "its machine was revoked: what is in it is on that disk alone"
    assert "which was revoked" in router.submit(chat, "/workspaces").answer
