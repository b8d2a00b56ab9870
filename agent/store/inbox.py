"""The inbox: every command the router sent, from its receipt until nobody can send it again."""

import json
import sqlite3
import uuid
from asyncio import Future
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from agent.domain.command import (
    Command,
    Ended,
    Ending,
    FileInput,
    IllegalMove,
    InboxState,
    Input,
    KeepSession,
    KeyPress,
    Lane,
    Order,
    Outcome,
    PermissionDecision,
    Reason,
    Started,
    StartSession,
    StopSession,
    sources,
)
from agent.domain.frames import CommandResult, Notify, Receipt, ReceiptOutcome, Welcome
from agent.domain.session import bare_id
from agent.store.database import Database
from agent.store.outbox import Outbox, acknowledged, append, renumber_above
from agent.store.prompts import expect, settle, was_taken


def _states(event: type[Started] | type[Ended]) -> str:
    return ", ".join(f"'{state.value}'" for state in sorted(sources(event), key=lambda state: state.value))


_UNRESOLVED_LIMIT = 10_000  # what the router allows a machine to have; keeps hello below the frame limit

WINDOW_BYTES = 1024 * 1024  # of commands that the router sends before it waits for receipts
_PROBE = "probe"

_INSERT = """
INSERT INTO inbox (command_id, session_id, generation, sequence, lane, kind, text, submit, ttl, received_at, state,
                   ending)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'received', '') ON CONFLICT (command_id) DO NOTHING
"""
_UNRESOLVED = """
SELECT command_id, state FROM inbox
WHERE state != 'finished' OR EXISTS (SELECT 1 FROM outbox WHERE upstream_seq = result_seq)
ORDER BY state != 'received', position LIMIT ?
"""
_START = f"UPDATE inbox SET state = 'started' WHERE command_id = ? AND state IN ({_states(Started)})"  # noqa: S608
_FINISH = f"""
UPDATE inbox SET state = 'finished', ending = ?, result_seq = ? WHERE command_id = ? AND state IN ({_states(Ended)})
"""  # noqa: S608
# Both conditions: the router will not send it again, and it knows how it ended. A tombstone of a cancelled command
# has no session: its acknowledged result alone says so.
_PRUNE = """
DELETE FROM inbox WHERE state = 'finished' AND session_id = ? AND sequence < ?
AND NOT EXISTS (SELECT 1 FROM outbox WHERE upstream_seq = result_seq)
"""


_TYPED = "SELECT session_id FROM inbox WHERE command_id = ? AND kind = 'input'"
_DOUBT = {
    Ending.UNCERTAIN: f"INSERT OR IGNORE INTO doubts (bare_id) {_TYPED}",
    Ending.DONE: f"DELETE FROM doubts WHERE bare_id = ({_TYPED})",  # noqa: S608
}


class Start(Enum):
    """Whether a command may run, and on what kind of line."""

    FORBIDDEN = "forbidden"  # it ended meanwhile
    CLEAN = "clean"
    IN_DOUBT = "in doubt"  # an interrupted delivery may have left something on the line


@dataclass(frozen=True, slots=True)
class Waiting:
    """A command found at start-up that never started, and when it was received (seconds since the epoch)."""

    command: Command
    received_at: float


@dataclass(frozen=True, slots=True)
class Memory:
    """What hello says of the files."""

    inbox_id: str
    outbox_id: str
    last_link_epoch: int
    unresolved: tuple[tuple[str, InboxState], ...]
    upstream_acked_seq: int


