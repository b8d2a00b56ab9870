"""Notes found by their words: indexes beside them, written and removed in one transaction with them.

Two, as one finds what the other does not: whole words by their stems, and what stands inside of words. What is too
short for the second, and written without spaces, is looked for in the texts themselves.
"""

from collections.abc import Sequence

from msgspec import json
from peewee import JOIN, fn

from router.domain.note import LONG_ENOUGH, NoteScope, folded, ranked, words_of
from router.store.statements import Connection, Statement, given, listed
from router.store.tables.notes import IS_THERE, NoteEmbedding, NoteParts, NoteWords
from router.store.tables.notes import Note as Row

_INDEXES = (NoteWords, NoteParts)
_ADD = [Statement(each.insert({each.rowid: given.number, each.text: given.text})) for each in _INDEXES]
_REMOVE = [
    *(Statement(each.delete().where(each.rowid == given.number)) for each in _INDEXES),
    Statement(NoteEmbedding.delete().where(NoteEmbedding.number == given.number)),
]
OF_THESE = IS_THERE & (Row.place.in_(listed(given.places)) | Row.scope.in_(listed(given.scopes)))


def _hits(index: type[NoteWords] | type[NoteParts], condition: object, order: object) -> Statement:
    """The numbers of notes, the best first. In this order: each index finds its notes, and not the other way round."""
    joined = index.select(index.rowid).join(Row, JOIN.CROSS).where(Row.number == index.rowid)
    return Statement(joined.where(condition & OF_THESE).order_by(order))


_BY_WORDS, _BY_PARTS = (_hits(each, each.match(given.words), fn.bm25(each._meta.entity)) for each in _INDEXES)
_BY_LETTERS = _hits(NoteParts, fn.INSTR(NoteParts.text, given.words) > 0, Row.number.desc())


def add(tx: Connection, number: int, text: str) -> None:
    """Make a note to be found by its words."""
    for each in _ADD:
        each.run(tx, number=number, text=folded(text))


def remove(tx: Connection, number: int) -> None:
    """Forget its words, and what it means."""
    for each in _REMOVE:
        each.run(tx, number=number)


def find(on: Connection, query: str, places: Sequence[str], scopes: Sequence[NoteScope]) -> list[int]:
    """Numbers of notes at these places, or in these scopes, with any of the words: the best first. Raises Refusal."""
    words = words_of(query)
    where = located(places, scopes)
    looks = [(_BY_WORDS, _any_of(words) + "*")]  # who searches while they type has not ended the last one
    if long := [word for word in words if len(word) >= LONG_ENOUGH]:
        looks.append((_BY_PARTS, _any_of(long)))
    looks += [(_BY_LETTERS, word) for word in words if len(word) < LONG_ENOUGH and not word.isascii()]
    return ranked([statement.values(on, words=asked, **where) for statement, asked in looks])


def located(places: Sequence[str], scopes: Sequence[NoteScope]) -> dict[str, str]:
    """What OF_THESE is given."""
    return {"places": json.encode(places).decode(), "scopes": json.encode(scopes).decode()}


def _any_of(words: Sequence[str]) -> str:
    """They mean nothing to SQLite but themselves."""
    return " OR ".join('"' + word.replace('"', '""') + '"' for word in words)
