"""The outbox: what the router has to learn, numbered, until it says that it has it on disk.

A notification with files is held beside it while they are uploaded, so that nothing else waits for that; what the
session says meanwhile is held behind it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial, wraps
from itertools import islice
from typing import TypeVar

from peewee import fn

from agent.domain.frames import Durable, Item, Notify, PermissionAsked
from agent.store import held_notifications
from agent.store.database import Database
from agent.store.group_commit import Transaction
from agent.store.payloads import decoded, encoded
from agent.store.statements import Statement, given, insert
from agent.store.tables import OutboxRow as Row
from agent.store.tables import QuestionRow

T = TypeVar("T")
_IS_HELD = 0  # in place of a number
MOST_KEPT = 256  # rows in memory: the link's window

_APPEND = Statement(insert(Row))
_DROP = Statement(Row.delete().where(Row.upstream_seq <= given.seq))
_ANY_UP_TO = Statement(Row.select(Row.upstream_seq).where(Row.upstream_seq <= given.seq).limit(1))
_AFTER = Statement(Row.select().where(Row.upstream_seq > given.seq).order_by(Row.upstream_seq).limit(given.limit))
_UNHEARD = Statement(
    Row.select()
    .where((Row.upstream_seq <= given.seq) & Row.kind.in_(("notify", "permission_request")))
    .order_by(Row.upstream_seq)
)
_IS_ASKED = (QuestionRow.permission_id == given.permission_id) & (QuestionRow.decision == "")
_ASKED = Statement(QuestionRow.select(QuestionRow.permission_id).where(_IS_ASKED))
_ONE = Statement(Row.select().where(Row.upstream_seq == given.seq))
_LAST = Statement(Row.select(fn.COALESCE(fn.MAX(Row.upstream_seq), 0)))
_COUNT = Statement(Row.select(fn.COUNT(Row.upstream_seq)))


@dataclass(frozen=True, slots=True)
class Held:
    """The first of the held notifications. It is next once all that was in the outbox before it is acknowledged."""

    position: int
    notification: Notify
    is_next: bool


class Outbox:
    """Rows for the router. `news` is set after each commit that may have added some.

    `held_news` is set when a notification is held, and when the first one's turn may have come.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.news = asyncio.Event()
        self.held_news = asyncio.Event()
        self.unasked: Callable[[str], None] = lambda _permission_id: None  # told of questions that it had no room for
        self.turned_away = False  # the router had too much of us, and notifications are held that it was told already
        self._newest: deque[Durable] = deque(maxlen=MOST_KEPT)  # of this process, without a gap
        self._holding = False  # unknown at first: the uploads look once at their start

    def append(self, item: Item) -> "asyncio.Future[int]":
        """Store one item; its number."""
        return self.write(lambda tx: self._append(tx, item))

    def append_all(self, items: Sequence[Item]) -> "asyncio.Future[list[int]]":
        """Store several items, or none; their numbers."""
        return self.write(lambda tx: [self._append(tx, item) for item in items])

    def write(self, operation: Callable[[Transaction], T], *, patient: bool = False) -> "asyncio.Future[T]":
        """Run an operation that appends, and give the news."""

        @wraps(operation)
        def noting(tx: Transaction) -> T:
            value = operation(tx)
            if tx.appended:
                tx.after_commit(partial(self._keep, tx.appended))
            return value

        # After the commit: whoever looks at the news finds the row.
        future = self._database.write(noting, patient=patient)
        future.add_done_callback(lambda _: self.news.set())  # also after an error: a look too many does no harm
        return future

    async def held(self) -> Held | None:
        """The first held notification; None when there is none."""
        found = await self._database.read(_held)
        self._holding = found is not None
        return found

    def held_files(self) -> "asyncio.Future[frozenset[str]]":
        """The ids of all files of held notifications."""
        return self._database.read(held_notifications.files)

    def release(self, one: Held, notification: Notify | None) -> "asyncio.Future[None]":
        """End a held notification; what the router still has to learn of it goes on its way."""

        def operation(tx: Transaction) -> None:
            held_notifications.drop(tx, one.position)
            if notification is not None:
                _insert(tx, notification)

        return self.write(operation)

    def after(self, seq: int, limit: int) -> "asyncio.Future[tuple[Durable, ...]]":
        """The rows with higher numbers, lowest first."""
        return self._database.read(lambda tx: _after(tx, seq, limit))

    def newest(self, seq: int, limit: int) -> tuple[Durable, ...]:
        """The same from memory; none where not all of them are there."""
        kept = self._newest
        if not (kept and kept[0].seq <= seq + 1 <= kept[-1].seq):
            return ()
        first = seq + 1 - kept[0].seq
        return tuple(islice(kept, first, first + limit))

    def changed(self) -> None:
        """A link has begun: the rows may have other numbers, and there may be more."""
        self._newest.clear()

    def acknowledge(self, seq: int, refused_for_now: Collection[int] = ()) -> None:
        """Forget everything up to this number, soon: if it is lost, the router says it again.

        But for notifications that the router has no room for now: they are held, to be told again. Of questions whoever
        asks is told, and waits no more.
        """

        def operation(tx: Transaction) -> None:
            for number in sorted(refused_for_now):
                row = _ONE.row(tx, seq=number)
                match decoded(row["kind"], row["payload"]) if row else None:
                    case Notify() as notification:
                        held_notifications.hold(tx, notification, _LAST.value(tx))
                        tx.after_commit(self._turned_away)
                    case PermissionAsked(question):
                        tx.after_commit(partial(self.unasked, question.permission_id))
            acknowledge(tx, seq)
            tx.after_commit(self._acknowledged)

        while self._newest and self._newest[0].seq <= seq:
            self._newest.popleft()
        self._database.write(operation, lazy=True)  # an fsync of its own would be in the way of receipts

    def depth(self) -> "asyncio.Future[int]":
        """How many rows are not acknowledged."""
        return self._database.read(lambda tx: int(_COUNT.value(tx)) + held_notifications.count(tx))

    def _append(self, tx: Transaction, item: Item) -> int:
        number = append(tx, item)
        if number == _IS_HELD:
            tx.after_commit(self._held)
        return number

    def _keep(self, rows: list[Durable]) -> None:
        if self._newest and self._newest[-1].seq + 1 != rows[0].seq:
            self._newest.clear()
        self._newest.extend(rows)

    def _turned_away(self) -> None:
        self.turned_away = True
        self._held()

    def _held(self) -> None:
        self._holding = True
        self.held_news.set()

    def _acknowledged(self) -> None:
        if self._holding:
            self.held_news.set()


