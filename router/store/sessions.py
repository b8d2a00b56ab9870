"""Sessions on disk."""

import sqlite3
from dataclasses import dataclass, replace
from typing import Any

from router.domain.errors import Reason, Refusal
from router.domain.session import Session, SessionState, bare_id
from router.store.database import Transaction
from router.store.statements import given
from router.store.tables import Message
from router.store.tables import Session as Row
from router.store.upkeep import purging, shifting

_COLUMNS = "session_id, machine_id, label, backend, cwd, state, generation, created_at, updated_at, waiting_for"
_SELECT = f"SELECT {_COLUMNS} FROM sessions"
UNSEEN_AFTER = 30 * 24 * 3600.0  # seconds
_GRAIN = 3600.0  # seconds: being seen is no write if it was one less than so long ago
_ASKS = (
    "(SELECT tool FROM permissions WHERE permissions.session_id = sessions.session_id AND permissions.state = 'open'"
    " ORDER BY position LIMIT 1)"
)

FIRST_WORDS = 80  # characters
_FIRST_TEXT = (
    f"(SELECT substr(iif(kind = 'start', json_extract(text, '$[0]'), text), 1, {FIRST_WORDS}) FROM commands"
    " WHERE commands.session_id = sessions.session_id AND kind IN ('input', 'start') ORDER BY position LIMIT 1)"
)


shift = shifting(Row.seen_at, Row.state != "ended")  # one that nobody has seen for a month ends
OVER = (Row.state == "ended") & (Row.updated_at < given.before)
purge = purging(Row, OVER & Row.session_id.not_in(Message.select(Message.session_id)))


@dataclass(frozen=True, slots=True)
class Slot:
    """What accepting a command needs to know of its session."""

    session_id: str
    machine_id: str
    generation: int
    next_sequence: int
    live: int
    machine_live: int


def find(connection: sqlite3.Connection | Transaction, session_id: str) -> Session | None:
    """One session by its id, in whatever dress, or None."""
    row = connection.execute(f"{_SELECT} WHERE bare_id = ?", (bare_id(session_id),)).fetchone()
    return _session(row) if row else None


def get(connection: sqlite3.Connection | Transaction, session_id: str) -> Session:
    """One session by its id, in whatever dress. Raises Refusal(SESSION_UNKNOWN)."""
    if (session := find(connection, session_id)) is None:
        raise Refusal(Reason.SESSION_UNKNOWN, f"There is no session {session_id}. `pointsman sessions` lists them.")
    return session


def owned(connection: sqlite3.Connection | Transaction, session_id: str, machine_id: str) -> Session:
    """The session that a machine speaks of. Raises Refusal(SESSION_UNKNOWN | SESSION_OWNED_ELSEWHERE)."""
    session = get(connection, session_id)
    if session.machine_id != machine_id:
        raise elsewhere(session)
    return session


def elsewhere(session: Session) -> Refusal:
    """What another machine than its own is told about a session."""
    text = f"Session {session.session_id} belongs to machine {session.machine_id}, which alone may speak for it."
    return Refusal(Reason.SESSION_OWNED_ELSEWHERE, text)


def slot(tx: Transaction, session_id: str) -> Slot:
    """A session's place for the next command. Raises Refusal(SESSION_UNKNOWN | SESSION_ENDED)."""
    row = tx.execute(
        "SELECT session_id, machine_id, state, generation, next_sequence, live,"
        " (SELECT SUM(live) FROM sessions o WHERE o.machine_id = s.machine_id) FROM sessions s WHERE bare_id = ?",
        (bare_id(session_id),),
    ).fetchone()
    if row is None:
        raise Refusal(Reason.SESSION_UNKNOWN, f"There is no session {session_id}. `pointsman sessions` lists them.")
    if row[2] == SessionState.ENDED.value:
        raise Refusal(
            Reason.SESSION_ENDED, f"Session {session_id} has ended. `pointsman sessions` lists those that live."
        )
    return Slot(row[0], row[1], *row[3:])


