"""Workspaces, for a console over a router in memory."""

from dataclasses import replace
from datetime import UTC, datetime

from pointsman.client.errors import RouterError
from pointsman.client.workspaces import Workspace, WorkspaceDecision, WorkspaceDeed, WorkspaceState


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
    workspaces_asked_by: str = ""

    def workspaces(self, *, login_id: str) -> list[Workspace]:
        self.workspaces_asked_by = login_id
        return list(self.known_workspaces)

    def say_workspace_over(self, key: str, *, over: bool, request: str, login_id: str) -> Workspace:
        assert request.startswith("web:")
        self.workspaces_asked_by = login_id
        state, kept_by = (WorkspaceState.CLOSING, "") if over else (WorkspaceState.READY, "Ada")
        changed = [
            replace(each, state=state, kept_by=kept_by) if each.key == key else each for each in self.known_workspaces
        ]
        self.known_workspaces = tuple(changed)
        found = [each for each in changed if each.key == key]
        if not found:
            raise RouterError("NOT_FOUND", f"There is no workspace {key}.", "NOT_FOUND")
        return found[0]

    def sweep_workspaces(self, *, dry_run: bool, request: str, login_id: str) -> list[WorkspaceDecision]:
        assert dry_run
        assert request.startswith("web:")
        self.workspaces_asked_by = login_id
        return [WorkspaceDecision(each.key, WorkspaceDeed.ARCHIVE, "over; changed") for each in self.known_workspaces]