def append(tx: Transaction, item: Item) -> int:
    """Store one item within a transaction; its number, or _IS_HELD."""
    if isinstance(item, Notify) and held_notifications.must_wait(tx, item):
        held_notifications.hold(tx, item, _LAST.value(tx))
        return _IS_HELD
    return _insert(tx, item)


def acknowledge(tx: Transaction, seq: int) -> None:
    """The router has everything up to this number."""
    _DROP.run(tx, seq=seq)


def acknowledge_unheard(tx: Transaction, seq: int) -> None:
    """The router has everything up to this number, and what it said of some of it was lost with the link.

    It may have had no room for a notification or a question, and says so once. So these are told again: it takes none
    twice.
    """
    last, asked = _LAST.value(tx), []
    for row in _UNHEARD.rows(tx, seq=seq):
        match decoded(row["kind"], row["payload"]):
            case Notify() as notification:
                held_notifications.hold(tx, notification, last)
            case PermissionAsked(question) as item if _ASKED.value(tx, permission_id=question.permission_id):
                asked.append(item)
    acknowledge(tx, seq)
    for item in asked:
        _insert(tx, item)


def _held(tx: Transaction) -> Held | None:
    if (found := held_notifications.first(tx)) is None:
        return None
    position, after, notification = found
    return Held(position, notification, is_next=_ANY_UP_TO.value(tx, seq=after) is None)


def _insert(tx: Transaction, item: Item) -> int:
    kind, payload = encoded(item)
    cursor = _APPEND.run(tx, kind=kind, payload=payload)
    assert cursor.lastrowid is not None  # noqa: S101 -- an INSERT that did not raise has one
    tx.appended.append(Durable(cursor.lastrowid, item))
    return cursor.lastrowid


def _after(tx: Transaction, seq: int, limit: int) -> tuple[Durable, ...]:
    rows = _AFTER.rows(tx, seq=seq, limit=limit)
    return tuple(Durable(row["upstream_seq"], decoded(row["kind"], row["payload"])) for row in rows)
