"""Sessions on disk."""

import sqlite3
from functools import cache

from msgspec import Struct
from msgspec.structs import replace
from peewee import Case, fn

from router.domain.command import Command
from router.domain.errors import Reason, Refusal
from router.domain.scope import Scope
from router.domain.session import Session, SessionState, bare_id
from router.store import actions, tables
from router.store.database import Transaction
from router.store.group_writes import Updates
from router.store.mapper import Mapper, Part
from router.store.statements import Connection, Statement, all_given, given, upsert
from router.store.tables import Message, Permission
from router.store.tables import Session as Row
from router.store.tables.sessions import LIVES, OPEN
from router.store.upkeep import purging, shifting

UNSEEN_AFTER = 30 * 24 * 3600.0  # seconds
FIRST_WORDS = 80  # characters
_ALL = -1  # as a limit
_ENDED = SessionState.ENDED  # looked up in its enum it costs ten times as much, and each command asks
_GRAIN = 3600.0  # seconds: being seen is no write if it was one less than so long ago


class Slot(Struct, frozen=True):
    """What accepting a command needs to know of its session."""

    session_id: str
    machine_id: str
    generation: int
    next_sequence: int
    live: int
    state: SessionState
    limited_until: float | None = None
    hops: int = 0


def _line(text: str | None) -> str:
    return " ".join((text or "").split())


_SELF = Row.bare_id == given.bare_id  # in whatever dress the id comes
# A start's text is JSON, of which the first is its prompt.
_Words = tables.Command
_TEXT = Case(None, [(_Words.kind == actions.START, fn.json_extract(_Words.text, "$[0]"))], _Words.text)
_FIRST_TEXT = (
    _Words.select(fn.SUBSTR(_TEXT, 1, FIRST_WORDS))
    .where((_Words.session_id == Row.session_id) & _Words.kind.in_([actions.INPUT, actions.START]))
    .order_by(_Words.position)
    .limit(1)
)
_ASKS = (
    Permission.select(Permission.tool)
    .where((Permission.session_id == Row.session_id) & OPEN)
    .order_by(Permission.position)
    .limit(1)
)
_SESSIONS, _SLOTS = Mapper(Row, Session), Mapper(Row, Slot)
_LISTED = Mapper(Row, Session, first_words=Part([_FIRST_TEXT], _line))

_FIND = _SESSIONS.reads(_SESSIONS.select().where(_SELF))
_SLOT = _SLOTS.reads(_SLOTS.select().where(_SELF))
_EVERYONE = _SESSIONS.reads(_SESSIONS.select())
_OF_MACHINE = Row.machine_id == given.machine_id
_LIST = _LISTED.select().select_extend(_ASKS).order_by(Row.created_at, Row.session_id).limit(given.limit)
_LIVING_ONES = _SESSIONS.reads(_SESSIONS.select().where(LIVES))
_COUNT_LIVING = Statement(Row.select(fn.COUNT(Row.session_id)).where(LIVES))
_WHERE_LIVING = Statement(Row.select(Row.machine_id).distinct().where(LIVES))
# When it began, and the spelling of its id, stay as they were first told; its numbering goes on.
_NEW = Row.created_at, Row.bare_id
_CHANGING = [column for column in _SESSIONS.columns if column not in {Row.session_id, Row.created_at}]
_WRITE = Statement(upsert(Row, [Row.session_id], *_CHANGING, Row.seen_at, new=_NEW))
_SEEN = Statement(Row.update({Row.seen_at: given.now}).where(_SELF & (Row.seen_at < given.before)))
_UNSEEN = _SESSIONS.reads(
    _SESSIONS.select().where(LIVES & (Row.seen_at < given.before)).order_by(Row.seen_at).limit(given.limit)
)
_LIVING = Statement(Row.select(fn.COUNT(Row.session_id)).where((Row.machine_id == given.machine_id) & LIVES))
_LIVING_OF_EACH = Statement(Row.select(Row.machine_id, fn.COUNT(Row.session_id)).where(LIVES).group_by(Row.machine_id))
_FORGET_GENERATIONS = Statement(Row.update({Row.generation: 0}).where(Row.machine_id == given.machine_id))
# Not where its machine has told of it since: that knows better.
_START_ENDED = Statement(
    Row.update({Row.state: given.state, Row.updated_at: given.now}).where(
        (Row.session_id == given.session_id) & (Row.state == SessionState.STARTING)
    )
)
_LIVE_OF_MACHINE = Statement(
    Row.select(fn.COALESCE(fn.SUM(Row.live), 0)).where((Row.machine_id == given.machine_id) & (Row.live > 0))
)
_COUNTS = Row.next_sequence, Row.live
_COUNT = Updates(Row.update(all_given(_COUNTS)).where(Row.session_id == given.session_id), *_COUNTS)
_SET_HOPS = Statement(Row.update({Row.hops: given.hops}).where(Row.session_id == given.session_id))
_REMOVE = Statement(Row.delete().where(Row.session_id == given.session_id))