class Inbox:
    """Commands by id. Each method is one transaction; its future resolves after the fsync."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    def store(self, commands: Sequence[Command], now: float) -> "Future[tuple[Receipt, ...]]":
        """Insert what is new; a receipt for each command, STORED or DUPLICATE with its state."""
        return self._database.run(lambda connection: _store(connection, commands, now), urgent=True)

    def start(self, command_id: str, *, awaited: bool = False) -> "Future[Start]":
        """RECEIVED to STARTED, unless it ended meanwhile. `awaited`: its program will say when it takes the text."""
        return self._database.run(lambda connection: _start(connection, command_id, awaited=awaited))

    def finish(self, command_id: str, outcome: Outcome, typed_at: float | None) -> "Future[int]":
        """The outcome, and the result into the outbox; its number. Raises IllegalMove when it had ended."""
        result = CommandResult(command_id, outcome, typed_at)
        return self._outbox.run(lambda connection: _finish(connection, result))

    def cancel(self, command_id: str, now: float) -> "Future[bool]":
        """Take a command back; True when it had not started. One that never came is remembered as taken back."""
        return self._outbox.run(lambda connection: _cancel(connection, command_id, now))

    def held(self, command: Command, why: str) -> "Future[int]":
        """Tell people that a command waits; told again, the router takes it for the same message."""
        notification_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"held/{command.command_id}"))
        text = f"Not typed yet: {why}. Your text waits until that is over."
        return self._outbox.append(Notify(notification_id, command.session_id, text))

    def recover(self) -> "Future[tuple[Waiting, ...]]":
        """At start-up: what is RECEIVED comes back in order; what was STARTED is over.

        It is UNCERTAIN, unless its program had said that it took it.
        """
        return self._outbox.run(_recover)

    def memory(self) -> "Future[Memory]":
        """What hello says."""
        return self._database.run(_memory)

    async def probe(self) -> None:
        """See whether the disk takes as much as a full window of commands. Raises StoreUnavailable."""
        full = (_PROBE, "x" * WINDOW_BYTES)
        await self._database.run(lambda c: c.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", full))
        await self._database.run(lambda c: c.execute("DELETE FROM meta WHERE key = ?", (_PROBE,)))

    def welcomed(self, welcome: Welcome, now: float) -> "Future[None]":
        """Remember the epoch; end what is recalled; forget what the router has on disk and will not send again."""
        return self._database.run(lambda connection: _welcomed(connection, welcome, now), urgent=True)

    def depth(self) -> "Future[int]":
        """How many commands have not ended."""
        sql = "SELECT count(*) FROM inbox WHERE state != 'finished'"
        return self._database.run(lambda connection: int(connection.execute(sql).fetchone()[0]))


def _store(connection: sqlite3.Connection, commands: Sequence[Command], now: float) -> tuple[Receipt, ...]:
    newest = connection.execute("SELECT coalesce(max(position), 0) FROM inbox").fetchone()[0]
    rows = [_row(command, now) for command in commands]
    if connection.executemany(_INSERT, rows).rowcount == len(rows):
        return tuple(Receipt(command.command_id, ReceiptOutcome.STORED) for command in commands)
    return tuple(_receipts_with_duplicates(connection, commands, newest))


def _receipts_with_duplicates(
    connection: sqlite3.Connection, commands: Sequence[Command], newest: int
) -> list[Receipt]:
    receipts: list[Receipt] = []
    new: set[str] = set()
    for command in commands:
        sql = "SELECT position, state FROM inbox WHERE command_id = ?"
        position, state = connection.execute(sql, (command.command_id,)).fetchone()
        if position > newest and command.command_id not in new:
            new.add(command.command_id)
            receipts.append(Receipt(command.command_id, ReceiptOutcome.STORED))
        else:
            receipts.append(Receipt(command.command_id, ReceiptOutcome.DUPLICATE, InboxState(state)))
    return receipts


def _row(command: Command, now: float) -> tuple[object, ...]:
    match command.action:
        case Input(text, submit):
            action: tuple[object, ...] = ("input", text, submit)
        case FileInput(file_id, name, size, caption):
            action = ("file", json.dumps([file_id, name, size, caption]), True)
        case KeyPress(name):
            action = ("key", name, False)
        case PermissionDecision(permission_id, input_digest, option_id, text):
            action = ("decision", json.dumps([permission_id, input_digest, option_id, text]), False)
        case StartSession(prompt, folder, conversation_id, keep):
            action = ("start", json.dumps([prompt, folder, conversation_id, keep]), False)
        case StopSession():
            action = ("stop", "", False)
        case KeepSession():
            action = ("keep", "", False)
        case None:
            raise ValueError(f"command {command.command_id} has no action")
    head = (command.command_id, bare_id(command.session_id), command.generation, command.sequence, command.lane.value)
    return (*head, *action, command.ttl, now)


def _start(connection: sqlite3.Connection, command_id: str, *, awaited: bool) -> Start:
    if not start(connection, command_id):
        return Start.FORBIDDEN
    if awaited:
        expect(connection, command_id)
    sql = "SELECT 1 FROM doubts WHERE bare_id = (SELECT session_id FROM inbox WHERE command_id = ?)"
    return Start.IN_DOUBT if connection.execute(sql, (command_id,)).fetchone() else Start.CLEAN


def start(connection: sqlite3.Connection, command_id: str) -> bool:
    """RECEIVED to STARTED, within a transaction that does more; False when it ended meanwhile."""
    return connection.execute(_START, (command_id,)).rowcount == 1


def _state(connection: sqlite3.Connection, command_id: str) -> InboxState | None:
    row = connection.execute("SELECT state FROM inbox WHERE command_id = ?", (command_id,)).fetchone()
    return InboxState(row[0]) if row else None


def _finish(connection: sqlite3.Connection, result: CommandResult) -> int:
    seq = append(connection, result)
    values = (result.outcome.ending.value, seq, result.command_id)
    if connection.execute(_FINISH, values).rowcount != 1:
        raise IllegalMove(f"{result.command_id} has ended before, or was never here")
    if (doubt := _DOUBT.get(result.outcome.ending)) is not None:
        connection.execute(doubt, (result.command_id,))
    settle(connection, result)
    return seq


def end(connection: sqlite3.Connection, command_id: str, outcome: Outcome) -> None:
    """End a command within a transaction that does more. Raises IllegalMove when it had ended."""
    _finish(connection, CommandResult(command_id, outcome))


_TAKEN_BACK = Outcome(Ending.CANCELLED, Reason.CANCELLED)


def _cancel(connection: sqlite3.Connection, command_id: str, now: float) -> bool:
    state = _state(connection, command_id)
    if state not in (None, InboxState.RECEIVED):
        return False
    if state is None:
        # A copy may still be under way: it must find that it is not wanted any more.
        row = _row(Command(command_id, "", 0, 0, Lane.NORMAL, KeyPress("")), now)
        connection.execute(_INSERT, row)
    _finish(connection, CommandResult(command_id, _TAKEN_BACK))
    return True


_RESTARTED = Outcome.uncertain(Reason.AGENT_RESTARTED, "The agent was restarted while typing this.")
_HALF_BEGUN = Outcome.uncertain(
    Reason.AGENT_RESTARTED, "The agent was restarted while it started this; whether it has the prompt cannot be known."
)


def _recover(connection: sqlite3.Connection) -> tuple[Waiting, ...]:
    left = "SELECT command_id, kind FROM inbox WHERE state = 'started' ORDER BY position"
    for command_id, kind in connection.execute(left).fetchall():
        doubt = _HALF_BEGUN if kind == "start" else _RESTARTED
        outcome = Outcome.done() if was_taken(connection, command_id) else doubt
        _finish(connection, CommandResult(command_id, outcome))
    sql = """SELECT command_id, session_id, generation, sequence, lane, kind, text, submit, ttl, received_at
             FROM inbox WHERE state = 'received' ORDER BY position"""
    return tuple(_waiting(*row) for row in connection.execute(sql))


def _waiting(
    command_id: str,
    session_id: str,
    generation: int,
    sequence: int,
    lane: str,
    kind: str,
    text: str,
    submit: int,
    ttl: float | None,
    received_at: float,
) -> Waiting:
    action = _action(kind, text, submit=bool(submit))
    return Waiting(Command(command_id, session_id, generation, sequence, Lane(lane), action, ttl), received_at)


def _action(kind: str, text: str, *, submit: bool) -> Order:
    match kind:
        case "input":
            return Input(text, submit)
        case "file":
            return FileInput(*json.loads(text))
        case "key":
            return KeyPress(text)
        case "start":
            return StartSession(*json.loads(text))
        case "stop":
            return StopSession()
        case "keep":
            return KeepSession()
    return PermissionDecision(*json.loads(text))


def _memory(connection: sqlite3.Connection) -> Memory:
    meta = dict(connection.execute("SELECT key, value FROM meta"))
    rows = connection.execute(_UNRESOLVED, (_UNRESOLVED_LIMIT,))
    unresolved = tuple((command_id, InboxState(state)) for command_id, state in rows)
    return Memory(
        meta["inbox_id"], meta["outbox_id"], int(meta["last_link_epoch"]), unresolved, acknowledged(connection)
    )


def _welcomed(connection: sqlite3.Connection, welcome: Welcome, now: float) -> None:
    acked, floors = welcome.upstream_acked_seq, welcome.resend_floors
    connection.execute("UPDATE meta SET value = ? WHERE key = 'last_link_epoch'", (str(welcome.link_epoch),))
    renumber_above(connection, acked, outdated=welcome.inbox_outdated)
    connection.execute("DELETE FROM outbox WHERE upstream_seq <= ?", (acked,))
    for command_id in welcome.recalled:
        (_disown if welcome.inbox_outdated else _cancel)(connection, command_id, now)
    connection.executemany(_PRUNE, [(bare_id(session_id), floor) for session_id, floor in floors.items()])
    connection.execute(_PRUNE, ("", 1))


def _disown(connection: sqlite3.Connection, command_id: str, _now: float) -> None:
    """End without a result what waits in an old copy: it may have been typed since the copy was made."""
    if _state(connection, command_id) is InboxState.RECEIVED:
        connection.execute(_FINISH, (Ending.CANCELLED.value, None, command_id))
