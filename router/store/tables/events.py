"""What sessions do, in a file of its own: `events.db`. No migrations: one of another version is begun anew."""

from peewee import AutoField, BlobField, IntegerField, Model, TextField
from playhouse.sqlite_ext import FTS5Model, SearchField

from router.store.columns import TimeField


class EventStream(Model):
    """How far each session is told of. Its events have the numbers from `first_seq` to `last_seq`, without a gap."""

    session_id = TextField(primary_key=True)
    first_seq = IntegerField()  # last_seq + 1 where none is kept
    last_seq = IntegerField()
    size = IntegerField()  # bytes of those that are kept
    cursor = BlobField()  # the machine's own words: where it reads on
    updated_at = TimeField()

    class Meta:
        table_name = "event_streams"
        without_rowid = True


class SessionEvent(Model):
    """The events; `position` is the order in which they came, over all sessions: the oldest go first."""

    position = AutoField()
    session_id = TextField()
    seq = IntegerField()
    at = TimeField()  # when it came here
    payload = BlobField()  # as it goes out again: a SessionEvent of the protocol

    class Meta:
        table_name = "session_events"
        indexes = ((("session_id", "seq"), True),)


class SaidText(FTS5Model):  # type: ignore[misc]  # playhouse has no types
    """What was said, to be found by its words; `rowid` is the event's position."""

    text = SearchField()

    class Meta:
        table_name = "said"
        options = {"tokenize": "unicode61 remove_diacritics 2"}  # noqa: RUF012 - as Peewee has it


MODELS = (EventStream, SessionEvent, SaidText)
VERSION = 2  # raise it with every change here
