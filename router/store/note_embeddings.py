"""What notes mean, on disk. It is removed with the words of its note (note_search.py)."""

from collections.abc import Collection, Sequence

from msgspec import json
from peewee import fn

from router.domain.note import Note, NoteState
from router.store import notes
from router.store.database import Transaction
from router.store.notes import Row as NoteRow
from router.store.statements import Connection, Statement, given, listed, upsert
from router.store.tables.notes import IS_THERE
from router.store.tables.notes import NoteEmbedding as Row

_WRITE = Statement(upsert(Row, (Row.number,), Row.model, Row.digest, Row.vector))
_MADE = Row.select(Row.number).where((Row.number == NoteRow.number) & (Row.model == given.model))
# What waits for a person is not sent anywhere.
_NEXT = Statement(
    NoteRow.select(NoteRow.number)
    .where(
        IS_THERE & (NoteRow.state == NoteState.KEPT) & NoteRow.number.not_in(listed(given.tried)) & ~fn.EXISTS(_MADE)
    )
    .order_by(NoteRow.number.desc())
    .limit(1)
)
_OF = Statement(
    Row.select(Row.number, Row.digest, Row.vector).where(
        (Row.model == given.model) & Row.number.in_(listed(given.numbers))
    )
)


def next_without(on: Connection, model: str, tried: Collection[int]) -> Note | None:
    """The newest kept note, but for these, of which the model has not said yet what it means."""
    numbers = _NEXT.values(on, model=model, tried=json.encode(list(tried)).decode())
    return notes.find(on, numbers[0]) if numbers else None


def write(tx: Transaction, number: int, model: str, digest: str, vector: bytes) -> None:
    """Keep it, in the place of what another model said."""
    _WRITE.run(tx, number=number, model=model, digest=digest, vector=vector)


def of(on: Connection, model: str, numbers: Sequence[int]) -> list[tuple[int, str, bytes]]:
    """Of these notes, where it is known: number, digest of the text, vector."""
    rows = _OF.run(on, model=model, numbers=json.encode(numbers).decode()).fetchall()
    return [(int(number), str(text), bytes(vector)) for number, text, vector in rows]
