"""The outbox: what the router has to learn, numbered, until it says that it has it on disk.

A notice with files is held beside it while they are uploaded, so that nothing else waits for that; what the session
says meanwhile is held behind it.
"""

import asyncio
import json
import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from agent.domain.command import Ending, Outcome, Reason
from agent.domain.frames import (
    Button,
    CommandMark,
    CommandResult,
    Durable,
    Item,
    Mark,
    NotificationFile,
    Notify,
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
_IS_HELD = 0  # in place of a number


@dataclass(frozen=True, slots=True)
class Held:
    """The first of the held notices. It is next once all that was in the outbox before it is acknowledged."""

    position: int
    notification: Notify
    is_next: bool


class Outbox:
    """Rows for the router. `news` is set after each commit that may have added some.

    `held_news` is set when a notice is held, and when the first one's turn may have come.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.news = asyncio.Event()
        self.held_news = asyncio.Event()
        self._holding = False

    def append(self, item: Item) -> "asyncio.Future[int]":
        """Store one item; its number."""
        future = self.run(lambda connection: append(connection, item))
        if isinstance(item, Notify):
            future.add_done_callback(self._appended)
        return future

    def _appended(self, done: "asyncio.Future[int]") -> None:
        if done.cancelled() or (not done.exception() and done.result() == _IS_HELD):  # cancelled, it may be stored yet
            self._holding = True
            self.held_news.set()

    def run(self, operation: Callable[[sqlite3.Connection], T]) -> "asyncio.Future[T]":
        """Run an operation that appends, and give the news."""
        future = self._database.run(operation)
        future.add_done_callback(lambda _: self.news.set())
        return future

    async def held(self) -> Held | None:
        """The first held notice; None when there is none."""
        found = await self._database.run(_held)
        self._holding = found is not None
        return found

    def held_files(self) -> "asyncio.Future[frozenset[str]]":
        """The ids of all files of held notices."""
        return self._database.run(_held_files)

    def release(self, one: Held, notification: Notify | None) -> "asyncio.Future[None]":
        """End a held notice; what the router still has to learn of it goes on its way."""

        def operation(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM held_notices WHERE position = ?", (one.position,))
            if notification is not None:
                _insert(connection, notification)

        return self.run(operation)

    def after(self, seq: int, limit: int) -> "asyncio.Future[tuple[Durable, ...]]":
        """The rows with higher numbers, lowest first."""
        return self._database.run(lambda connection: _after(connection, seq, limit))

    def acknowledge(self, seq: int) -> None:
        """Forget everything up to this number, soon: if it is lost, the router says it again."""
        loop = asyncio.get_running_loop() if self._holding else None

        def operation(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM outbox WHERE upstream_seq <= ?", (seq,))
            if loop is not None:
                loop.call_soon_threadsafe(self.held_news.set)

        self._database.run_lazily(operation)

    def depth(self) -> "asyncio.Future[int]":
        """How many rows are not acknowledged."""
        sql = "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM held_notices)"
        return self._database.run(lambda connection: int(connection.execute(sql).fetchone()[0]))


def append(connection: sqlite3.Connection, item: Item) -> int:
    """Store one item within a transaction; its number, or _IS_HELD."""
    if isinstance(item, Notify) and (item.files or _is_held(connection, item.session_id)):
        last = connection.execute("SELECT coalesce(max(upstream_seq), 0) FROM outbox").fetchone()[0]
        values = (item.session_id, last, json.dumps(_notification_fields(item)))
        connection.execute("INSERT INTO held_notices (session_id, after_seq, payload) VALUES (?, ?, ?)", values)
        return _IS_HELD
    return _insert(connection, item)


def _is_held(connection: sqlite3.Connection, session_id: str) -> bool:
    sql = "SELECT 1 FROM held_notices WHERE session_id = ? LIMIT 1"
    return connection.execute(sql, (session_id,)).fetchone() is not None


def _held(connection: sqlite3.Connection) -> Held | None:
    sql = "SELECT position, payload, after_seq FROM held_notices ORDER BY position LIMIT 1"
    if (row := connection.execute(sql).fetchone()) is None:
        return None
    position, payload, after = row
    before = connection.execute("SELECT 1 FROM outbox WHERE upstream_seq <= ? LIMIT 1", (after,)).fetchone()
    return Held(position, _notification(json.loads(payload)), before is None)


def _held_files(connection: sqlite3.Connection) -> frozenset[str]:
    rows = connection.execute("SELECT payload FROM held_notices").fetchall()
    return frozenset(file.file_id for (payload,) in rows for file in _notification(json.loads(payload)).files)


def _insert(connection: sqlite3.Connection, item: Item) -> int:
    kind, payload = _encoded(item)
    cursor = connection.execute("INSERT INTO outbox (kind, payload) VALUES (?, ?)", (kind, json.dumps(payload)))
    assert cursor.lastrowid is not None  # noqa: S101 -- an INSERT that did not raise has one
    return cursor.lastrowid


def acknowledged(connection: sqlite3.Connection) -> int:
    """The last number that is gone from here, as a router has acknowledged it; 0 for none."""
    first = connection.execute("SELECT min(upstream_seq) FROM outbox").fetchone()[0]
    return _last(connection) if first is None else int(first) - 1


def _last(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
    return int(row[0]) if row else 0


def renumber_above(connection: sqlite3.Connection, acked: int, *, outdated: bool = False) -> None:
    """Make every number greater than `acked`.

    A router that has acknowledged more than was ever numbered here knows a later life of this file: it was put back
    from a copy. So it does where it says `outdated`, though more may have been numbered here since. Without new
    numbers, what is in it would pass for acknowledged.
    """
    if acked <= _last(connection) and not outdated:
        return
    logger.warning("outbox renumbered acked=%s", acked)
    gone = "UPDATE inbox SET result_seq = 0 WHERE result_seq NOT IN (SELECT upstream_seq FROM outbox)"
    connection.execute(gone)
    rows = connection.execute("SELECT upstream_seq, kind, payload FROM outbox ORDER BY upstream_seq").fetchall()
    connection.execute("DELETE FROM outbox")
    for number, (seq, kind, payload) in enumerate(rows, start=acked + 1):
        values = (number, kind, payload)
        connection.execute("INSERT INTO outbox (upstream_seq, kind, payload) VALUES (?, ?, ?)", values)
        connection.execute("UPDATE inbox SET result_seq = ? WHERE result_seq = ?", (-number, seq))
    # In two steps, so that no old number meets a new one.
    connection.execute("UPDATE inbox SET result_seq = -result_seq WHERE result_seq < 0")
    _count_on_from(connection, acked + len(rows))


def _count_on_from(connection: sqlite3.Connection, seq: int) -> None:
    updated = connection.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'outbox'", (seq,)).rowcount
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
        case Notify():
            return "notify", _notification_fields(item)
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


def _notification_fields(notification: Notify) -> list[object]:
    buttons = [[one.label, one.action] for one in notification.buttons]
    files = [[one.file_id, one.name, one.size] for one in notification.files]
    return [
        notification.notification_id,
        notification.session_id,
        notification.text,
        buttons,
        *([files] if files else []),
    ]


def _notification(fields: list[Any]) -> Notify:
    notification_id, session_id, text, buttons, *files = fields
    offered, sent = tuple(Button(*one) for one in buttons), tuple(NotificationFile(*one) for one in (files or [[]])[0])
    return Notify(notification_id, session_id, text, offered, sent)


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
    "notify": _notification,
    "permission_request": _asked,
    "permission_withdrawn": _over,
}
