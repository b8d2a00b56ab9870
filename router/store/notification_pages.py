"""What people look through: lists of notifications, newest first."""

import json
import sqlite3
from functools import cache
from itertools import compress

from peewee import JOIN, fn

from router.domain.notification import Notification
from router.domain.subscription import PUSH
from router.store.mapper import Mapper, Part, Reads
from router.store.notifications import CHAT
from router.store.statements import given, listed
from router.store.tables import Notification as Row
from router.store.tables import Permission, Session
from router.store.tables.notifications import said
from router.store.tables.sessions import OPEN

BEGINNING = 500  # characters of what a session said last

# Under their own names in the plans of SQLite, by which a test knows the small tables.
_SESSIONS, _LATER, _LAST, _SHOWN = Session.alias("sessions"), Row.alias(), Row.alias(), Row.alias("shown")
_NOW = (
    _LATER.select(_LATER.text)
    .where(
        (_LATER.session_id == Row.session_id) & (_LATER.position > Row.position)
        & said(_LATER) & (_LATER.edits == Row.notification_id)
    )
    .order_by(_LATER.position.desc())
    .limit(1)
)  # fmt: skip
_LAST_OF_EACH = _SESSIONS.select(
    _LAST.select(_LAST.position)
    .where((_LAST.session_id == _SESSIONS.session_id) & said(_LAST) & (_LAST.edits == ""))
    .order_by(_LAST.position.desc())
    .limit(1)
)
# From the few open ones on, not through all of a session.
_OPEN_QUESTIONS = (
    Permission.select(_SHOWN.position)
    .join(_SHOWN, JOIN.CROSS)
    .where(
        OPEN & (_SHOWN.permission_id == Permission.permission_id) & (_SHOWN.permission_id != "") & (_SHOWN.edits == "")
    )
)
_BEFORE = Row.alias()
_CONDITIONS = (
    Row.session_id == given.session_id,
    Row.transport == given.transport,
    Row.position < _BEFORE.select(_BEFORE.position).where(_BEFORE.notification_id == given.before),
    Row.command_id == "",
    Row.position.in_(_LAST_OF_EACH),
    Row.position.in_(_OPEN_QUESTIONS),
    Row.session_id.in_(listed(given.within)),
    Row.transport != PUSH,
)
_WHOLE = Mapper(Row, Notification, chat=CHAT)
_BEGINNINGS = Mapper(
    Row, Notification, chat=CHAT, text=Part([fn.SUBSTR(fn.COALESCE(_NOW, Row.text), 1, BEGINNING)], str)
)


def page(
    connection: sqlite3.Connection,
    session_id: str,
    transport: str,
    limit: int,
    before: str,
    *,
    receipts: bool = True,
    last_words: bool = False,
    open_questions: bool = False,
    within: list[str] | None = None,
) -> list[Notification]:
    """Notifications, newest first, with or without receipts; without those that only take buttons away.

    `last_words`: only the newest of each session, with the beginning of what it says now. `open_questions`: only
    those that show one. `within`: of these sessions alone.
    """
    limited = within is not None
    # What is pushed stands elsewhere as well, once: its copies would leave no room for other words.
    unpushed = not receipts and not transport
    wanted = (
        *(bool(session_id), bool(transport), bool(before), not receipts, last_words, open_questions, limited),
        unpushed,
    )
    # A list shows the beginning: a thousand sessions may each have said 64 KiB last.
    mapper = _BEGINNINGS if last_words else _WHOLE
    return _page(mapper, wanted).all(
        connection, session_id=session_id, transport=transport, before=before, limit=limit, within=json.dumps(within)
    )


@cache
def _page(mapper: Mapper[Notification], wanted: tuple[bool, ...]) -> Reads[Notification]:
    """Each combination is a statement of its own: SQLite plans it for what is asked."""
    query = mapper.select().where(Row.text != "", *compress(_CONDITIONS, wanted))
    return mapper.reads(query.order_by(Row.position.desc()).limit(given.limit))
