"""Moves of workspaces on disk. Every change goes through here, with the trace that belongs to it."""

from msgspec.structs import replace

from router.domain.workspace import WorkspaceState
from router.domain.workspace_move import ON_ITS_WAY, UNSETTLED, MoveState, WorkspaceMove
from router.store import tables
from router.store.database import Transaction
from router.store.mapper import Mapper
from router.store.statements import Connection, Statement, given
from router.store.trace import TraceStep, record
from router.store.upkeep import purging, shifting

Row = tables.WorkspaceMove
_MOVES = Mapper(Row, WorkspaceMove)
_ALL = _MOVES.select()
_PUT = _MOVES.writes(_MOVES.upsert(Row.move_id))
_LATEST = _MOVES.reads(_ALL.where(Row.key == given.key).order_by(Row.created_at.desc(), Row.move_id.desc()).limit(1))
_ON = Statement(
    tables.Workspace.select(tables.Workspace.machine_id).where(
        (tables.Workspace.key == given.key)
        & tables.Workspace.state.not_in([WorkspaceState.GONE, WorkspaceState.FAILED])
    )
)
_SETTLED = (MoveState.CLEARING, MoveState.LEFT, MoveState.DONE)
_ARRIVED = _MOVES.reads(
    _ALL.where((Row.key == given.key) & Row.state.in_(list(_SETTLED))).order_by(Row.created_at.desc()).limit(1)
)
_OF_COMMAND = _MOVES.reads(_ALL.where(Row.command_id == given.command_id))
_ON_ITS_WAY = _MOVES.reads(_ALL.where((Row.key == given.key) & Row.state.in_(list(ON_ITS_WAY))))
_UNSETTLED = _MOVES.reads(_ALL.where(Row.state.in_(list(UNSETTLED))).order_by(Row.created_at))

shift = shifting(Row.left_at)
purge = purging(Row, Row.state.in_([MoveState.DONE, MoveState.FAILED]) & (Row.changed_at < given.before))


def put(tx: Transaction, move: WorkspaceMove, actor: str = "router") -> None:
    """Write it as it is now, and its step."""
    _PUT.one(tx, move)
    record(tx, [
        TraceStep(
            move.changed_at, move.key, move.session_id, "WorkspaceMove", "", move.state.value, actor,
            move.detail or f"from {move.source} to {move.target}",
        )
    ])  # fmt: skip


def stepped(tx: Transaction, move: WorkspaceMove, state: MoveState, now: float, **more: object) -> WorkspaceMove:
    """The next step of it."""
    changed: WorkspaceMove = replace(move, state=state, changed_at=now, **more)
    put(tx, changed)
    return changed


def latest(on: Connection, key: str) -> WorkspaceMove | None:
    """The last move of a workspace."""
    return _LATEST.one(on, key=key)


def came_to(on: Connection, key: str) -> str:
    """The machine to which a workspace was brought last, if it is on that one now; else nothing."""
    move, known = _ARRIVED.one(on, key=key), _ON.value(on, key=key)
    return move.target if move is not None and known == move.target else ""


def on_its_way(on: Connection, key: str) -> WorkspaceMove | None:
    """The move that a workspace is in."""
    return _ON_ITS_WAY.one(on, key=key)


def of_command(on: Connection, command_id: str) -> WorkspaceMove | None:
    """The move of which a command is the step."""
    return _OF_COMMAND.one(on, command_id=command_id)


def unsettled(on: Connection) -> list[WorkspaceMove]:
    """Those whose old machine has something yet, the oldest first."""
    return _UNSETTLED.all(on)
