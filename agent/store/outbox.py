"""The outbox: what the router has to learn, numbered, until it says that it has it on disk."""

import asyncio
import json
import logging
import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

from agent.domain.command import Ending, Outcome, Reason
from agent.domain.frames import (
    Button,
    CommandMark,
    CommandResult,
    Durable,
    Item,
    Mark,
    Notice,
    PermissionAsked,
    PermissionOver,
    SessionChanged,
    SessionGone,
)
from agent.domain.permission import Kind, Option, Over, Question, Verdict
from agent.domain.session import Session, SessionState
from agent.store.database import Database

logger = logging.getLogger(__name__)
T = TypeVar("T")


class Outbox:
    """Rows for the router. `news` is set after each commit that may have added some."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.news = asyncio.Event()

    def append(self, item: Item) -> "asyncio.Future[int]":
        """Store one item; its number."""
        return self.run(lambda connection: append(connection, item))

    def run(self, operation: Callable[[sqlite3.Connection], T]) -> "asyncio.Future[T]":
        """Run an operation that appends, and give the news."""
        future = self._database.run(operation)
        future.add_done_callback(lambda _: self.news.set())
        return future

    def after(self, seq: int, limit: int) -> "asyncio.Future[tuple[Durable, ...]]":
        """The rows with higher numbers, lowest first."""
        return self._database.run(lambda connection: _after(connection, seq, limit))

    def acknowledge(self, seq: int) -> None:
        """Forget everything up to this number, soon: if it is lost, the router says it again."""
        sql = "DELETE FROM outbox WHERE upstream_seq <= ?"
        self._database.run_lazily(lambda connection: connection.execute(sql, (seq,)))

    def depth(self) -> "asyncio.Future[int]":
        """How many rows are not acknowledged."""
        return self._database.run(lambda c: int(c.execute("SELECT count(*) FROM outbox").fetchone()[0]))


def append(connection: sqlite3.Connection, item: Item) -> int:
    """Store one item within a transaction; its number."""
    kind, payload = _encoded(item)
    cursor = connection.execute("INSERT INTO outbox (kind, payload) VALUES (?, ?)", (kind, json.dumps(payload)))
    assert cursor.lastrowid is not None  # noqa: S101 -- an INSERT that did not raise has one
    return cursor.lastrowid


def renumber_above(connection: sqlite3.Connection, acked: int) -> None:
    """Make every number greater than `acked`.

    A router that has acknowledged more than was ever numbered here knows a later life of this file: it was put back
    from a copy. Without new numbers, what is in it would pass for acknowledged.
    """
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
    if acked <= (row[0] if row else 0):
        return
    logger.warning("outbox renumbered acked=%s", acked)
    gone = "UPDATE inbox SET result_seq = 0 WHERE result_seq NOT IN (SELECT upstream_seq FROM outbox)"
    connection.execute(gone)
    rows = connection.execute("SELECT upstream_seq, kind, payload FROM outbox ORDER BY upstream_seq").fetchall()
    connection.execute("DELETE FROM outbox")
    for number, (seq, kind, payload) in enumerate(rows, start=acked + 1):
        values = (number, kind, payload)
        connection.execute("INSERT INTO outbox (upstream_seq, kind, payload) VALUES (?, ?, ?)", values)
        connection.execute("UPDATE inbox SET result_seq = ? WHERE result_seq = ?", (number, seq))
    _count_on_from(connection, acked)


def _count_on_from(connection: sqlite3.Connection, seq: int) -> None:
    updated = connection.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'outbox'", (seq,)).rowcount
    if not updated:
        connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('outbox', ?)", (seq,))


def _after(connection: sqlite3.Connection, seq: int, limit: int) -> tuple[Durable, ...]:
    sql = "SELECT upstream_seq, kind, payload FROM outbox WHERE upstream_seq > ? ORDER BY upstream_seq LIMIT ?"
    rows = connection.execute(sql, (seq, limit))
    return tuple(Durable(number, _DECODERS[kind](json.loads(payload))) for number, kind, payload in rows)


def _encoded(item: Item) -> tuple[str, list[object]]:
    match item:
        case CommandResult(command_id, outcome, typed_at):
            return "result", [command_id, outcome.ending.value, outcome.reason.value, outcome.detail, typed_at]
        case CommandMark(command_id, mark, shown):
            return "mark", [command_id, mark.value, shown]
        case SessionChanged(session):
            fields = [session.session_id, session.generation, session.label, session.backend, session.cwd]
            return "session_update", [*fields, session.state.value, session.waiting_for]
        case SessionGone(session_id, generation, detail):
            return "session_closed", [session_id, generation, detail]
        case Notice(notification_id, session_id, text, buttons):
            return "notify", [notification_id, session_id, text, [[one.label, one.action] for one in buttons]]
        case PermissionAsked(question):
            return "permission_request", _question_fields(question)
        case PermissionOver(permission_id, over, detail):
            return "permission_withdrawn", [permission_id, over.value, detail]


def _result(fields: list[Any]) -> Item:
    command_id, ending, reason, detail, typed_at = fields
    return CommandResult(command_id, Outcome(Ending(ending), Reason(reason), detail), typed_at)


def _mark(fields: list[Any]) -> Item:
    command_id, mark, shown = fields
    return CommandMark(command_id, Mark(mark), shown)


def _session(fields: list[Any]) -> Item:
    session_id, generation, label, backend, cwd, state, *waiting_for = fields  # earlier versions wrote none
    told = Session(session_id, backend, label, cwd, generation, SessionState(state), waiting_for="".join(waiting_for))
    return SessionChanged(told)


def _notice(fields: list[Any]) -> Item:
    notification_id, session_id, text, buttons = fields
    return Notice(notification_id, session_id, text, tuple(Button(*one) for one in buttons))


def _question_fields(asked: Question) -> list[object]:
    options = [[one.option_id, one.label, one.verdict.value, one.takes_text] for one in asked.options]
    head = [asked.permission_id, asked.session_id, asked.kind.value, asked.tool, asked.input, asked.input_digest]
    return [*head, options, asked.wait]


def _asked(fields: list[Any]) -> Item:
    permission_id, session_id, kind, tool, words, input_digest, options, wait = fields
    offered = tuple(
        Option(option_id, label, Verdict(verdict), takes_text) for option_id, label, verdict, takes_text in options
    )
    return PermissionAsked(Question(permission_id, session_id, Kind(kind), tool, words, input_digest, offered, wait))


def _over(fields: list[Any]) -> Item:
    permission_id, over, detail = fields
    return PermissionOver(permission_id, Over(over), detail)


_DECODERS: dict[str, Callable[[list[Any]], Item]] = {
    "result": _result,
    "mark": _mark,
    "session_update": _session,
    "session_closed": lambda fields: SessionGone(*fields),
    "notify": _notice,
    "permission_request": _asked,
    "permission_withdrawn": _over,
}
