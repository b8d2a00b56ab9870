"""Commands on disk. Every change of state goes through here, with the counters and the trace that belong to it."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from functools import cache

from msgspec.structs import replace
from peewee import fn

from router.domain.action import Lane
from router.domain.command import LIVE, SOURCES, Command, CommandState, Event, Hold, Stored, apply
from router.domain.errors import Reason, Refusal
from router.store import actions, command_groups, command_record, sessions
from router.store.command_groups import MANY
from router.store.command_record import CHANGED, COMMANDS, ENDED, RECEIVED, SENT
from router.store.command_steps import first_steps, step
from router.store.database import Transaction
from router.store.mapper import Reads
from router.store.statements import Statement, given, listed
from router.store.tables import Chat, Session
from router.store.tables import Command as Row
from router.store.tables.commands import BADLY, DEAD_LETTER, QUEUED
from router.store.tables.commands import LIVE as IS_LIVE
from router.store.trace import TraceStep, record
from router.store.upkeep import counting, purging, shifting

_ALL, _IN_ORDER = COMMANDS.select(), COMMANDS.select().order_by(Row.position)
_NEWEST = _ALL.order_by(Row.position.desc()).limit(given.limit)
_THIS = Row.command_id == given.command_id
_OF_MACHINE, _OF_SESSION = Row.machine_id == given.machine_id, Row.session_id == given.session_id

_SET_HOLD = Statement(Row.update({Row.hold: given.hold}).where(_THIS))
_DROP = Statement(Row.update({Row.dropped: True}).where(_THIS))
# What was sent once may be typed there already.
_MOVE_QUEUED = Statement(
    Row.update({Row.machine_id: given.machine_id}).where(
        _OF_SESSION & QUEUED & (Row.attempt == 0) & (Row.machine_id != given.machine_id)
    )
)

_FIND = COMMANDS.reads(_ALL.where(_THIS))
# One that a person is asked about waits for the word.
_NEXT = _IN_ORDER.where(_OF_MACHINE & QUEUED & (Row.hold != Hold.ASKED) & (Row.lane == given.lane)).limit(given.limit)
_NEXT_OF_ALL = COMMANDS.reads(_NEXT)
_NEXT_OF_OTHERS = COMMANDS.reads(_NEXT.where(Row.session_id.not_in(listed(given.held))))
_QUEUED_OF_SESSION = COMMANDS.reads(_IN_ORDER.where(_OF_SESSION & QUEUED))
_LIVE_OF_SESSION = COMMANDS.reads(_IN_ORDER.where(_OF_MACHINE & _OF_SESSION & IS_LIVE))
_STARTS_WAITING = Statement(
    Row.select(Row.command_id).where(_OF_MACHINE & QUEUED & (Row.kind == actions.START)).order_by(Row.position)
)
_START_OF = COMMANDS.reads(_IN_ORDER.where(_OF_SESSION & (Row.kind == actions.START)))
_ASKS_FIRST = fn.EXISTS(
    Chat.select(Chat.chat_id).where((Chat.transport == Row.transport) & (Chat.chat_id == Row.chat_id) & Chat.asks_first)
)
_WAITED = COMMANDS.reads(
    _IN_ORDER.where(
        _OF_MACHINE & QUEUED & (Row.hold == Hold.NONE) & (Row.attempt == 0) & (Row.created_at <= given.before)
        & _ASKS_FIRST
    )
)  # fmt: skip
_EXPIRED = COMMANDS.reads(
    _ALL.where((Row.expires_at <= given.now) & QUEUED).order_by(Row.expires_at).limit(given.limit)
)
_NEXT_EXPIRY = Statement(Row.select(fn.MIN(Row.expires_at)).where(QUEUED))
_CONFIRMED = Statement(
    Row.select(Row.command_id, Row.epoch).where(_OF_MACHINE & IS_LIVE & (Row.state == CommandState.RECEIVED))
)
_SENT_TO = Statement(Row.select(Row.machine_id).distinct().where(IS_LIVE & (Row.state == CommandState.SENT)))
_COUNT_QUEUED = Statement(Row.select(fn.COUNT(Row.position)).where(QUEUED))
_WAITS_FOR = Statement(Row.select(Row.machine_id).distinct().where(_OF_SESSION & QUEUED))
_STATES = Statement(
    Row.select(Row.command_id, Row.state).where(Row.command_id.in_(listed(given.command_ids)) & _OF_MACHINE)
)
# Without any, the next number: all before it has ended.
_OLDEST_LIVE = Row.select(fn.MIN(Row.sequence)).where(
    (Row.machine_id == Session.machine_id) & (Row.session_id == Session.session_id) & IS_LIVE
)
_RESEND_FLOORS = Statement(
    Session.select(Session.session_id, fn.COALESCE(_OLDEST_LIVE, Session.next_sequence)).where(
        Session.machine_id == given.machine_id
    )
)
_WITHIN = Row.session_id.in_(listed(given.within))
_DEAD_LETTERS = COMMANDS.reads(_NEWEST.where(DEAD_LETTER))
_DEAD_LETTERS_WITHIN = COMMANDS.reads(_NEWEST.where(DEAD_LETTER & _WITHIN))

shift = shifting(Row.expires_at, IS_LIVE)  # when it is given up, or over its time limit
purge = purging(Row, Row.ended_at < given.before)
stats = counting(Row.state, [IS_LIVE], given_up=DEAD_LETTER)
oldest = Statement(Row.select(fn.MIN(Row.created_at)).where(IS_LIVE)).value  # since when the oldest that lives waits
# What lives was accepted before this process began, also where the clock was put back meanwhile.
accept_by = Statement(Row.update({Row.created_at: given.now}).where((Row.created_at > given.now) & IS_LIVE)).run


def insert(tx: Transaction, commands: Sequence[Command], *, actor_detail: str = "") -> None:
    """Write new commands, count them, and record their first steps (accepted, and sent where they already are)."""
    for command in commands:
        command_record.write(tx, command)
        sessions.count(tx, command)  # kept, not counted: each submit asks whether there is room
        record(tx, first_steps(command, actor_detail))


def change(tx: Transaction, command: Command, event: Event, now: float, actor: str = "router") -> Command:
    """Apply one event and write the outcome. Raises IllegalTransition, writing nothing, where the table forbids it."""
    changed = apply(command, event, now)
    has_ended = command.state.live and not changed.state.live
    command_record.change(tx, changed, ENDED if has_ended else CHANGED)
    if has_ended:
        sessions.discount(tx, command)
    record(tx, [step(command, changed, type(event).__name__, now, actor)])
    return changed


def mark_sent(tx: Transaction, before: Sequence[Command], after: Sequence[Command], now: float) -> None:
    """Write the same Sent event of many at once."""
    if len(after) > MANY:
        command_groups.send(tx, after, now)
        return
    for old, new in zip(before, after, strict=True):
        command_record.change(tx, new, SENT)
        record(tx, [step(old, new, "Sent", now, "router")])


def mark_received(tx: Transaction, command_ids: Sequence[str], epoch: int, now: float, machine_id: str) -> None:
    """Write many Stored events at once; those that are no longer where the event is legal, or of this link, stay."""
    if len(command_ids) > MANY:
        command_groups.receive(tx, command_ids, epoch, now, machine_id)
        return
    event, detail = Stored(), f"epoch {epoch}"
    for command_id in command_ids:
        # A receipt may come late, or of a link that is no more.
        command = find(tx, command_id)
        if command is not None and command.epoch == epoch and command.state in SOURCES[Stored]:
            command_record.change(tx, apply(command, event, now), RECEIVED)
            told = TraceStep(now, command_id, command.session_id, "Stored", "sent", "received", machine_id, detail)
            record(tx, [told])


def note(tx: Transaction, command: Command, event: str, actor: str, now: float) -> None:
    """Keep in the trace what changes no state."""
    state = command.state.value
    record(tx, [TraceStep(now, command.command_id, command.session_id, event, state, state, actor, "")])


def find(connection: sqlite3.Connection | Transaction, command_id: str) -> Command | None:
    """One command, or None."""
    if isinstance(connection, Transaction) and (known := command_record.known(connection, command_id)):
        return known
    return _FIND.one(connection, command_id=command_id)


def get(connection: sqlite3.Connection | Transaction, command_id: str) -> Command:
    """One command. Raises Refusal(NOT_FOUND)."""
    if (command := find(connection, command_id)) is None:
        raise unknown(command_id)
    return command


def unknown(command_id: str) -> Refusal:
    """What is told of a command that is not there."""
    return Refusal(Reason.NOT_FOUND, f"There is no command {command_id}. `pointsman commands` lists them.")


def queued(tx: Transaction, machine_id: str, limit: int, held: Iterable[str] = ()) -> list[Command]:
    """The next commands of a machine in order, urgent ones first, without those of held sessions."""
    without = json.dumps(list(held))
    query = _NEXT_OF_ALL if without == "[]" else _NEXT_OF_OTHERS  # mostly nobody is held, and lists cost time
    found: list[Command] = []
    for lane in (Lane.URGENT, Lane.NORMAL):
        found += query.all(tx, machine_id=machine_id, lane=lane.value, held=without, limit=limit - len(found))
    return found


def live_of_machine(tx: Transaction, machine_id: str, states: Iterable[CommandState] = LIVE) -> list[Command]:
    """Commands of a machine that have not ended, in order."""
    return _live_in(frozenset(states)).all(tx, machine_id=machine_id)


def sent_to(tx: Transaction) -> list[str]:
    """The machines that something was sent to which they have not confirmed."""
    return _SENT_TO.values(tx)


def machines_of_queued(tx: Transaction, session_id: str) -> list[str]:
    """The machines for which something of a session waits; mostly one."""
    return _WAITS_FOR.values(tx, session_id=session_id)


def count_queued(tx: Transaction) -> int:
    """How many commands wait for their machines."""
    return int(_COUNT_QUEUED.value(tx))


def queued_of_session(tx: Transaction, session_id: str) -> list[Command]:
    """Commands of a session that wait, in order."""
    return _QUEUED_OF_SESSION.all(tx, session_id=session_id)


def live_of_session(tx: Transaction, machine_id: str, session_id: str) -> list[Command]:
    """Commands for a session that are its machine's and have not ended, in order."""
    return _LIVE_OF_SESSION.all(tx, machine_id=machine_id, session_id=session_id)