shift = shifting(Row.seen_at, LIVES)  # one that nobody has seen for a month ends
OVER = (Row.state == SessionState.ENDED) & (Row.updated_at < given.before)
# An ended one stays while a message speaks of it: a reply to that is told so. Asked of each, as messages are many.
_SPOKEN_OF = fn.EXISTS(Message.select(Message.session_id).where(Message.session_id == Row.session_id))
purge = purging(Row, OVER & ~_SPOKEN_OF)


def find(connection: Connection, session_id: str) -> Session | None:
    """One session by its id, in whatever dress, or None."""
    return _FIND.one(connection, bare_id=bare_id(session_id))


def get(connection: sqlite3.Connection | Transaction, session_id: str) -> Session:
    """One session by its id, in whatever dress. Raises Refusal(SESSION_UNKNOWN)."""
    if (session := find(connection, session_id)) is None:
        raise unknown(session_id)
    return session


def owned(connection: sqlite3.Connection | Transaction, session_id: str, machine_id: str) -> Session:
    """The session that a machine speaks of. Raises Refusal(SESSION_UNKNOWN | SESSION_OWNED_ELSEWHERE)."""
    session = get(connection, session_id)
    if session.machine_id != machine_id:
        raise elsewhere(session)
    return session


def elsewhere(session: Session) -> Refusal:
    """What another machine than its own is told about a session."""
    text = f"Session {session.session_id} belongs to machine {session.machine_id}, which alone may speak for it."
    return Refusal(Reason.SESSION_OWNED_ELSEWHERE, text)


def slot(tx: Transaction, session_id: str, *, also_ended: bool = False) -> Slot:
    """A session's place for the next command. Raises Refusal(SESSION_UNKNOWN | SESSION_ENDED)."""
    found = _slot(tx, bare_id(session_id))
    if found is None:
        raise unknown(session_id)
    if found.state is _ENDED and not also_ended:
        raise Refusal(
            Reason.SESSION_ENDED, f"Session {session_id} has ended. `pointsman sessions` lists those that live."
        )
    return found


def place(tx: Transaction, session_id: str) -> Slot | None:
    """The same of any session, or None where there is none."""
    return _slot(tx, bare_id(session_id)) if session_id else None


def live_of_machine(tx: Transaction, machine_id: str) -> int:
    """How many commands for a machine's sessions have not ended."""
    live: int | None = tx.memory.get(_of_machine(machine_id))
    if live is None:
        live = _LIVE_OF_MACHINE.value(tx, machine_id=machine_id)
        tx.put(tx.memory, _of_machine(machine_id), live)
    return live


def page(
    connection: sqlite3.Connection | Transaction, machine_id: str = "", *, ended: bool = False, limit: int = _ALL
) -> list[Session]:
    """The sessions in the order of their registration, with their first words; who has an open question waits.

    `limit`: so many of them, from the first. Each costs two looks at what was said.
    """
    page = _page(of_machine=bool(machine_id), ended=ended)
    rows = page.run(connection, machine_id=machine_id, limit=limit).fetchall()
    return [_asking(_LISTED.read(row[:-1]), row[-1]) for row in rows]


def living_ones(tx: Connection) -> list[Session]:
    """All that live, without their first words, in no order."""
    return _LIVING_ONES.all(tx)


def count_living(tx: Transaction) -> int:
    """How many live."""
    return int(_COUNT_LIVING.value(tx))


def machines_of_living(tx: Transaction) -> set[str]:
    """The machines that have a session which lives."""
    return set(_WHERE_LIVING.values(tx))


def everyone(connection: sqlite3.Connection | Transaction) -> list[Session]:
    """All that are known, ended ones too, in no order."""
    return _EVERYONE.all(connection)


def within(connection: sqlite3.Connection | Transaction, scope: Scope) -> list[str] | None:
    """The ids of those in a scope; None for all there are."""
    return [each.session_id for each in everyone(connection) if scope.has(each)] if scope.is_limited else None


def write(tx: Transaction, session: Session) -> None:
    """Insert or replace what is known of a session, which is thereby seen; its numbering goes on."""
    bare, values = bare_id(session.session_id), _SESSIONS.named(session)
    _forget(tx, bare, session.machine_id)
    _WRITE.run(tx, **values, bare_id=bare, seen_at=session.updated_at)


def seen(tx: Transaction, session_id: str, now: float) -> None:
    """Something was heard of a session, which lives."""
    bare = bare_id(session_id)
    # Its row may know better: then nothing is written.
    if not 0 <= now - tx.memory.get((_SEEN, bare), 0.0) < _GRAIN:
        tx.put(tx.memory, (_SEEN, bare), now)
        _SEEN.run(tx, bare_id=bare, now=now, before=now - _GRAIN)


