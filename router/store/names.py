"""Names that people give to what is on disk, turned into ids: for calls that only read.

What types, ends or answers goes by whole ids alone: a name that fitted one session yesterday may fit another today.
"""

import json
import sqlite3

from peewee import ColumnBase, Expression, Field, Select

from router.domain import naming
from router.domain.errors import Reason, Refusal
from router.domain.naming import Named
from router.domain.scope import EVERYTHING, Scope
from router.domain.session import Session, SessionState
from router.store import sessions, tables
from router.store.statements import Statement, given, listed

Within = list[str] | None
_MANY = 6  # as many are looked for: more than are shown
_NEWEST = 20_000  # rows among which an id is found by its end
_BEHIND_ALL = "\x7f"  # sorts behind every letter of an id


class _Ids:
    """The ids of one table, found by what they begin or end with."""

    def __init__(self, column: "Field[str]") -> None:
        model = column.model
        ids = model.select(column).where(_inside(model.session_id))
        self._whole = Statement(ids.where(column == given.name).limit(1))
        self._begun = Statement(ids.where((column >= given.name) & (column < given.behind)).limit(_MANY))
        # No index helps to find an end, so it is looked for among the newest, however many there are behind them.
        newest = model.select(column, model.session_id).order_by(model._meta.primary_key.desc()).limit(_NEWEST)
        there = newest.alias("newest")
        found, session_id = there.c[column.name], there.c[model.session_id.name]
        # `%` is GLOB in SQLite, which heeds case as ids do.
        self._ended = Statement(Select([there], [found]).where(_inside(session_id) & (found % given.end)).limit(_MANY))

    def __call__(self, on: sqlite3.Connection, name: str, within: Within = None) -> str:
        """The id; a name that fits none is given back. Raises Refusal where it fits several.

        `within`: only of what is about these sessions; nobody is told of others, not even that a name fits them, too.
        """
        return _only(name, self.fitting(on, name, within))

    def has(self, on: sqlite3.Connection, name: str, within: Within) -> bool:
        return self._whole.value(on, name=name, **_given(within)) is not None

    def fitting(self, on: sqlite3.Connection, name: str, within: Within) -> list[Named]:
        """The one of this name, else those that have it as a part."""
        if self.has(on, name, within):
            return [Named(name)]
        # What could be a pattern would fit others than it names; what is very short would fit nearly all.
        if len(name) < naming.SHORTEST or not naming.could_be_id(name):
            return []
        begun = self._begun.values(on, name=name, behind=name + _BEHIND_ALL, **_given(within))
        ended = self._ended.values(on, end=f"*{name}", **_given(within))
        return [Named(each) for each in dict.fromkeys(begun + ended)][:_MANY]


def _inside(session_id: ColumnBase) -> Expression:
    return given.anywhere | session_id.in_(listed(given.within))


command = _Ids(tables.Command.command_id)
notification = _Ids(tables.Notification.notification_id)
permission = _Ids(tables.Permission.permission_id)
_traced = _Ids(tables.TraceStep.subject_id)


def session(connection: sqlite3.Connection, name: str, scope: Scope = EVERYTHING) -> str:
    """As of a command; a session is also found by its label, and by its machine before it."""
    if not name:
        return ""
    if (exact := sessions.find(connection, name)) and scope.has(exact):
        return exact.session_id
    # Labels are compared here, in the domain's way; sessions are few beside what was said in them.
    there = sorted(filter(scope.has, sessions.everyone(connection)), key=_begun)
    return _only(name, naming.fitting(name, [named(each) for each in there]))


def anything(connection: sqlite3.Connection, name: str, scope: Scope = EVERYTHING) -> str:
    """As of a command, of whatever has a trace."""
    within = sessions.within(connection, scope)
    if _traced.has(connection, name, within):
        return name
    found = [each for ids in (command, notification, permission) for each in ids.fitting(connection, name, within)]
    return _only(name, found) if found else session(connection, name, scope)


def _begun(session: Session) -> tuple[float, str]:
    return session.created_at, session.session_id


def _given(within: Within) -> dict[str, object]:
    return {"anywhere": within is None, "within": json.dumps(within)}


def named(each: Session) -> Named:
    return Named(each.session_id, each.given_name or each.label, each.machine_id, over=each.state is SessionState.ENDED)


def _only(name: str, found: list[Named]) -> str:
    if len(found) > 1:
        raise Refusal(Reason.INVALID_ARGUMENT, naming.several(name, found) + ". Give more of the id.")
    return found[0].identity if found else name
