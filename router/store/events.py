"""What sessions do: numbered per session, bounded by count, bytes and age; the oldest go first."""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace
from peewee import PeeweeException, fn

from router.domain.session_event import MOST_BYTES_KEPT, MOST_KEPT, EventStream, SessionEvents
from router.store import search
from router.store.database import Database, Transaction
from router.store.integrity import Damaged
from router.store.mapper import Mapper
from router.store.statements import Connection, Statement, given, insert
from router.store.tables.events import MODELS, VERSION
from router.store.tables.events import EventStream as StreamRow
from router.store.tables.events import SessionEvent as Row

SLAB = 256  # events that go at once: so not every new one has to remove an old one

_STREAMS = Mapper(StreamRow, EventStream)
_FIND = _STREAMS.reads(_STREAMS.select().where(StreamRow.session_id == given.session_id))
_WRITE = _STREAMS.writes(_STREAMS.upsert(StreamRow.session_id))
_FORGET = Statement(
    StreamRow.delete().where((StreamRow.updated_at < given.before) & (StreamRow.first_seq > StreamRow.last_seq))
)
_SIZE = Statement(StreamRow.select(fn.COALESCE(fn.SUM(StreamRow.size), 0)))
_APPEND = Statement(insert(Row)).text
_AFTER = Statement(
    Row.select(Row.seq, Row.payload)
    .where((Row.session_id == given.session_id) & (Row.seq > given.seq))
    .order_by(Row.seq)
    .limit(given.limit)
)
_OLDEST = Statement(
    Row.select(Row.session_id, Row.seq, fn.LENGTH(Row.payload), Row.at).order_by(Row.position).limit(given.limit)
)
_OLDEST_OF = Statement(
    Row.select(Row.session_id, Row.seq, fn.LENGTH(Row.payload), Row.at)
    .where(Row.session_id == given.session_id)
    .order_by(Row.seq)
    .limit(given.limit)
)
_REMOVE = Statement(Row.delete().where((Row.session_id == given.session_id) & (Row.seq <= given.seq)))


def opened(database: Database) -> Database:
    """The same, with its tables. A file that cannot be used is begun anew: machines tell again what they still have.

    Raises Damaged or OSError where none can be made.
    """
    try:
        _prepare(database)
    except Damaged:
        _remove(database.path)
        _prepare(database)
    return database


def find(on: Connection, session_id: str) -> EventStream:
    """What is kept of a session; nothing where it is not known."""
    return _FIND.one(on, session_id=session_id) or EventStream(session_id)


def after(on: Connection, session_id: str, seq: int, limit: int) -> list[tuple[int, bytes]]:
    """Numbers and payloads behind a number, in order."""
    return [(number, bytes(data)) for number, data in _AFTER.run(on, session_id=session_id, seq=seq, limit=limit)]


def size(on: Connection) -> int:
    """Bytes of all that is kept."""
    return int(_SIZE.value(on))


def append(tx: Transaction, told: SessionEvents, now: float) -> tuple[EventStream, int]:
    """Keep what follows on what is there; how far it is now, and by how many bytes all of it grew.

    Behind a gap nothing is taken: whoever tells it has to begin where this stands.
    """
    known = find(tx, told.session_id)
    if told.first_seq > known.last_seq + 1:
        return known, 0
    new = told.payloads[known.last_seq + 1 - told.first_seq :]
    if not new and (told.first_seq + len(told.payloads) <= known.last_seq or told.cursor == known.cursor):
        return known, 0  # it came before
    numbered = enumerate(new, known.last_seq + 1)
    tx.executemany(_APPEND, [(told.session_id, seq, now, payload) for seq, payload in numbered])
    search.add(tx, told.session_id, known.last_seq + 1, told.said[len(told.payloads) - len(new) :])
    stream = replace(
        known,
        last_seq=known.last_seq + len(new),
        size=known.size + sum(map(len, new)),
        cursor=told.cursor,
        updated_at=now,
    )
    kept = _trimmed(tx, stream)
    _WRITE.one(tx, kept)
    return kept, kept.size - known.size


def remove_oldest(tx: Transaction, before: float) -> int:
    """Remove a slab of the oldest, of those that came before a time; how many bytes went."""
    rows = [row for row in _OLDEST.run(tx, limit=SLAB).fetchall() if row[3] < before]
    gone = 0
    for session_id in dict.fromkeys(row[0] for row in rows):
        stream = find(tx, session_id)
        cut = _cut(tx, stream, [row for row in rows if row[0] == session_id])
        _WRITE.one(tx, cut)
        gone += stream.size - cut.size
    return gone


def forget(tx: Transaction, before: float) -> None:
    """Forget how far those sessions were of which nothing was told since, and nothing is kept."""
    _FORGET.run(tx, before=before)


def _trimmed(tx: Transaction, stream: EventStream) -> EventStream:
    while stream.last_seq - stream.first_seq >= MOST_KEPT or stream.size > MOST_BYTES_KEPT:
        stream = _cut(tx, stream, _OLDEST_OF.run(tx, session_id=stream.session_id, limit=SLAB).fetchall())
    return stream


def _cut(tx: Transaction, stream: EventStream, rows: Sequence[tuple[str, int, int, float]]) -> EventStream:
    """Without these, which are its oldest."""
    last = rows[-1][1]
    search.remove(tx, stream.session_id, last)
    _REMOVE.run(tx, session_id=stream.session_id, seq=last)
    return replace(stream, first_seq=last + 1, size=stream.size - sum(row[2] for row in rows))


def _prepare(database: Database) -> None:
    # SQLite gives the files beside it the same mode: it holds what people write.
    os.close(os.open(database.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    try:
        connection = database.sound_connection()
        if connection.execute("PRAGMA user_version").fetchone()[0] not in (0, VERSION):
            raise Damaged("it is of another version")
        with database.peewee.bind_ctx(MODELS):
            database.peewee.create_tables(MODELS)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    except (sqlite3.Error, PeeweeException) as error:
        raise Damaged(str(error)) from error
    finally:
        database.peewee.close()


def _remove(path: Path) -> None:
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)
