"""What people read of workspaces in a chat."""

from collections.abc import Sequence

from router.domain.action import CloseWorkspace, PackWorkspace, TakeWorkspace
from router.domain.workspace import Shown, WorkspaceState, label

NONE = (
    "There is no workspace: a clone that lasts beyond the sessions in it. Make one:"
    " pointsman start --workspace REPO@BRANCH TEXT"
)
MORE = "… and {count} more: pointsman workspaces"
MAX_LISTED = 20
ORPHAN = ", which was revoked: what is in it is on that disk alone"
_STATES = {
    WorkspaceState.ASKED: "⏳ asked for",
    WorkspaceState.PREPARING: "⏳ being made",
    WorkspaceState.READY: "🟢 ready",
    WorkspaceState.IN_USE: "▶️ in use",
    WorkspaceState.WAITING: "❔ waits for you",
    WorkspaceState.CLOSING: "⌛ closing in 7 days",
    WorkspaceState.ARCHIVED: "🗄 archived",
    WorkspaceState.GONE: "gone",
    WorkspaceState.FAILED: "❌ failed",
}
HOW = (
    "/workspaces lists them. /workspaces close NAME: in 7 days it goes. /workspaces keep NAME: it stays."
    " /workspaces move NAME MACHINE: it goes to that machine."
)
NO_SUCH = "There is no workspace of that name. /workspaces lists them."
SEVERAL = "Several are called so. Name one by its key: {keys}"
_LINE = "{state} · {key} on {machine}{work}{why}"


def listed(there: Sequence[Shown]) -> str:
    """A line for each."""
    lines = [_line(each) for each in there[:MAX_LISTED]]
    more = [MORE.format(count=len(there) - MAX_LISTED)] if len(there) > MAX_LISTED else []
    return "\n".join([*lines, *more]) or NONE


def which(found: Sequence[Shown]) -> str:
    """Why a name is not that of one."""
    return SEVERAL.format(keys=", ".join(each.known.key for each in found[:MAX_LISTED])) if found else NO_SUCH


def now(shown: Shown) -> str:
    """How one stands, once a person has said something of it."""
    return _line(shown)


def of_workspace(action: CloseWorkspace | PackWorkspace | TakeWorkspace) -> str:
    """What is done with one, as a line."""
    if isinstance(action, CloseWorkspace):
        return f"🗄 {action.key}"
    return f"🚚 {action.key if isinstance(action, PackWorkspace) else action.workspace.key}"


def _line(shown: Shown) -> str:
    known, state = shown.known, shown.state
    figures, name = known.figures, label(known.key, known.repository)
    words = [f"{figures.unpushed} unpushed"] if figures.unpushed else []
    words += ["changed"] if figures.is_dirty and figures.head else []
    why = f": {figures.detail}" if figures.detail and state is WorkspaceState.FAILED else ""
    why += f", on its way to {shown.moving_to}" if shown.moving_to else ""
    why += f", stayed there: {shown.move_detail}" if shown.move_detail else ""
    why += f", kept by {known.kept_by}" if known.kept_by else ""
    return _LINE.format(
        state=_STATES[state], key=known.key if known.key.endswith(name) else f"{name} ({known.key})",
        machine=f"{known.machine_id}{ORPHAN if shown.is_orphan else ''}",
        work=f" ({', '.join(words)})" if words else "", why=why,
    )  # fmt: skip
