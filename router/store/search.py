"""Search over what was said: an index beside the events, written and removed in one transaction with them."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from msgspec import json
from peewee import JOIN, SQL, fn

from router.domain.errors import Reason, Refusal
from router.domain.session_event import BEGIN, END, Found, Hit
from router.store.database import Transaction
from router.store.statements import Connection, Statement, given, listed
from router.store.tables.events import SaidText, SessionEvent

MOST_CHARACTERS, MOST_WORDS = 256, 16  # of what is searched
LOOKED_AT = 250_000  # events by one call, whoever's they are: then its caller goes on
_AROUND = 24  # words of a snippet

_NAME = SaidText._meta.entity
_ADD = Statement(
    SaidText.insert_from(
        SessionEvent.select(SessionEvent.position, given.text).where(
            (SessionEvent.session_id == given.session_id) & (SessionEvent.seq == given.seq)
        ),
        [SaidText.rowid, SaidText.text],
    )
)
_REMOVE = Statement(
    SaidText.delete().where(
        SaidText.rowid.in_(
            SessionEvent.select(SessionEvent.position).where(
                (SessionEvent.session_id == given.session_id) & (SessionEvent.seq <= given.seq)
            )
        )
    )
)
# Two, as SQLite finds each at an end of the table, and both together by reading all of it.
_OLDEST = Statement(SessionEvent.select(fn.COALESCE(fn.MIN(SessionEvent.position), 0)))
_NEWEST = Statement(SessionEvent.select(fn.COALESCE(fn.MAX(SessionEvent.position), 0)))
_HITS = (
    SaidText.select(
        SaidText.rowid, SessionEvent.session_id, SessionEvent.payload, fn.snippet(_NAME, 0, BEGIN, END, "…", _AROUND)
    )
    .join(SessionEvent, JOIN.CROSS)  # in this order: nobody goes through all events and asks of each for its words
    .where(SessionEvent.position == SaidText.rowid)
    .where(SaidText.match(given.words) & (SaidText.rowid >= given.start) & (SaidText.rowid < given.before))
    .order_by(SaidText.rowid.desc())
    .limit(given.limit)
)
_FIND = Statement(_HITS)
_FIND_IN = Statement(_HITS.where(SessionEvent.session_id.in_(listed(given.sessions))))
# Peewee's public ones run at once, on a connection of its own.
_CHECK, _REBUILD = (
    Statement(SaidText._fts_cmd_sql(SQL(f"'{each}'")))  # noqa: SLF001
    for each in ("integrity-check", "rebuild")
)


def add(tx: Transaction, session_id: str, first_seq: int, texts: Sequence[str]) -> None:
    """Make events that were written just now to be found by these words."""
    rows = [(text, session_id, seq) for seq, text in enumerate(texts, first_seq) if text]
    if rows:
        with _whole():
            tx.executemany(_ADD.text, rows)


def remove(tx: Transaction, session_id: str, last_seq: int) -> None:
    """Forget the words of a session's events up to that one, which are about to be removed."""
    with _whole():
        _REMOVE.run(tx, session_id=session_id, seq=last_seq)


def expression(query: str) -> str:
    """What finds all of these words, in any order; they mean nothing to SQLite but themselves. Raises Refusal."""
    words = "".join(letter if letter.isprintable() and letter != '"' else " " for letter in query).split()
    if not words or len(query) > MOST_CHARACTERS or len(words) > MOST_WORDS:
        text = f"Give 1 to {MOST_WORDS} words to search, of {MOST_CHARACTERS} characters together."
        raise Refusal(Reason.INVALID_ARGUMENT, text)
    return " ".join(f'"{word}"' for word in words)


def find(on: Connection, words: str, sessions: Sequence[str] | None, before: int, limit: int) -> Found:
    """Events behind `before` (0: the newest) with what `expression` made, of these sessions, or of all."""
    oldest, behind = _OLDEST.value(on), _NEWEST.value(on) + 1
    before = min(before or behind, behind)
    start = max(before - LOOKED_AT, oldest)
    statement = _FIND if sessions is None else _FIND_IN
    rows = statement.run(
        on, words=words, start=start, before=before, limit=limit,
        sessions="" if sessions is None else json.encode(sessions).decode(),
    ).fetchall()  # fmt: skip
    hits = tuple(Hit(position, session_id, bytes(data), snippet) for position, session_id, data, snippet in rows)
    if len(hits) == limit:
        return Found(hits, hits[-1].position)
    return Found(hits, start if start > oldest else 0)


def is_damaged(error: sqlite3.Error) -> bool:
    """Whether the index cannot be read: `mend` makes it anew."""
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_CORRUPT


def mend(tx: Transaction, *, is_known: bool) -> bool:
    """Make the index anew of the texts that it holds, where it is damaged; whether it was.

    A look at all of it comes first where that `is_known` not to be so: it misses some of what breaks a search.
    """
    try:
        if not is_known:
            _CHECK.run(tx)
            return False
    except sqlite3.DatabaseError as error:
        if not is_damaged(error):
            raise
    _REBUILD.run(tx)
    return True


@contextmanager
def _whole() -> Iterator[None]:
    """An index whose head is damaged breaks rules of its own tables. Nobody who writes made a mistake then."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        damaged = sqlite3.DatabaseError(f"the index of what was said is damaged: {error}")
        damaged.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise damaged from error
