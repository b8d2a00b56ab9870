"""How far persons have read what sessions said, on disk."""

from peewee import EXCLUDED

from router.store import tables
from router.store.database import Transaction
from router.store.statements import Connection, Statement, given
from router.store.upkeep import purging

Row, Notification, Person, Session = tables.ReadMark, tables.Notification, tables.Person, tables.Session
_KEY = Row.person_id, Row.session_id
# Of what is no word of that session nothing is kept, and a page that is behind takes nothing back.
_MARK = Statement(
    Row.insert_from(
        Notification.select(
            given.person_id, Notification.session_id, Notification.notification_id, Notification.position
        ).where(
            (Notification.notification_id == given.notification_id) & (Notification.session_id == given.session_id)
        ),
        [*_KEY, Row.notification_id, Row.place],
    ).on_conflict(
        conflict_target=_KEY,
        update={Row.notification_id: EXCLUDED.notification_id, Row.place: EXCLUDED.place},
        where=EXCLUDED.place > Row.place,
    )
)
_OF = Statement(Row.select(Row.session_id, Row.notification_id).where(Row.person_id == given.person_id))
_IS_GONE = Row.session_id.not_in(Session.select(Session.session_id)) | (
    (Row.person_id != "") & Row.person_id.not_in(Person.select(Person.person_id))
)

# Not by age: it is good for as long as both are known.
purge = purging(Row, _IS_GONE)


def mark(tx: Transaction, person_id: str, session_id: str, notification_id: str) -> None:
    """They have read so far; what is older than what was marked before changes nothing."""
    _MARK.run(tx, person_id=person_id, session_id=session_id, notification_id=notification_id)


def of(on: Connection, person_id: str) -> dict[str, str]:
    """The newest notification that a person has read, by session."""
    return dict(_OF.run(on, person_id=person_id).fetchall())
