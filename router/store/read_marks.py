"""How far persons have read what sessions said, on disk."""

from peewee import EXCLUDED

from router.store import tables
from router.store.database import Transaction
from router.store.statements import Connection, Statement, given
from router.store.upkeep import purging

Row, Notification, Person, Session = tables.ReadMark, tables.Notification, tables.Person, tables.Session
_OTHER = Row.alias()
_KEY = Row.person_id, Row.session_id
_FORWARD = {Row.notification_id: EXCLUDED.notification_id, Row.place: EXCLUDED.place}
_IS_FURTHER = EXCLUDED.place > Row.place
# Of what is no word of that session nothing is kept, and a page that is behind takes nothing back.
_MARK = Statement(
    Row.insert_from(
        Notification.select(
            given.person_id, Notification.session_id, Notification.notification_id, Notification.position
        ).where(
            (Notification.notification_id == given.notification_id) & (Notification.session_id == given.session_id)
        ),
        [*_KEY, Row.notification_id, Row.place],
    ).on_conflict(conflict_target=_KEY, update=_FORWARD, where=_IS_FURTHER)
)
_GIVE = Statement(
    Row.insert_from(
        _OTHER.select(given.kept_id, _OTHER.session_id, _OTHER.notification_id, _OTHER.place).where(
            _OTHER.person_id == given.person_id
        ),
        [*_KEY, Row.notification_id, Row.place],
    ).on_conflict(conflict_target=_KEY, update=_FORWARD, where=_IS_FURTHER)
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


def give(tx: Transaction, person_id: str, kept_id: str) -> None:
    """What the one has read, the other has read: whichever is further."""
    _GIVE.run(tx, person_id=person_id, kept_id=kept_id)
