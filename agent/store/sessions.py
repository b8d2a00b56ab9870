"""The sessions of this machine on disk; each change with the word about it to the router, in one transaction."""

import json
import sqlite3
from asyncio import Future

from agent.domain.command import Outcome
from agent.domain.frames import Item
from agent.domain.session import Conversation, Process, Session, SessionState, bare_id
from agent.store.database import Database
from agent.store.group_commit import Transaction
from agent.store.inbox import end, start
from agent.store.outbox import Outbox, append
from agent.store.prompts import expect, forget
from agent.store.statements import Statement, given, upsert
from agent.store.tables import SessionRow as Row

_SAVE = Statement(upsert(Row, [Row.bare_id]))
_ALL = Statement(Row.select())  # those that are over, too: a later one must not take their generation
_SHIFT = Statement(Row.update(ends_at=Row.ends_at + given.seconds, waits_since=Row.waits_since + given.seconds))
# Where the kernel counts on it tells the start of a process by the wall clock, which was moved.
_SHIFT_PROCESSES = Statement(Row.update(pid_started=Row.pid_started + given.seconds))
_TALKS = Statement(Row.select(Row.bare_id, Row.conversation).where(Row.conversation != ""))
_SET_TALK = Statement(Row.update(conversation=given.conversation).where(Row.bare_id == given.bare_id))


class SessionStore:
    """Rows of sessions."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    def load(self) -> "Future[tuple[Session, ...]]":
        """All sessions, ended ones too."""
        return self._database.read(_load)

    def save(self, session: Session, word: Item, *, told: bool = True) -> "Future[int]":
        """Store a session and what the router has to learn of it. `told`: somebody says which texts it takes."""
        return self._outbox.write(lambda tx: _save(tx, session, word, told=told))

    def begin(self, session: Session, word: Item, command_id: str) -> "Future[bool]":
        """The same for a new session, with the command that begins it STARTED; False where that ended meanwhile."""
        return self._outbox.write(lambda tx: _begin(tx, session, word, command_id))

    def settle(self, session: Session, word: Item, command_id: str) -> "Future[None]":
        """The same, with the command that asked for it DONE. Raises IllegalMove."""
        return self._outbox.write(lambda tx: _settle(tx, session, word, command_id))


def shift(tx: Transaction, seconds: float) -> None:
    """Move the times of sessions along with the wall clock."""
    _SHIFT.run(tx, seconds=seconds)


def shift_processes(tx: Transaction, seconds: float) -> None:
    """The same for when their processes began, within one boot of the kernel."""
    _SHIFT_PROCESSES.run(tx, seconds=seconds)
    for name, text in _TALKS.run(tx).fetchall():
        conversation_id, pid, started, *rest = json.loads(text)
        moved = json.dumps([conversation_id, pid, started + seconds, *rest])
        _SET_TALK.run(tx, conversation=moved, bare_id=name)


def _load(tx: Transaction) -> tuple[Session, ...]:
    return tuple(_session(row) for row in _ALL.rows(tx))


def _session(row: sqlite3.Row) -> Session:
    return Session(
        row["session_id"],
        row["backend"],
        row["label"],
        row["cwd"],
        row["generation"],
        SessionState(row["state"]),
        json.loads(row["target"]),
        None if row["pid"] is None else Process(row["pid"], row["pid_started"]),
        _conversation(row["conversation"]),
        ends_at=row["ends_at"],
        keep=bool(row["keep"]),
        waits_since=row["waits_since"],
        mode=row["mode"],
        model=row["model"],
        limited_until=row["limited_until"],
    )


def _row(session: Session) -> dict[str, object]:
    process = session.process
    return {
        "bare_id": bare_id(session.session_id),
        "session_id": session.session_id,
        "backend": session.backend,
        "label": session.label,
        "cwd": session.cwd,
        "generation": session.generation,
        "state": session.state.value,
        "target": json.dumps(dict(session.target)),
        "pid": process.pid if process else None,
        "pid_started": process.started if process else None,
        "conversation": _talk(session),
        "ends_at": session.ends_at,
        "keep": session.keep,
        "waits_since": session.waits_since,
        "mode": session.mode,
        "model": session.model,
        "limited_until": session.limited_until,
    }


def _conversation(text: str) -> Conversation | None:
    if not text:
        return None
    conversation_id, pid, started, folder, transcript, *earlier = json.loads(text)
    return Conversation(conversation_id, Process(pid, started), folder, transcript, tuple(earlier))


def _save(tx: Transaction, session: Session, word: Item, *, told: bool = True) -> int:
    _SAVE.run(tx, **_row(session))
    if session.state is SessionState.ENDED or not told:
        forget(tx, bare_id(session.session_id))  # else people would wait for a word that never comes
    return append(tx, word)


def _begin(tx: Transaction, session: Session, word: Item, command_id: str) -> bool:
    # One that was cancelled meanwhile leaves no session; one that dies behind this leaves both.
    if not start(tx, command_id):
        return False
    _save(tx, session, word)
    expect(tx, command_id)
    return True


def _settle(tx: Transaction, session: Session, word: Item, command_id: str) -> None:
    _save(tx, session, word)
    end(tx, command_id, Outcome.done())


def _talk(session: Session) -> str:
    talk = session.conversation
    if talk is None:
        return ""
    process = (talk.process.pid, talk.process.started)
    return json.dumps([talk.conversation_id, *process, talk.folder, talk.transcript, *talk.earlier])
