"""Commands on disk. Every change of state goes through here, with the counters and the audit that belong to it."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields, replace
from datetime import UTC, datetime
from typing import Any

from peewee import fn

from router.domain.command import (
    DEAD_LETTERS,
    LIVE,
    SOURCES,
    Action,
    ChatRef,
    Command,
    CommandState,
    Event,
    FileInput,
    Hold,
    Input,
    KeepSession,
    KeyPress,
    Lane,
    Origin,
    PermissionDecision,
    StartSession,
    StopSession,
    Stored,
    apply,
)
from router.domain.errors import Reason, Refusal
from router.store.audit import TraceStep, record
from router.store.database import Transaction
from router.store.statements import Statement, given
from router.store.tables import Command as Row
from router.store.upkeep import counting, purging, shifting

_COLUMNS = (
    "command_id, session_id, machine_id, generation, sequence, lane, kind, text, submit, source, actor, transport,"
    " chat_id, thread_id, message_id, created_at, expires_at, has_ttl, state, reason, detail, attempt, charged, epoch,"
    " inbox_id, redrive_of, sent_at, received_at, typed_at, taken_at, finished_at, ended_at, dropped, hold,"
    " names_session"
)
_INSERT = f"INSERT INTO commands ({_COLUMNS}) VALUES ({','.join('?' * (_COLUMNS.count(',') + 1))})"
_SELECT = f"SELECT {_COLUMNS} FROM commands"
_IS_LIVE = "state IN ('queued', 'sent', 'received')"  # word for word as in the partial index, else it is not used
_MUTABLE = [f.name for f in fields(Command) if f.name in _COLUMNS.replace(",", "").split()[17:]]
_UPDATE = f"UPDATE commands SET {', '.join(f'{name} = ?' for name in _MUTABLE)} WHERE command_id = ?"

_LIVE = Row.state.in_(["queued", "sent", "received"])

shift = shifting(Row.expires_at, _LIVE)  # when it is given up, or over its time limit
purge = purging(Row, Row.ended_at < given.before)
stats = counting(Row.state, live=_LIVE, given_up=Row.state.in_(["dead", "uncertain"]) & ~Row.dropped)
oldest = Statement(Row.select(fn.MIN(Row.created_at)).where(_LIVE)).value  # since when the oldest that lives waits
# What lives was accepted before this process began, also where the clock was put back meanwhile.
accept_by = Statement(Row.update({Row.created_at: given.now}).where((Row.created_at > given.now) & _LIVE)).run


def insert(tx: Transaction, commands: Sequence[Command], *, actor_detail: str = "") -> None:
    """Write new commands, count them, and record their first steps (accepted, and sent where they already are)."""
    tx.executemany(_INSERT, [_row(command) for command in commands])
    tx.executemany(
        "UPDATE sessions SET next_sequence = ?, live = live + 1 WHERE session_id = ?",
        [(c.sequence + 1, c.session_id) for c in commands],
    )
    record(tx, [step for command in commands for step in _first_steps(command, actor_detail)])


def change(tx: Transaction, command: Command, event: Event, now: float, actor: str = "router") -> Command:
    """Apply one event and write the outcome. Raises IllegalTransition, writing nothing, where the table forbids it."""
    changed = apply(command, event, now)
    tx.execute(_UPDATE, [*(_on_disk(getattr(changed, name)) for name in _MUTABLE), command.command_id])
    if command.state.live and not changed.state.live:
        tx.execute("UPDATE sessions SET live = live - 1 WHERE session_id = ?", (command.session_id,))
    record(tx, [_step(command, changed, type(event).__name__, now, actor)])
    return changed


def mark_sent(tx: Transaction, before: Sequence[Command], after: Sequence[Command], now: float) -> None:
    """Write many Sent events at once."""
    tx.executemany(
        "UPDATE commands SET state = 'sent', attempt = ?, epoch = ?, inbox_id = ?, sent_at = ? WHERE command_id = ?",
        [(c.attempt, c.epoch, c.inbox_id, c.sent_at, c.command_id) for c in after],
    )
    record(tx, [_step(old, new, "Sent", now, "router") for old, new in zip(before, after, strict=True)])


def mark_received(tx: Transaction, command_ids: Sequence[str], epoch: int, now: float, machine_id: str) -> None:
    """Write many Stored events at once; those that are no longer where the event is legal, or of this link, stay."""
    legal = _names(SOURCES[Stored])
    steps: list[TraceStep] = []
    for command_id in command_ids:
        row = tx.execute(
            f"UPDATE commands SET state = 'received', received_at = ? WHERE command_id = ? AND epoch = ?"
            f" AND state IN ({legal}) RETURNING session_id",
            (now, command_id, epoch),
        ).fetchone()
        if row is not None:
            steps.append(TraceStep(now, command_id, row[0], "Stored", "sent", "received", machine_id, f"epoch {epoch}"))
    record(tx, steps)


def note(tx: Transaction, command: Command, event: str, actor: str, now: float) -> None:
    """Keep in the trace what changes no state."""
    state = command.state.value
    record(tx, [TraceStep(now, command.command_id, command.session_id, event, state, state, actor, "")])


def find(connection: sqlite3.Connection | Transaction, command_id: str) -> Command | None:
    """One command, or None."""
    row = connection.execute(f"{_SELECT} WHERE command_id = ?", (command_id,)).fetchone()
    return _command(row) if row else None


def get(connection: sqlite3.Connection | Transaction, command_id: str) -> Command:
    """One command. Raises Refusal(NOT_FOUND)."""
    if (command := find(connection, command_id)) is None:
        raise Refusal(Reason.NOT_FOUND, f"There is no command {command_id}. `pointsman commands` lists them.")
    return command


def queued(tx: Transaction, machine_id: str, limit: int, held: Iterable[str] = ()) -> list[Command]:
    """The next commands of a machine in order, urgent ones first, without those of held sessions."""
    held = list(held)
    without = f" AND session_id NOT IN ({','.join('?' * len(held))})" if held else ""
    may_go = f"machine_id = ? AND state = 'queued' AND hold != {Hold.ASKED.value} AND lane = ?{without}"
    sql, found = f"{_SELECT} WHERE {may_go} ORDER BY position LIMIT ?", list[Command]()
    for lane in (Lane.URGENT, Lane.NORMAL):
        rows = tx.execute(sql, (machine_id, lane.value, *held, limit - len(found))).fetchall()
        found += [_command(row) for row in rows]
    return found


def live_of_machine(tx: Transaction, machine_id: str, states: Iterable[CommandState] = LIVE) -> list[Command]:
    """Commands of a machine that have not ended, in order."""
    where = f"{_SELECT} WHERE machine_id = ? AND {_IS_LIVE} AND state IN ({_names(states)}) ORDER BY position"
    return [_command(row) for row in tx.execute(where, (machine_id,)).fetchall()]


def queued_of_session(tx: Transaction, session_id: str) -> list[Command]:
    """Commands of a session that wait, in order."""
    where = f"{_SELECT} WHERE session_id = ? AND state = 'queued' ORDER BY position"
    return [_command(row) for row in tx.execute(where, (session_id,)).fetchall()]


def live_of_session(tx: Transaction, machine_id: str, session_id: str) -> list[Command]:
    """Commands for a session that are its machine's and have not ended, in order."""
    where = f"{_SELECT} WHERE machine_id = ? AND session_id = ? AND {_IS_LIVE} ORDER BY position"
    return [_command(row) for row in tx.execute(where, (machine_id, session_id)).fetchall()]