def starts_waiting(tx: Transaction, machine_id: str) -> list[str]:
    """The starts that wait for a machine, in order: of ten thousand that wait for one that comes back, mostly none."""
    return _STARTS_WAITING.values(tx, machine_id=machine_id)


def start_of(tx: Transaction, session_id: str) -> Command | None:
    """The command that starts a session; None for one that was not started from afar."""
    return _START_OF.one(tx, session_id=session_id)


def waited(tx: Transaction, machine_id: str, before: float) -> list[Command]:
    """What has waited for a machine since before a time, and comes from a chat that wants to be asked about that."""
    return _WAITED.all(tx, machine_id=machine_id, before=before)


def set_hold(tx: Transaction, command: Command, hold: Hold, actor: str, now: float) -> Command:
    """Let a queued command wait for a person's word, or go."""
    _SET_HOLD.run(tx, hold=hold.value, command_id=command.command_id)
    note(tx, command, "Held" if hold is Hold.ASKED else "Allowed", actor, now)
    changed = replace(command, hold=hold)
    command_record.keep(tx, changed)
    return changed


def expired(tx: Transaction, now: float, limit: int = 500) -> list[Command]:
    """Queued commands whose time is over."""
    return _EXPIRED.all(tx, now=now, limit=limit)


def next_expiry(tx: Transaction) -> float | None:
    """When the next queued command's time is over."""
    value: float | None = _NEXT_EXPIRY.value(tx)
    return value


