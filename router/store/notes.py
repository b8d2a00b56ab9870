"""Notes on disk. Every change goes through here, with the trace that belongs to it; no step of it holds a text."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace
from peewee import Value, fn

from router.domain.errors import Reason, Refusal
from router.domain.note import NewNote, Note, NoteScope, NoteSource, NoteState, Place
from router.store import note_search, tables
from router.store.database import Transaction
from router.store.mapper import Mapper, Part
from router.store.note_search import OF_THESE, located
from router.store.statements import Connection, Statement, given, insert
from router.store.tables.notes import IS_THERE
from router.store.trace import TraceStep, record
from router.store.upkeep import purging

Row, Session = tables.Note, tables.Session
_NOTES = Mapper(
    Row, Note, place=Part([Row.scope, Row.place], lambda scope, key: Place(scope, key.partition(" ")[2]),
                          lambda place: (place.scope, place.key)),
)  # fmt: skip
_ALL = _NOTES.select()
_THIS = Row.number == given.number
_HERE = (Row.place == given.place) & IS_THERE
_NEW = [column for column in _NOTES.columns if column is not Row.number and column is not Row.forgotten_at]

_INSERT = Statement(insert(Row, *_NEW))
_FIND = _NOTES.reads(_ALL.where(_THIS))
_ASKED = Statement(Row.update({Row.question: given.question}).where(_THIS))
_SAME = _NOTES.reads(_ALL.where(_HERE & (Row.text == given.text)))
_COUNT_OF = Statement(Row.select(fn.COUNT(Row.number)).where(_HERE))
_COUNT = Statement(Row.select(fn.COUNT(Row.number)).where(IS_THERE))
_COUNT_SAID = Statement(
    Row.select(fn.COUNT(Row.number)).where((Row.machine_id == given.machine_id) & (Row.source == NoteSource.SESSION)
                                           & IS_THERE)
)  # fmt: skip
_COUNT_WAITING = Statement(
    Row.select(fn.COUNT(Row.number)).where((Row.session_id == given.session_id) & (Row.state == NoteState.WAITING)
                                           & IS_THERE)
)  # fmt: skip
_KEEP = Statement(
    Row.update({Row.state: NoteState.KEPT, Row.kept_by: given.kept_by})
    .where(_THIS & IS_THERE & (Row.state == NoteState.WAITING))
)  # fmt: skip
_FORGET = Statement(Row.update({Row.text: Value(""), Row.forgotten_at: given.at}).where(_THIS & IS_THERE))
_MOVE = Statement(
    Row.update({Row.scope: NoteScope.PERSON, Row.place: given.place}).where(_THIS & IS_THERE)
)  # fmt: skip
_PAGE = _NOTES.reads(_ALL.where(OF_THESE & (Row.number < given.before)).order_by(Row.number.desc()).limit(given.limit))
_BATCH, _LAST = 200, 2**62
_OTHER = Row.alias()
# The newest number stays, however old: of an empty table they would begin anew, and one means another note.
_PURGE = purging(Row, (Row.forgotten_at < given.before) & (Row.number < _OTHER.select(fn.MAX(_OTHER.number))))
_ORPHANS = Statement(
    Row.select(Row.number)
    .where(
        (Row.scope == NoteScope.SESSION) & IS_THERE & (Row.created_at < given.before)
        & Row.session_id.not_in(Session.select(Session.session_id))
    )
    .limit(given.limit)
)  # fmt: skip
_RENAME = Statement(Row.update({Row.place: given.new}).where(_HERE))


def purge(on: Connection, before: float, limit: int) -> int:
    """Remove what was forgotten long ago, and what sessions that are gone kept for themselves."""
    orphans = _ORPHANS.values(on, before=before, limit=limit)
    for number in orphans:
        note_search.remove(on, number)
        _FORGET.run(on, number=number, at=before)
    return len(orphans) or _PURGE(on, before, limit)


def insert_new(tx: Transaction, new: NewNote, state: NoteState, now: float) -> Note:
    """Write one, and its first step."""
    session = new.session
    said = Note(
        0, new.text, new.place, state, new.source, new.author, session.session_id if session else "",
        session.label if session else "", session.machine_id if session else "", now,
    )  # fmt: skip
    number = _INSERT.run(tx, **_NOTES.named(said)).lastrowid
    note = replace(said, number=int(number or 0))
    note_search.add(tx, note.number, note.text)
    _tell(tx, note, "Remembered", "", now, new.author)
    return note


def find(on: Connection, number: int) -> Note | None:
    """One of them, or None; one that was forgotten, too."""
    return _FIND.one(on, number=number) if number <= _LAST else None


def unknown(number: int) -> Refusal:
    """What is told of one that is not there, or is none of theirs."""
    return Refusal(Reason.NOT_FOUND, f"There is no note {number}. `pointsman notes`, or /notes in a chat, shows them.")


def same(on: Connection, place: Place, text: str) -> list[Note]:
    """Those at a place that say this already."""
    return _SAME.all(on, place=place.key, text=text)


def asked(tx: Transaction, note: Note, question: str) -> Note:
    """People are asked about it, by this message and its copies."""
    _ASKED.run(tx, number=note.number, question=question)
    return replace(note, question=question)


def keep(tx: Transaction, note: Note, actor: str, now: float) -> Note:
    """A person says yes to one that waits."""
    if _KEEP.run(tx, number=note.number, kept_by=actor).rowcount != 1:
        raise Refusal(Reason.ILLEGAL_STATE, f"Note {note.number} waits for nobody.")
    kept = replace(note, state=NoteState.KEPT, kept_by=actor)
    _tell(tx, kept, "Kept", note.state.value, now, actor)
    return kept


def forget(tx: Transaction, note: Note, actor: str, now: float) -> None:
    """Remove its text, wherever it stands."""
    note_search.remove(tx, note.number)
    _FORGET.run(tx, number=note.number, at=now)
    _tell(tx, note, "Forgotten", note.state.value, now, actor)


def move(tx: Transaction, note: Note, place: Place, actor: str, now: float) -> Note:
    """Let it be known to one person alone."""
    _MOVE.run(tx, number=note.number, place=place.key)
    moved = replace(note, place=place)
    _tell(tx, moved, "Moved", note.place.key, now, actor)
    return moved


def rename_place(tx: Transaction, old: Place, new: Place) -> None:
    """A place is called otherwise: a chat has another id."""
    _RENAME.run(tx, place=old.key, new=new.key)


def count_at(on: Connection, place: Place) -> int:
    """How many there are at a place."""
    return int(_COUNT_OF.value(on, place=place.key))


def count(on: Connection) -> int:
    """How many there are."""
    return int(_COUNT.value(on))


def count_said(on: Connection, machine_id: str) -> int:
    """How many the programs of a machine's sessions said."""
    return int(_COUNT_SAID.value(on, machine_id=machine_id))


def count_waiting(on: Connection, session_id: str) -> int:
    """How many of a session's wait for a person."""
    return int(_COUNT_WAITING.value(on, session_id=session_id))


def pages(on: Connection, places: Sequence[str], scopes: Sequence[NoteScope], before: int) -> Iterator[Note]:
    """All at these places or in these scopes, the newest first, of numbers below `before` (0: all)."""
    where = located(places, scopes)
    before = min(before or _LAST, _LAST)
    while found := _PAGE.all(on, before=before, limit=_BATCH, **where):
        yield from found
        before = found[-1].number


def _tell(tx: Transaction, note: Note, event: str, before: str, now: float, actor: str) -> None:
    after = "" if event == "Forgotten" else note.state.value
    step = TraceStep(now, f"note-{note.number}", note.session_id, event, before, after, actor, note.place.key)
    record(tx, [step])
