"""/workspaces in a chat: listed, closed and kept by whoever may, and by nobody else."""

import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.rigs.thin_agent import ThinAgent
from tests.rigs.workspace_changes import a_workspace

CHAT = types.ChatRef(transport="test", chat_id="7")
ADA = "test:7 (ada)"


@pytest.fixture
def key(router: RouterUnderTest, agent: ThinAgent) -> str:
    """Of a workspace that is there."""
    return a_workspace(router, agent.machine_id, "", "acme")


def says(router: RouterUnderTest, words: str, *, needs_pairing: bool = False) -> str:
    return str(router.submit(CHAT, words, user_id="7", actor=ADA, needs_pairing=needs_pairing).answer)


def known(router: RouterUnderTest) -> types.KnownWorkspace:
    [one] = router.control.ListWorkspaces(pb.ListWorkspacesRequest()).workspaces
    return one


@pytest.mark.parametrize("name", ["acme/work", "work"])
def test_one_is_closed_and_kept_by_its_key_or_its_name(router: RouterUnderTest, key: str, name: str) -> None:
    closed = says(router, f"/workspaces close {name}")
    state = known(router).state
    kept = says(router, f"/workspaces keep {name}")

    assert closed.startswith(f"⌛ closing in 7 days · {key}")
    assert state == types.WORKSPACE_STATE_CLOSING
    assert f"kept by {ADA}" in kept
    assert (known(router).state, known(router).kept_by) == (types.WORKSPACE_STATE_ASKED, ADA)


def test_which_one_is_never_guessed(router: RouterUnderTest, agent: ThinAgent, key: str) -> None:
    other = a_workspace(router, agent.machine_id, "", "umbrella")

    assert key in (several := says(router, "/workspaces close work"))
    assert other in several
    assert "no workspace of that name" in says(router, "/workspaces close nothing")
    assert "/workspaces close NAME" in says(router, "/workspaces remove work")
    found = router.control.ListWorkspaces(pb.ListWorkspacesRequest()).workspaces
    assert {each.state for each in found} == {types.WORKSPACE_STATE_ASKED}


@pytest.mark.parametrize("role", [types.PERSON_ROLE_VIEWER, types.PERSON_ROLE_APPROVER])
def test_who_may_only_look_closes_nothing(router: RouterUnderTest, key: str, role: types.PersonRole.ValueType) -> None:
    code = router.control.CreatePairingCode(pb.CreatePairingCodeRequest(person_name="Bob", role=role)).code
    router.chat.Pair(chat_pb.PairRequest(chat=CHAT, user_id="7", code=code))

    assert key in says(router, "/workspaces", needs_pairing=True)
    assert key not in says(router, f"/workspaces close {key}", needs_pairing=True)
    assert known(router).state == types.WORKSPACE_STATE_ASKED
