"""Workspaces, for a console over a router in memory."""

from dataclasses import replace
from datetime import UTC, datetime

from pointsman.client.workspaces import Workspace, WorkspaceState


def a_workspace(key: str, state: WorkspaceState = WorkspaceState.READY, **given: object) -> Workspace:
    at = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    blank = Workspace(
        key, "https://git.example/acme/api", "refs/heads/main", "", False, "devbox", state, "s-1", "/ws/tree", "c0ffee",
        False, 0, 8_000_000, "", "", at, at, None,
    )  # fmt: skip
    return replace(blank, **given)  # type: ignore[arg-type]


class FakeWorkspaces:
    """A part of FakeControl."""

    known_workspaces: tuple[Workspace, ...] = ()

    def workspaces(self) -> list[Workspace]:
        return list(self.known_workspaces)