def start_of(tx: Transaction, session_id: str) -> Command | None:
    """The command that starts a session; None for one that was not started from afar."""
    row = tx.execute(f"{_SELECT} WHERE session_id = ? AND kind = 'start' ORDER BY position", (session_id,)).fetchone()
    return _command(row) if row else None


def waited(tx: Transaction, machine_id: str, before: float) -> list[Command]:
    """What has waited for a machine since before a time, and comes from a chat that wants to be asked about that."""
    asks = (
        "EXISTS (SELECT 1 FROM chats WHERE chats.transport = commands.transport AND chats.chat_id = commands.chat_id"
        " AND asks_first)"
    )
    where = f"machine_id = ? AND state = 'queued' AND hold = {Hold.NONE.value} AND attempt = 0 AND created_at <= ?"
    rows = tx.execute(f"{_SELECT} WHERE {where} AND {asks} ORDER BY position", (machine_id, before))
    return [_command(row) for row in rows.fetchall()]


def set_hold(tx: Transaction, command: Command, hold: Hold, actor: str, now: float) -> Command:
    """Let a queued command wait for a person's word, or go."""
    tx.execute("UPDATE commands SET hold = ? WHERE command_id = ?", (hold.value, command.command_id))
    note(tx, command, "Held" if hold is Hold.ASKED else "Allowed", actor, now)
    return replace(command, hold=hold)