def unseen(tx: Transaction, now: float, limit: int) -> list[Session]:
    """Sessions that have not ended, and of which nothing was heard for too long; the longest ago first."""
    return _UNSEEN.all(tx, before=now - UNSEEN_AFTER - _GRAIN, limit=limit)


def living(tx: Transaction, machine_id: str) -> int:
    """How many sessions of a machine live."""
    return int(_LIVING.value(tx, machine_id=machine_id))


def living_of_each(connection: sqlite3.Connection) -> dict[str, int]:
    """How many sessions live, by machine."""
    return dict(_LIVING_OF_EACH.run(connection).fetchall())


def forget_generations(tx: Transaction, machine_id: str) -> None:
    """A machine counts from another time: what it says next of its sessions' restarts is believed."""
    for each in [each for each in tx.memory.values() if isinstance(each, Slot) and each.machine_id == machine_id]:
        tx.pop(tx.memory, bare_id(each.session_id))
    _FORGET_GENERATIONS.run(tx, machine_id=machine_id)


def start_ended(tx: Transaction, session_id: str, *, began: bool, now: float) -> bool:
    """The start of a session is over: where its machine has not told of it since, it lives or is over, too.

    Returns whether it is over by this.
    """
    state = SessionState.UNKNOWN if began else SessionState.ENDED
    tx.pop(tx.memory, bare_id(session_id))
    changed = _START_ENDED.run(tx, session_id=session_id, state=state.value, now=now).rowcount
    return changed == 1 and not began


def count(tx: Transaction, command: Command) -> None:
    """A command of a session was accepted."""
    _add(tx, command, 1, command.sequence + 1)


def discount(tx: Transaction, command: Command) -> None:
    """A command of a session has ended."""
    _add(tx, command, -1, 0)


def set_hops(tx: Transaction, slot: Slot, hops: int) -> None:
    """A text is accepted that so many sessions have passed on; none of a person's."""
    _keep(tx, bare_id(slot.session_id), replace(slot, hops=hops))
    _SET_HOPS.run(tx, session_id=slot.session_id, hops=hops)


def remove(tx: Transaction, session_id: str) -> None:
    """Forget a session that nothing was accepted for."""
    tx.flush()  # else what was counted would count for the next one of its name
    tx.pop(tx.memory, bare_id(session_id))
    _REMOVE.run(tx, session_id=session_id)


def unknown(session_id: str) -> Refusal:
    """What is told of a session that is not there."""
    return Refusal(Reason.SESSION_UNKNOWN, f"There is no session {session_id}. `pointsman sessions` lists them.")


@cache
def _page(*, of_machine: bool, ended: bool) -> Statement:
    # A statement for each, as no index is used where "one or all" is asked in one.
    wanted = [_OF_MACHINE] if of_machine else []
    wanted += [] if ended else [LIVES]
    return Statement(_LIST.where(*wanted) if wanted else _LIST)


def _asking(session: Session, tool: str | None) -> Session:
    if tool is None or session.state is SessionState.WAITING:
        return session
    return replace(session, state=SessionState.WAITING, waiting_for=f"permission: {tool}")


def is_limited(tx: Transaction, session_id: str) -> bool:
    """Whether its program said that its account is at a usage limit; that may be over by now."""
    known = _slot(tx, bare_id(session_id))
    return known is not None and known.limited_until is not None


def _slot(tx: Transaction, bare: str) -> Slot | None:
    found: Slot | None = tx.memory.get(bare)
    if found is None:
        found = _SLOT.one(tx, bare_id=bare)
        _keep(tx, bare, found)
    return found


def _keep(tx: Transaction, bare: str, slot: Slot | None) -> None:
    if slot and slot.state is not _ENDED:  # such rows are purged
        tx.put(tx.memory, bare, slot)


def _add(tx: Transaction, command: Command, more: int, next_sequence: int) -> None:
    bare = bare_id(command.session_id)
    if (slot := _slot(tx, bare)) is None:
        return
    following = max(slot.next_sequence, next_sequence)
    known = slot.session_id, slot.machine_id, slot.generation
    counted = Slot(*known, following, slot.live + more, slot.state, slot.limited_until, slot.hops)
    _keep(tx, bare, counted)
    if (live := tx.memory.get(_of_machine(slot.machine_id))) is not None:
        tx.put(tx.memory, _of_machine(slot.machine_id), live + more)
    # On disk with the command; of those of one operation the last counts.
    tx.replace(_COUNT, slot.session_id, (following, counted.live, slot.session_id))


def _forget(tx: Transaction, bare: str, machine_id: str) -> None:
    """It is about to be written: what was counted stands in its row, and is read again."""
    if (before := _slot(tx, bare)) and before.machine_id != machine_id:
        for each in (before.machine_id, machine_id):
            tx.pop(tx.memory, _of_machine(each))
    tx.pop(tx.memory, bare)


def _of_machine(machine_id: str) -> tuple[str]:
    return (machine_id,)  # no id of a session is a tuple
