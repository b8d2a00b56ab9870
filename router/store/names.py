"""Names that people give to what is on disk, turned into ids: for calls that only read.

What types, ends or answers goes by whole ids alone: a name that fitted one session yesterday may fit another today.
"""

import sqlite3

from peewee import Field

from router.domain import naming
from router.domain.errors import Reason, Refusal
from router.domain.naming import Named
from router.domain.session import Session, SessionState
from router.store import sessions, tables
from router.store.statements import Statement, given

_MANY = 6  # as many are looked for: more than are shown


class _Ids:
    """The ids of one table."""

    def __init__(self, column: "Field[str]") -> None:
        ids = column.model.select(column)
        self._whole = Statement(ids.where(column == given.name).limit(1))
        self._parts = Statement(ids.where((column % given.beginning) | (column % given.end)).limit(_MANY))

    def has(self, on: sqlite3.Connection, name: str) -> bool:
        return self._whole.value(on, name=name) is not None

    def fitting(self, on: sqlite3.Connection, name: str) -> list[Named]:
        """The one of this name, else those that begin or end with it."""
        if self.has(on, name):
            return [Named(name)]
        # What could be a pattern, or is so short that it would fit nearly all, is no part of an id.
        if len(name) < naming.SHORTEST or not naming.could_be_id(name):
            return []
        return [Named(each) for each in self._parts.values(on, beginning=f"{name}*", end=f"*{name}")]


_COMMANDS, _NOTIFICATIONS, _PERMISSIONS, _TRACES = (
    _Ids(tables.Command.command_id),
    _Ids(tables.Notification.notification_id),
    _Ids(tables.Permission.permission_id),
    _Ids(tables.TraceStep.subject_id),
)


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
    return _only(name, _COMMANDS.fitting(connection, name))


def notification(connection: sqlite3.Connection, name: str) -> str:
    """As session, of a notification."""
    return _only(name, _NOTIFICATIONS.fitting(connection, name))


def permission(connection: sqlite3.Connection, name: str) -> str:
    """As session, of a question."""
    return _only(name, _PERMISSIONS.fitting(connection, name))


def anything(connection: sqlite3.Connection, name: str) -> str:
    """As session, of whatever has a trace."""
    if _TRACES.has(connection, name):
        return name
    found = [each for ids in (_COMMANDS, _NOTIFICATIONS, _PERMISSIONS) for each in ids.fitting(connection, name)]
    return _only(name, found) if found else session(connection, name)


def named(each: Session) -> Named:
    return Named(each.session_id, each.label, each.machine_id, over=each.state is SessionState.ENDED)


def _only(name: str, found: list[Named]) -> str:
    if len(found) > 1:
        raise Refusal(Reason.INVALID_ARGUMENT, naming.several(name, found) + ". Give more of the id.")
    return found[0].identity if found else name
