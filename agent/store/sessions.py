"""The sessions of this machine on disk; each change with the word about it to the router, in one transaction."""

import json
import sqlite3
from asyncio import Future

from agent.domain.command import Outcome
from agent.domain.frames import Item
from agent.domain.prompt import is_told_of
from agent.domain.session import Conversation, Process, Session, SessionState, bare_id
from agent.store.database import Database
from agent.store.inbox import end, start
from agent.store.outbox import Outbox, append
from agent.store.prompts import expect, forget

_SAVE = """
INSERT INTO sessions (bare_id, session_id, backend, label, cwd, generation, state, target, pid, pid_started,
                      conversation, ends_at, keep, waits_since)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (bare_id) DO UPDATE SET
    session_id = excluded.session_id, backend = excluded.backend, label = excluded.label, cwd = excluded.cwd,
    generation = excluded.generation, state = excluded.state, target = excluded.target, pid = excluded.pid,
    pid_started = excluded.pid_started, conversation = excluded.conversation, ends_at = excluded.ends_at,
    keep = excluded.keep, waits_since = excluded.waits_since
"""


class SessionStore:
    """Rows of sessions."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    def load(self) -> "Future[tuple[Session, ...]]":
        """All sessions, ended ones too."""
        return self._database.run(_load)

    def save(self, session: Session, word: Item) -> "Future[int]":
        """Store a session and what the router has to learn of it."""
        return self._outbox.run(lambda connection: _save(connection, session, word))

    def begin(self, session: Session, word: Item, command_id: str) -> "Future[bool]":
        """The same for a new session, with the command that begins it STARTED; False where that ended meanwhile."""
        return self._outbox.run(lambda connection: _begin(connection, session, word, command_id))

    def settle(self, session: Session, word: Item, command_id: str) -> "Future[None]":
        """The same, with the command that asked for it DONE. Raises IllegalMove."""
        return self._outbox.run(lambda connection: _settle(connection, session, word, command_id))


def _load(connection: sqlite3.Connection) -> tuple[Session, ...]:
    sql = """SELECT session_id, backend, label, cwd, generation, state, target, pid, pid_started, conversation, ends_at,
             keep, waits_since FROM sessions"""
    return tuple(
        Session(
            session_id,
            backend,
            label,
            cwd,
            generation,
            SessionState(state),
            json.loads(target),
            None if pid is None else Process(pid, started),
            _conversation(talk),
            ends_at=ends,
            keep=bool(keep),
            waits_since=waits,
        )
        for session_id, backend, label, cwd, generation, state, target, pid, started, talk, ends, keep, waits in (
            connection.execute(sql)
        )
    )


def _conversation(text: str) -> Conversation | None:
    if not text:
        return None
    conversation_id, pid, started, folder, transcript = json.loads(text)
    return Conversation(conversation_id, Process(pid, started), folder, transcript)


def _save(connection: sqlite3.Connection, session: Session, word: Item) -> int:
    process = (session.process.pid, session.process.started) if session.process else (None, None)
    head = (bare_id(session.session_id), session.session_id, session.backend, session.label, session.cwd)
    tail = (session.generation, session.state.value, json.dumps(dict(session.target)), *process, _talk(session))
    connection.execute(_SAVE, (*head, *tail, session.ends_at, session.keep, session.waits_since))
    if session.state is SessionState.ENDED or not is_told_of(session):
        forget(connection, bare_id(session.session_id))
    return append(connection, word)


def _begin(connection: sqlite3.Connection, session: Session, word: Item, command_id: str) -> bool:
    if not start(connection, command_id):
        return False
    _save(connection, session, word)
    expect(connection, command_id)
    return True


def _settle(connection: sqlite3.Connection, session: Session, word: Item, command_id: str) -> None:
    _save(connection, session, word)
    end(connection, command_id, Outcome.done())


def _talk(session: Session) -> str:
    talk = session.conversation
    if talk is None:
        return ""
    process = (talk.process.pid, talk.process.started)
    return json.dumps([talk.conversation_id, *process, talk.folder, talk.transcript])
