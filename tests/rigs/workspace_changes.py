"""Workspaces as a router knows them, without a machine that has them."""

from agentlink.v1 import control_pb2 as pb

from router.domain.workspace import Wanted, Workspace, asked
from router.store import workspaces
from tests.integration.router.harness import RouterUnderTest

NAMED = {
    "SayWorkspaceOver": lambda ids: pb.SayWorkspaceOverRequest(key=ids.workspace, over=True),
    "CloseWorkspace": lambda ids: pb.CloseWorkspaceRequest(key=ids.workspace),
    "MoveWorkspace": lambda ids: pb.MoveWorkspaceRequest(key=ids.workspace, machine_id=ids.machine),
    "Screen": lambda ids: pb.ScreenRequest(session_id=ids.session),
    "CreateCallback": lambda ids: pb.CreateCallbackRequest(session_id=ids.session),
}
LISTED = {
    "ListWorkspaces": [lambda _: pb.ListWorkspacesRequest()],
    "SweepWorkspaces": [lambda _: pb.SweepWorkspacesRequest(dry_run=True)],
}
"""Calls that name one, and that list all."""


def a_workspace(router: RouterUnderTest, machine_id: str, session_id: str, word: str) -> str:
    """Its key."""
    wanted = Wanted(session_id, machine_id, Workspace(f"{word}/work", f"https://git.example/{word}"))
    router.write(lambda tx: workspaces.insert(tx, asked(wanted, router.time.now()), "test"))
    return wanted.workspace.key
