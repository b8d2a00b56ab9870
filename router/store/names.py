"""Names that people give to what is on disk, turned into ids: for calls that only read.

What types, ends or answers goes by whole ids alone: a name that fitted one session yesterday may fit another today.
"""

import sqlite3

from router.domain import naming
from router.domain.errors import Reason, Refusal
from router.domain.naming import Named
from router.domain.session import Session, SessionState
from router.store import sessions

_COMMANDS, _NOTIFICATIONS, _PERMISSIONS = (
    ("commands", "command_id"),
    ("notifications", "notification_id"),
    ("permissions", "permission_id"),
)
_MANY = 6  # as many are looked for: more than are shown


def session(connection: sqlite3.Connection, name: str) -> str:
    """The session's id; a name that fits none is given back. Raises Refusal where it fits several."""
    if not name:
        return ""
    if exact := sessions.find(connection, name):
        return exact.session_id
    there = sessions.page(connection, ended=True)
    return _only(name, naming.fitting(name, [named(each) for each in there]))


def command(connection: sqlite3.Connection, name: str) -> str:
    """As session, of a command."""
    return _only(name, _by_part(connection, name, _COMMANDS))


def notification(connection: sqlite3.Connection, name: str) -> str:
    """As session, of a notification."""
    return _only(name, _by_part(connection, name, _NOTIFICATIONS))


def permission(connection: sqlite3.Connection, name: str) -> str:
    """As session, of a question."""
    return _only(name, _by_part(connection, name, _PERMISSIONS))


def anything(connection: sqlite3.Connection, name: str) -> str:
    """As session, of whatever has a trace."""
    if connection.execute("SELECT 1 FROM steps WHERE subject_id = ?", (name,)).fetchone():
        return name
    tables = (_COMMANDS, _NOTIFICATIONS, _PERMISSIONS)
    found = [each for table in tables for each in _by_part(connection, name, table)]
    return _only(name, found) if found else session(connection, name)


def named(each: Session) -> Named:
    return Named(each.session_id, each.label, each.machine_id, over=each.state is SessionState.ENDED)


def _by_part(connection: sqlite3.Connection, name: str, table: tuple[str, str]) -> list[Named]:
    noun, column = table
    if connection.execute(f"SELECT 1 FROM {noun} WHERE {column} = ?", (name,)).fetchone():
        return [Named(name)]
    if len(name) < naming.SHORTEST or not naming.could_be_id(name):
        return []
    sql = f"SELECT {column} FROM {noun} WHERE {column} GLOB ? OR {column} GLOB ? LIMIT ?"
    rows = connection.execute(sql, (f"{name}*", f"*{name}", _MANY)).fetchall()
    return [Named(row[0]) for row in rows]


def _only(name: str, found: list[Named]) -> str:
    if len(found) > 1:
        raise Refusal(Reason.INVALID_ARGUMENT, naming.several(name, found) + ". Give more of the id.")
    return found[0].identity if found else name
