"""What people read of workspaces in a chat."""

from collections.abc import Sequence

from router.domain.workspace import KnownWorkspace, WorkspaceState, label

NONE = (
    "There is no workspace: a clone that lasts beyond the sessions in it. Make one:"
    " pointsman start --workspace REPO@BRANCH TEXT"
)
MORE = "… and {count} more: pointsman workspaces"
MAX_LISTED = 20
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
_LINE = "{state} · {key} on {machine}{work}{why}"


def listed(there: Sequence[tuple[KnownWorkspace, bool]]) -> str:
    """A line for each, with whether its session waits for a person."""
    lines = [_line(known, waits=waits) for known, waits in there[:MAX_LISTED]]
    more = [MORE.format(count=len(there) - MAX_LISTED)] if len(there) > MAX_LISTED else []
    return "\n".join([*lines, *more]) or NONE


def _line(known: KnownWorkspace, *, waits: bool) -> str:
    figures, state = known.figures, known.seen(waits=waits)
    words = [f"{figures.unpushed} unpushed"] if figures.unpushed else []
    words += ["changed"] if figures.is_dirty and figures.head else []
    why = f": {figures.detail}" if figures.detail and state is WorkspaceState.FAILED else ""
    work = f" ({', '.join(words)})" if words else ""
    name = label(known.key, known.repository)
    key = known.key if known.key.endswith(name) else f"{name} ({known.key})"
    return _LINE.format(state=_STATES[state], key=key, machine=known.machine_id, work=work, why=why)
