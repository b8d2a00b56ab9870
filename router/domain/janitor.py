"""What becomes of a workspace whose time is over. Pure; its machine looks once more before anything goes.

It is removed only where all of it is known: that what it is for is over, by a fresh word; that its days of grace are;
that nobody works in it, is asked about it or will be; and that its machine saw nothing that is nowhere else. What may
hold something is archived. Whatever is not known means that it stays.
"""

from enum import Enum

from msgspec import Struct

from router.domain.workspace import KnownWorkspace, WorkspaceState

DAY = 24 * 3600.0
GRACE = 7 * DAY
ARCHIVED_FOR = 30 * DAY
FAILED_FOR = 30 * DAY


class Deed(Enum):
    """What is done; names as in agentlink.v1."""

    KEEP = 1
    REMOVE = 2
    ARCHIVE = 3
    FORGET = 4  # the archive


class Facts(Struct, frozen=True):
    """What is known beside the workspace itself. `is_over` is None where nobody has said it lately."""

    is_over: bool | None = None
    has_session: bool = False
    is_asked: bool = False  # a question of its last session is open
    is_deferred: bool = False  # something waits to be done in it later
    is_shared: bool = False  # another workspace that is not over has the same branch
    is_away: bool = False  # its machine
    is_orphan: bool = False  # its machine was revoked
    is_being_closed: bool = False
    moving_to: str = ""  # a machine


class Decision(Struct, frozen=True):
    """What becomes of one, and why, for people."""

    key: str
    deed: Deed
    why: str


def decide(known: KnownWorkspace, facts: Facts, now: float) -> Decision:
    """What is done with it now."""
    if held := _held(known, facts, now):
        return Decision(known.key, Deed.KEEP, held)
    if known.state is WorkspaceState.ARCHIVED:
        return Decision(known.key, Deed.FORGET, "its archive is 30 days old")
    if known.state is WorkspaceState.FAILED:
        return Decision(known.key, Deed.REMOVE, "it failed 30 days ago")
    figures = known.figures
    if known.looked_at is None or figures.is_dirty or figures.unpushed:
        why = (
            f"over for 7 days; {figures.unpushed} commits unpushed" if figures.unpushed else "over for 7 days; changed"
        )
        return Decision(known.key, Deed.ARCHIVE, why)
    return Decision(known.key, Deed.REMOVE, "over for 7 days; clean and pushed")


def is_spare(known: KnownWorkspace, facts: Facts) -> bool:
    """Whether it may go before its days of grace are over, where its machine has no room for another one."""
    is_clean = known.looked_at is not None and not known.figures.is_dirty and not known.figures.unpushed
    # A machine that is away would go by an old word when it is back.
    held = facts.is_orphan or facts.is_away or facts.is_being_closed or facts.moving_to or bool(_still_wanted(facts))
    return known.state is WorkspaceState.CLOSING and is_clean and not held


def _held(known: KnownWorkspace, facts: Facts, now: float) -> str:
    """Why it stays; empty where nothing holds it."""
    if known.state is WorkspaceState.GONE:
        return "it is gone"
    if facts.is_orphan:
        return "its machine was revoked: what is in it is on that disk alone"
    if why := _not_due(known, now):
        return why
    if facts.moving_to:
        return f"it is on its way to {facts.moving_to}"
    if facts.is_being_closed:
        return "it is being closed"
    if facts.is_away:
        return "its machine is away"
    if known.state is WorkspaceState.CLOSING:
        return _still_wanted(facts)
    return ""


def _not_due(known: KnownWorkspace, now: float) -> str:
    match known.state:
        case WorkspaceState.ARCHIVED if known.archived_at is None or now - known.archived_at < ARCHIVED_FOR:
            return "its archive is kept for 30 days"
        case WorkspaceState.FAILED if now - known.changed_at < FAILED_FOR or not known.repository:
            return "it failed; look at it"  # of what only its machine knows nothing is removed by itself
        case WorkspaceState.CLOSING if known.closing_at is None or now - known.closing_at < GRACE:
            return "its 7 days of grace are not over"
        case WorkspaceState.ARCHIVED | WorkspaceState.FAILED | WorkspaceState.CLOSING:
            return ""
    return "what it is for is not over"


def _still_wanted(facts: Facts) -> str:
    if facts.has_session:
        return "a session is in it"
    if facts.is_asked:
        return "a question about it is open"
    if facts.is_deferred:
        return "something waits to be done in it"
    if facts.is_shared:
        return "another workspace has the same branch, and is not over"
    if facts.is_over is None:
        return "nobody has said within the hour that what it is for is over"
    return "" if facts.is_over else "what it is for is open"