def expired(tx: Transaction, now: float, limit: int = 500) -> list[Command]:
    """Queued commands whose time is over."""
    where = f"{_SELECT} WHERE expires_at <= ? AND state = 'queued' ORDER BY expires_at LIMIT ?"
    return [_command(row) for row in tx.execute(where, (now, limit)).fetchall()]


def next_expiry(tx: Transaction) -> float | None:
    """When the next queued command's time is over."""
    value: float | None = tx.execute("SELECT MIN(expires_at) FROM commands WHERE state = 'queued'").fetchone()[0]
    return value


def confirmed(tx: Transaction, machine_id: str) -> dict[str, int]:
    """What a machine has confirmed and not ended, with the epochs under which it did."""
    where = f"machine_id = ? AND {_IS_LIVE} AND state = 'received'"
    return dict(tx.execute(f"SELECT command_id, epoch FROM commands WHERE {where}", (machine_id,)).fetchall())


def states(tx: Transaction, machine_id: str, command_ids: Sequence[str]) -> dict[str, CommandState]:
    """Where these commands of a machine stand; those that it has not are left out."""
    among = "command_id IN (SELECT value FROM json_each(?)) AND machine_id = ?"
    rows = tx.execute(f"SELECT command_id, state FROM commands WHERE {among}", (json.dumps(command_ids), machine_id))
    return {command_id: CommandState(state) for command_id, state in rows.fetchall()}


def resend_floors(tx: Transaction, machine_id: str) -> list[tuple[str, int]]:
    """Per session of a machine, the sequence below which nothing is sent again."""
    rows = tx.execute(
        "SELECT s.session_id, COALESCE((SELECT MIN(c.sequence) FROM commands c WHERE c.machine_id = s.machine_id"
        " AND c.session_id = s.session_id AND c.state IN ('queued', 'sent', 'received')), s.next_sequence)"
        " FROM sessions s WHERE s.machine_id = ?",
        (machine_id,),
    )
    return [(row[0], row[1]) for row in rows.fetchall()]


def move_queued(tx: Transaction, session_id: str, machine_id: str) -> bool:
    """Give what waits for a session to its new machine, but for what was sent to the old one: it may be typed there.

    Returns whether there was any.
    """
    count: int = tx.execute(
        "UPDATE commands SET machine_id = ? WHERE session_id = ? AND state = 'queued' AND attempt = 0"
        " AND machine_id != ?",
        (machine_id, session_id, machine_id),
    ).rowcount
    return count > 0


def page(
    connection: sqlite3.Connection, *, session_id: str, states: Sequence[CommandState], limit: int, before: str
) -> list[Command]:
    """Commands, newest first."""
    where, values = ["1 = 1"], []
    if session_id:
        where.append("session_id = ?")
        values.append(session_id)
    if states:
        where.append(f"state IN ({_names(states)})")
    if before:
        where.append("position < (SELECT position FROM commands WHERE command_id = ?)")
        values.append(before)
    sql = f"{_SELECT} WHERE {' AND '.join(where)} ORDER BY position DESC LIMIT ?"
    return [_command(row) for row in connection.execute(sql, (*values, limit)).fetchall()]


def dead_letters(connection: sqlite3.Connection | Transaction, limit: int) -> list[Command]:
    """What ended badly and still waits for a person, newest first."""
    where = f"{_SELECT} WHERE state IN ({_names(DEAD_LETTERS)}) AND NOT dropped ORDER BY position DESC LIMIT ?"
    return [_command(row) for row in connection.execute(where, (limit,)).fetchall()]


