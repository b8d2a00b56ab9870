"""Workspaces on disk. Every change goes through here, with the trace that belongs to it."""

from peewee import fn

from router.domain.command import Command, CommandState
from router.domain.errors import IllegalTransition, Reason, Refusal
from router.domain.session import SessionState
from router.domain.workspace import SOURCES, Event, Figures, KnownWorkspace, NotBegun, Shown, WorkspaceState, apply
from router.store import machines, sessions, tables, workspace_moves
from router.store.database import Transaction
from router.store.mapper import Mapper, Part
from router.store.statements import Connection, Statement, all_given, given
from router.store.trace import TraceStep, record
from router.store.upkeep import purging, shifting

Row = tables.Workspace
_FIGURES = (Row.path, Row.head, Row.dirty, Row.unpushed, Row.bytes, Row.detail)
_WORKSPACES = Mapper(
    Row,
    KnownWorkspace,
    figures=Part(
        _FIGURES, lambda path, head, is_dirty, *rest: Figures(path, head, bool(is_dirty), *rest),
        lambda f: (f.path, f.head, f.is_dirty, f.unpushed, f.bytes, f.detail),
    ),
)  # fmt: skip
_ALL = _WORKSPACES.select()
_THIS = Row.key == given.key
_LIFE = [column for column in _WORKSPACES.columns if column not in {Row.key, Row.created_at}]
_INSERT = _WORKSPACES.writes(_WORKSPACES.insert())
# The state on disk is asked again in the same statement.
_CHANGE = {
    event: _WORKSPACES.writes(Row.update(all_given(_LIFE)).where(_THIS & Row.state.in_(list(legal))))
    for event, legal in SOURCES.items()
}
_FIND = _WORKSPACES.reads(_ALL.where(_THIS))
_OF_SESSION = _WORKSPACES.reads(_ALL.where(Row.session_id == given.session_id))
_OF_MACHINE = Statement(Row.select(fn.COUNT(Row.key)).where(Row.machine_id == given.machine_id))
_PAGE = _WORKSPACES.reads(_ALL.order_by(Row.changed_at.desc(), Row.key))
_DECIDE = Statement(Row.update({Row.decided: given.decided, Row.command_id: given.command_id}).where(_THIS))

_SHIFTS = [shifting(each) for each in (Row.closing_at, Row.archived_at)]
purge = purging(Row, (Row.state == WorkspaceState.GONE) & (Row.changed_at < given.before))


def shift(on: Connection, seconds: float) -> None:
    """How long it has been closing, and archived, decides what becomes of it."""
    for each in _SHIFTS:
        each(on, seconds)


def insert(tx: Transaction, new: KnownWorkspace, actor: str) -> None:
    """Write a new one, and its first step."""
    _INSERT.one(tx, new)
    step = TraceStep(
        new.created_at, new.key, new.session_id, "WorkspaceAsked", "", new.state.value, actor, new.machine_id
    )
    record(tx, [step])


def change(tx: Transaction, known: KnownWorkspace, event: Event, now: float, actor: str = "router") -> KnownWorkspace:
    """Apply one event, if it is on disk where the event is legal. Raises IllegalTransition, writing nothing."""
    changed = apply(known, event, now)
    if _CHANGE[type(event)].one(tx, changed).rowcount != 1:
        raise IllegalTransition(f"{type(event).__name__} of {known.key}")
    step = TraceStep(
        now, known.key, changed.session_id, f"Workspace{type(event).__name__}", known.state.value, changed.state.value,
        actor, changed.figures.detail,
    )  # fmt: skip
    record(tx, [step])
    return changed


def decided(tx: Transaction, known: KnownWorkspace, what: str, command_id: str, now: float) -> None:
    """Keep what the janitor decided, and by which command it is carried out; in the trace where it is news."""
    if (what, command_id) != (known.decided, known.command_id):
        _DECIDE.run(tx, key=known.key, decided=what, command_id=command_id)
        state = known.state.value
        record(tx, [TraceStep(now, known.key, known.session_id, "WorkspaceDecided", state, state, "janitor", what)])


def start_ended(tx: Transaction, start: Command, now: float) -> None:
    """A start is over. Where its session was to be the first in its workspace and has not begun, that has failed."""
    known = None if start.state is CommandState.DONE else of_session(tx, start.session_id)
    if known is not None and known.state is WorkspaceState.ASKED:
        change(tx, known, NotBegun(start.detail), now)


def find(on: Connection, key: str) -> KnownWorkspace | None:
    """One of them, or None."""
    return _FIND.one(on, key=key)


def get(on: Connection, key: str) -> KnownWorkspace:
    """The same. Raises Refusal(NOT_FOUND)."""
    if (found := find(on, key)) is None:
        raise Refusal(Reason.NOT_FOUND, f"There is no workspace {key[:128]}. `pointsman workspaces` lists them.")
    return found


def of_session(on: Connection, session_id: str) -> KnownWorkspace | None:
    """The one in which a session is, or was last."""
    return _OF_SESSION.one(on, session_id=session_id)


def of_machine(on: Connection, machine_id: str) -> int:
    """How many of a machine are known, also those that are gone."""
    return int(_OF_MACHINE.value(on, machine_id=machine_id))


def is_orphan(on: Connection, known: KnownWorkspace) -> bool:
    """Whether its machine was revoked, or is not known any more."""
    machine = machines.find(on, known.machine_id)
    return machine is None or machine.revoked


def shown(on: Connection) -> list[Shown]:
    """All of them as people see them, what changed last first."""
    return [seen(on, each) for each in page(on)]


def seen(on: Connection, known: KnownWorkspace) -> Shown:
    """One of them as people see it."""
    session = sessions.find(on, known.session_id) if known.session_id else None
    waits = session is not None and session.state is SessionState.WAITING
    move = workspace_moves.latest(on, known.key)
    target, why = (move.target if move.is_on_its_way else "", move.detail) if move else ("", "")
    return Shown(known, waits, is_orphan(on, known), target, why)


def page(on: Connection) -> list[KnownWorkspace]:
    """All of them, what changed last first."""
    return _PAGE.all(on)