def confirmed(tx: Transaction, machine_id: str) -> dict[str, int]:
    """What a machine has confirmed and not ended, with the epochs under which it did."""
    return dict(_CONFIRMED.run(tx, machine_id=machine_id).fetchall())


def states(tx: Transaction, machine_id: str, command_ids: Sequence[str]) -> dict[str, CommandState]:
    """Where these commands of a machine stand; those that it has not are left out."""
    if not command_ids:
        return {}
    rows = _STATES.run(tx, machine_id=machine_id, command_ids=json.dumps(command_ids))
    return {command_id: CommandState(state) for command_id, state in rows.fetchall()}


def resend_floors(tx: Transaction, machine_id: str) -> list[tuple[str, int]]:
    """Per session of a machine, the sequence below which nothing is sent again."""
    return _RESEND_FLOORS.run(tx, machine_id=machine_id).fetchall()


def move_queued(tx: Transaction, session_id: str, machine_id: str) -> bool:
    """Give what waits for a session to its new machine, but for what was sent to the old one: it may be typed there.

    Returns whether there was any.
    """
    return _MOVE_QUEUED.run(tx, session_id=session_id, machine_id=machine_id).rowcount > 0


def page(
    connection: sqlite3.Connection | Transaction,
    *,
    session_id: str,
    states: Sequence[CommandState],
    limit: int,
    before: str,
    within: list[str] | None = None,
) -> list[Command]:
    """Commands, newest first; of these sessions alone, where that is said."""
    query = _page(frozenset(states), of_session=bool(session_id), behind=bool(before), limited=within is not None)
    return query.all(connection, session_id=session_id, command_id=before, limit=limit, within=json.dumps(within))


def dead_letters(
    connection: sqlite3.Connection | Transaction, limit: int, within: list[str] | None = None
) -> list[Command]:
    """What ended badly and still waits for a person, newest first; of these sessions alone, where that is said."""
    query = _DEAD_LETTERS if within is None else _DEAD_LETTERS_WITHIN
    return query.all(connection, limit=limit, within=json.dumps(within))


def drop(tx: Transaction, command: Command, actor: str, now: float) -> None:
    """Take a dead letter off the list."""
    _DROP.run(tx, command_id=command.command_id)
    note(tx, command, "Dropped", actor, now)


@cache
def _live_in(states: frozenset[CommandState]) -> Reads[Command]:
    # IS_LIVE stands there for the partial index alone.
    return COMMANDS.reads(_IN_ORDER.where(_OF_MACHINE & IS_LIVE & Row.state.in_(list(states))))


@cache
def _page(states: frozenset[CommandState], *, of_session: bool, behind: bool, limited: bool) -> Reads[Command]:
    query = _NEWEST.where(_OF_SESSION) if of_session else _NEWEST
    query = query.where(_WITHIN) if limited else query
    if states:
        query = query.where(Row.state.in_(list(states)))
        # What goes well ends as DONE, and is found at once; among it the rest is found by the index of it alone.
        query = query.where(IS_LIVE).order_by(Row.position * -1) if states <= LIVE else query
        query = query.where(BADLY) if states.isdisjoint({*LIVE, CommandState.DONE}) else query
    other = Row.alias()
    place = other.select(other.position).where(other.command_id == given.command_id)
    return COMMANDS.reads(query.where(Row.position < place) if behind else query)
