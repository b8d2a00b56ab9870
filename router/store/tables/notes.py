"""Notes that are known across sessions, and what finds them by their words."""

from peewee import AutoField, BlobField, IntegerField, Model, TextField
from playhouse.sqlite_ext import FTS5Model, SearchField

from router.domain.note import NoteScope, NoteSource, NoteState
from router.store.columns import TimeField, text_of


class Note(Model):
    """One row for each; one that was forgotten keeps its number, without its text."""

    number = AutoField()
    text = TextField()
    scope = text_of(NoteScope)
    place = TextField()
    state = text_of(NoteState)
    source = text_of(NoteSource)
    author = TextField()
    session_id = TextField()
    label = TextField()
    machine_id = TextField()
    created_at = TimeField()
    kept_by = TextField()
    forgotten_at = TimeField(null=True)
    question = TextField()

    class Meta:
        table_name = "notes"


class NoteWords(FTS5Model):  # type: ignore[misc]  # playhouse has no types
    """Whole words and their stems; `rowid` is the note's number."""

    text = SearchField()

    class Meta:
        table_name = "note_words"
        options = {"tokenize": "porter unicode61"}  # noqa: RUF012 - as Peewee has it


class NoteParts(FTS5Model):  # type: ignore[misc]  # playhouse has no types
    """Three characters and more inside of words, which in some languages have nothing between them."""

    text = SearchField()

    class Meta:
        table_name = "note_parts"
        options = {"tokenize": "trigram"}  # noqa: RUF012 - as Peewee has it


class NoteEmbedding(Model):
    """What a note means, as a model says; made from its text, at any time anew."""

    number = IntegerField(primary_key=True)
    model = TextField()
    digest = TextField()  # of the text that it was made from
    vector = BlobField()  # of length 1: float32, little-endian

    class Meta:
        table_name = "note_embeddings"


_N = Note
IS_THERE = _N.forgotten_at.is_null()
_N.add_index(_N.place, name="notes_place", where=IS_THERE)
_N.add_index(_N.session_id, name="notes_waiting", where=(_N.state == NoteState.WAITING) & IS_THERE)
_N.add_index(_N.forgotten_at, name="notes_forgotten", where=_N.forgotten_at.is_null(is_null=False))