def drop(tx: Transaction, command: Command, actor: str, now: float) -> None:
    """Take a dead letter off the list."""
    tx.execute("UPDATE commands SET dropped = 1 WHERE command_id = ?", (command.command_id,))
    note(tx, command, "Dropped", actor, now)


def _names(states: Iterable[CommandState]) -> str:
    return ", ".join(f"'{state.value}'" for state in sorted(states, key=lambda s: s.value))


def _first_steps(command: Command, detail: str) -> list[TraceStep]:
    accepted = TraceStep(
        command.created_at, command.command_id, command.session_id, "Accepted", "", "queued",
        command.origin.actor or command.origin.source, detail,
    )  # fmt: skip
    if command.state is CommandState.QUEUED:
        return [accepted]
    sent = accepted._replace(
        event="Sent", from_state="queued", to_state="sent", actor="router", detail=_attempt(command)
    )
    return [accepted, sent]


def _attempt(command: Command) -> str:
    return f"attempt {command.attempt}, epoch {command.epoch}"


def _step(old: Command, new: Command, event: str, now: float, actor: str) -> TraceStep:
    reason = "" if new.reason is Reason.UNSPECIFIED else new.reason.name
    typed = ""
    if new.typed_at and not old.typed_at:
        typed = f"typed {datetime.fromtimestamp(new.typed_at, UTC):%H:%M:%S.%f} UTC"
    detail = _attempt(new) if event == "Sent" else " ".join(filter(None, (reason, typed, new.detail)))
    return TraceStep(now, new.command_id, new.session_id, event, old.state.value, new.state.value, actor, detail)


def _on_disk(value: object) -> object:
    return value.value if isinstance(value, CommandState | Reason | Hold) else value


def _row(c: Command) -> tuple[object, ...]:
    chat = c.origin.chat or ChatRef("", "")
    kind, text, submit = _action_columns(c.action)
    return (
        c.command_id, c.session_id, c.machine_id, c.generation, c.sequence, c.lane.value, kind, text, submit,
        c.origin.source, c.origin.actor, chat.transport, chat.chat_id, chat.thread_id, chat.message_id, c.created_at,
        c.expires_at, c.has_ttl, c.state.value, c.reason.value, c.detail, c.attempt, c.charged, c.epoch, c.inbox_id,
        c.redrive_of, c.sent_at, c.received_at, c.typed_at, c.taken_at, c.finished_at, c.ended_at, c.dropped,
        c.hold.value, c.names_session,
    )  # fmt: skip


def _action_columns(action: Action) -> tuple[str, str, bool]:
    match action:
        case Input(text, submit):
            return "input", text, submit
        case FileInput():
            return "file", json.dumps(astuple(action)), True
        case KeyPress(name):
            return "key", name, False
        case PermissionDecision():
            return "decision", json.dumps(astuple(action)), False
        case StartSession():
            return "start", json.dumps(astuple(action)), False
        case StopSession():
            return "stop", "", False
        case KeepSession():
            return "keep", "", False


_OF_PARTS = {"file": FileInput, "start": StartSession, "decision": PermissionDecision}


def _action(kind: str, text: str, *, submit: bool) -> Action:
    match kind:
        case "input":
            return Input(text, submit)
        case "key":
            return KeyPress(text)
        case "stop":
            return StopSession()
        case "keep":
            return KeepSession()
    made: Action = _OF_PARTS[kind](*json.loads(text))
    return made


def _command(row: tuple[Any, ...]) -> Command:
    (
        command_id, session_id, machine_id, generation, sequence, lane, kind, text, submit, source, actor, transport,
        chat_id, thread_id, message_id, created_at, expires_at, has_ttl, state, reason,
    ) = row[:20]  # fmt: skip
    action = _action(kind, text, submit=bool(submit))
    chat = ChatRef(transport, chat_id, thread_id, message_id) if transport else None
    head = (command_id, session_id, machine_id, generation, sequence, Lane(lane), action, Origin(source, actor, chat))
    state_now = (created_at, expires_at, bool(has_ttl), CommandState(state), Reason(reason))
    dropped, hold, names_session = row[-3:]
    marks = (*row[20:-3], bool(dropped), Hold(hold), bool(names_session))
    return Command(*(*head, *state_now, *marks))
