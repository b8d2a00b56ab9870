"""The way of a workspace to another machine. Pure.

    packing ─▶ taking ─▶ clearing ─▶ left ─▶ done
       └──────────┴─▶ failed

Until the other machine has put it back it is where it was, and fails back to there. From then on it is on the other
one; what its old machine still has becomes an archive, which goes 30 days later.
"""

from enum import Enum

from msgspec import Struct


class MoveState(Enum):
    """Where it stands."""

    PACKING = "packing"  # its machine makes an archive, and gives us its parts
    TAKING = "taking"  # the other one fetches them, and puts it back
    CLEARING = "clearing"  # it is there; here its machine is to archive what it still has
    LEFT = "left"  # that is an archive
    DONE = "done"  # nothing of it is on the old machine
    FAILED = "failed"  # it stayed where it was


ON_ITS_WAY = (MoveState.PACKING, MoveState.TAKING)
UNSETTLED = (MoveState.CLEARING, MoveState.LEFT)  # the old machine has something yet


class WorkspaceMove(Struct, frozen=True):
    """One move. Times are seconds since the epoch by the router's steady clock."""

    move_id: str
    key: str
    source: str  # machines
    target: str
    session_id: str  # by whose numbers the source's commands are counted
    actor: str  # who wants it
    command_id: str  # of the step; over, where the step is
    created_at: float
    changed_at: float
    state: MoveState = MoveState.PACKING
    digest: str = ""  # of the archive: SHA-256, hexadecimal
    size: int = 0  # bytes
    detail: str = ""  # why it failed, for people
    left_at: float | None = None  # since when the source has an archive

    @property
    def is_on_its_way(self) -> bool:
        """Whether nothing may begin in it meanwhile."""
        return self.state in ON_ITS_WAY