def page(connection: sqlite3.Connection | Transaction, machine_id: str = "", *, ended: bool = False) -> list[Session]:
    """The sessions in the order of their registration, with their first words; who has an open question waits."""
    sql = (
        f"SELECT {_COLUMNS}, {_FIRST_TEXT}, {_ASKS} FROM sessions"
        " WHERE (? = '' OR machine_id = ?) AND (? OR state != 'ended') ORDER BY created_at, session_id"
    )
    rows = connection.execute(sql, (machine_id, machine_id, ended)).fetchall()
    return [_asking(replace(_session(row[:-2]), first_words=_line(row[-2])), row[-1]) for row in rows]


def write(tx: Transaction, session: Session) -> None:
    """Insert or replace what is known of a session, which is thereby seen; its numbering goes on."""
    tx.execute(
        f"INSERT INTO sessions ({_COLUMNS}, bare_id, seen_at, next_sequence, live)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,1,0)"
        " ON CONFLICT (session_id) DO UPDATE SET machine_id = excluded.machine_id, label = excluded.label,"
        " backend = excluded.backend, cwd = excluded.cwd, state = excluded.state, generation = excluded.generation,"
        " updated_at = excluded.updated_at, waiting_for = excluded.waiting_for, seen_at = excluded.seen_at",
        (
            session.session_id, session.machine_id, session.label, session.backend, session.cwd, session.state.value,
            session.generation, session.created_at, session.updated_at, session.waiting_for,
            bare_id(session.session_id), session.updated_at,
        ),
    )  # fmt: skip


def seen(tx: Transaction, session_id: str, now: float) -> None:
    """Something was heard of a session, which lives."""
    tx.execute(
        "UPDATE sessions SET seen_at = ? WHERE bare_id = ? AND seen_at < ?", (now, bare_id(session_id), now - _GRAIN)
    )


def unseen(tx: Transaction, now: float, limit: int) -> list[Session]:
    """Sessions that have not ended, and of which nothing was heard for too long; the longest ago first."""
    sql = f"{_SELECT} WHERE state != 'ended' AND seen_at < ? ORDER BY seen_at LIMIT ?"
    return [_session(row) for row in tx.execute(sql, (now - UNSEEN_AFTER - _GRAIN, limit)).fetchall()]


def forget_generations(tx: Transaction, machine_id: str) -> None:
    """A machine counts from another time: what it says next of its sessions' restarts is believed."""
    tx.execute("UPDATE sessions SET generation = 0 WHERE machine_id = ?", (machine_id,))


def start_ended(tx: Transaction, session_id: str, *, began: bool, now: float) -> bool:
    """The start of a session is over: where its machine has not told of it since, it lives or is over, too.

    Returns whether it is over by this.
    """
    state = SessionState.UNKNOWN if began else SessionState.ENDED
    changed = tx.execute(
        "UPDATE sessions SET state = ?, updated_at = ? WHERE session_id = ? AND state = ?",
        (state.value, now, session_id, SessionState.STARTING.value),
    ).rowcount
    return changed == 1 and not began


def remove(tx: Transaction, session_id: str) -> None:
    """Forget a session that nothing was accepted for."""
    tx.execute("DELETE FROM sessions WHERE session_id = ?", (session_id,))


def _line(text: str | None) -> str:
    return " ".join((text or "").split())


def _asking(session: Session, tool: str | None) -> Session:
    if tool is None or session.state is SessionState.WAITING:
        return session
    return replace(session, state=SessionState.WAITING, waiting_for=f"permission: {tool}")


def _session(row: tuple[Any, ...]) -> Session:
    session_id, machine_id, label, backend, cwd, state, generation, created_at, updated_at, waiting_for = row
    return Session(
        session_id, machine_id, label, backend, cwd, SessionState(state), generation, created_at, updated_at,
        waiting_for=waiting_for,
    )  # fmt: skip
