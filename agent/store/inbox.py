"""The inbox: every command the router sent, from its receipt until nobody can send it again."""

import sqlite3
import uuid
from asyncio import Future
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import partial
from types import MappingProxyType

from peewee import fn

from agent.domain.command import (
    Command,
    Disowned,
    Ended,
    Ending,
    Entry,
    Event,
    IllegalMove,
    InboxState,
    Interrupted,
    KeyPress,
    Lane,
    Outcome,
    Started,
    TakenBack,
    apply,
)
from agent.domain.frames import CommandResult, Notify, Receipt, ReceiptOutcome, Welcome
from agent.domain.session import bare_id
from agent.store import doubts, meta
from agent.store.actions import action_of, columns_of
from agent.store.database import Database
from agent.store.group_commit import Transaction
from agent.store.outbox import Outbox, acknowledge_unheard, append
from agent.store.outbox_sequence import acknowledged, renumber_above
from agent.store.prompts import expect, settle, was_taken
from agent.store.statements import Statement, given, insert_new
from agent.store.tables import InboxRow as Row
from agent.store.tables import OutboxRow

WINDOW_BYTES = 1024 * 1024  # of commands that the router sends before it waits for receipts
_MOST_UNRESOLVED = 10_000  # what the router allows a machine to have; keeps hello below the frame limit
_PROBE = "probe"
_STARTED = apply(Entry("", "", ""), Started()).state  # of what is begun as it is stored

_IS_OPEN = Row.state != InboxState.FINISHED.value  # word for word as in the partial index, else it is not used
_IS_RECEIVED = Row.state == InboxState.RECEIVED.value
_IS_UNHEARD = fn.EXISTS(OutboxRow.select(OutboxRow.upstream_seq).where(OutboxRow.upstream_seq == Row.result_seq))
_THIS = Row.command_id == given.command_id

_INSERT = Statement(insert_new(Row, [Row.command_id]))  # what is known stays as it is: it may have been typed
_NEWEST = Statement(Row.select(fn.COALESCE(fn.MAX(Row.position), 0)))
_FIND = Statement(Row.select(Row.position, Row.session_id, Row.kind, Row.state, Row.ending).where(_THIS))
_MOVE = Statement(Row.update(state=given.state, ending=given.ending, result_seq=given.result_seq).where(_THIS))
_OPEN = Statement(Row.select().where(_IS_OPEN).order_by(Row.position))  # the order in which the router sent them
_UNRESOLVED = Statement(
    Row.select(Row.command_id, Row.state)
    .where(_IS_OPEN | _IS_UNHEARD)
    .order_by(~_IS_RECEIVED, Row.position)  # where not all fit: what has not begun must be known to be here
    .limit(_MOST_UNRESOLVED)
)
_COUNT_OPEN = Statement(Row.select(fn.COUNT(Row.position)).where(_IS_OPEN))
# Of what is over nothing is reckoned any more.
_SHIFT = Statement(Row.update(received_at=Row.received_at + given.seconds).where(_IS_OPEN, _IS_RECEIVED))
# Both conditions: the router will not send it again, and it knows how it ended.
_IS_PAST = (Row.state == InboxState.FINISHED.value) & (Row.sequence < given.floor)
_PRUNE = Statement(Row.delete().where(_IS_PAST, Row.session_id == given.session_id, ~_IS_UNHEARD))


class Start(Enum):
    """Whether a command may run, and on what kind of line."""

    FORBIDDEN = "forbidden"  # it ended meanwhile
    CLEAN = "clean"
    IN_DOUBT = "in doubt"  # an interrupted delivery may have left something on the line


@dataclass(frozen=True, slots=True)
class AtOnce:
    """What becomes of a command that is STARTED as it is stored. `awaited` as in `Inbox.start`."""

    awaited: bool
    begin: Callable[[Start], None]
    """Called once it is on disk, also where nobody waits for that any more: else nobody would carry it out."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A command found at start-up that never started, and when it was received (seconds since the epoch)."""

    command: Command
    received_at: float


@dataclass(frozen=True, slots=True)
class Memory:
    """What hello says of the files."""

    inbox_id: str
    outbox_id: str
    last_link_epoch: int
    unresolved: tuple[tuple[str, InboxState], ...]
    upstream_acked_seq: int


class Inbox:
    """Commands by id. Each method is one transaction; its future resolves after the fsync."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    def store(
        self, commands: Sequence[Command], now: float, at_once: Mapping[str, AtOnce] = MappingProxyType({})
    ) -> "Future[tuple[Receipt, ...]]":
        """Insert what is new; a receipt for each command, STORED or DUPLICATE with its state.

        What is new and in `at_once`, by id, is STARTED too: one sync less before it is typed.
        """
        # Urgent: until it has the receipts the router sends no more than a window.
        return self._database.write(lambda tx: _store(tx, commands, now, at_once), urgent=True)

    def start(self, command_id: str, *, awaited: bool = False) -> "Future[Start]":
        """RECEIVED to STARTED, unless it ended meanwhile. `awaited`: its program will say when it takes the text."""
        return self._database.write(lambda tx: _start(tx, command_id, awaited=awaited))

    def finish(self, command_id: str, outcome: Outcome, typed_at: float | None) -> "Future[int]":
        """The outcome, and the result into the outbox; its number. Raises IllegalMove when it had ended."""
        # Patient: the next command's receipt, or its STARTED, takes it along.
        return self._outbox.write(lambda tx: _end(tx, command_id, Ended(outcome), typed_at), patient=True)

    def cancel(self, command_id: str, now: float) -> "Future[bool]":
        """Take a command back; True when it had not started. One that never came is remembered as taken back."""
        return self._outbox.write(lambda tx: _cancel(tx, command_id, now))

    def held(self, command: Command, why: str) -> "Future[int]":
        """Tell people that a command waits; told again, the router takes it for the same message."""
        # Made of the command: an agent that dies and tells it again says the same.
        notification_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"held/{command.command_id}"))
        text = f"Not typed yet: {why}. Your text waits until that is over."
        return self._outbox.append(Notify(notification_id, command.session_id, text))

    def recover(self) -> "Future[tuple[Waiting, ...]]":
        """At start-up: what is RECEIVED comes back in order; what was STARTED is over.

        It is UNCERTAIN, unless its program had said that it took it.
        """
        return self._outbox.write(_recover)

    def memory(self) -> "Future[Memory]":
        """What hello says."""
        return self._database.read(_memory)

    async def probe(self) -> None:
        """See whether the disk takes as much as a full window of commands. Raises StoreUnavailable."""
        await self._database.write(lambda tx: meta.put(tx, _PROBE, "x" * WINDOW_BYTES))
        await self._database.write(lambda tx: meta.drop(tx, _PROBE))

    def welcomed(self, welcome: Welcome, now: float) -> "Future[None]":
        """Remember the epoch; end what is recalled; forget what the router has on disk and will not send again."""

        def operation(tx: Transaction) -> None:
            _welcomed(tx, welcome, now)
            tx.after_commit(self._outbox.changed)

        return self._database.write(operation, urgent=True)

    def depth(self) -> "Future[int]":
        """How many commands have not ended."""
        return self._database.read(lambda tx: int(_COUNT_OPEN.value(tx)))


def _store(
    tx: Transaction, commands: Sequence[Command], now: float, at_once: Mapping[str, AtOnce]
) -> tuple[Receipt, ...]:
    receipts = _receipts(tx, commands, now, at_once)
    sessions = {command.command_id: bare_id(command.session_id) for command in commands if at_once}
    for receipt in receipts:
        if receipt.outcome is ReceiptOutcome.STORED and (one := at_once.get(receipt.command_id)):
            how = _begun(tx, receipt.command_id, sessions[receipt.command_id], awaited=one.awaited)
            tx.after_commit(partial(one.begin, how))
    return receipts


def _receipts(
    tx: Transaction, commands: Sequence[Command], now: float, at_once: Mapping[str, AtOnce]
) -> tuple[Receipt, ...]:
    rows = [_row(one, now, _STARTED if one.command_id in at_once else InboxState.RECEIVED) for one in commands]
    # Nearly always all are new: then one statement says so, without a look at each.
    if (count := _INSERT.run_many(tx, rows).rowcount) == len(commands):
        return tuple([Receipt(command.command_id, ReceiptOutcome.STORED) for command in commands])
    return tuple(_receipts_with_duplicates(tx, commands, _NEWEST.value(tx) - count))  # what is new stands behind that


def _receipts_with_duplicates(tx: Transaction, commands: Sequence[Command], newest: int) -> list[Receipt]:
    receipts: list[Receipt] = []
    new: set[str] = set()
    for command in commands:
        [row] = _FIND.rows(tx, command_id=command.command_id)
        # The same one twice in a frame: the first is new, the second its duplicate.
        if row["position"] > newest and command.command_id not in new:
            new.add(command.command_id)
            receipts.append(Receipt(command.command_id, ReceiptOutcome.STORED))
        else:
            receipts.append(Receipt(command.command_id, ReceiptOutcome.DUPLICATE, InboxState(row["state"])))
    return receipts


def _row(command: Command, now: float, state: InboxState = InboxState.RECEIVED) -> dict[str, object]:
    if command.action is None:
        raise ValueError(f"command {command.command_id} has no action")
    kind, text, submit = columns_of(command.action)
    return {
        "command_id": command.command_id,
        "session_id": bare_id(command.session_id),
        "generation": command.generation,
        "sequence": command.sequence,
        "lane": command.lane.value,
        "ttl": command.ttl,
        "received_at": now,
        "state": state.value,
        "ending": "",
        "result_seq": None,
        "kind": kind,
        "text": text,
        "submit": submit,
    }


def start(tx: Transaction, command_id: str) -> Entry | None:
    """It is STARTED, within a transaction that does more; None when it ended meanwhile."""
    try:
        return _move(tx, _after(tx, command_id, Started()))
    except IllegalMove:
        return None


def end(tx: Transaction, command_id: str, outcome: Outcome) -> None:
    """End a command within a transaction that does more. Raises IllegalMove when it had ended."""
    _end(tx, command_id, Ended(outcome))


def shift(tx: Transaction, seconds: float) -> None:
    """Move the receipt of what waits along with the wall clock."""
    _SHIFT.run(tx, seconds=seconds)


def _entry(tx: Transaction, command_id: str) -> Entry | None:
    row = _FIND.row(tx, command_id=command_id)
    if row is None:
        return None
    outcome = Outcome(Ending(row["ending"])) if row["ending"] else None
    return Entry(command_id, row["session_id"], row["kind"], InboxState(row["state"]), outcome)


def _after(tx: Transaction, command_id: str, event: Event) -> Entry:
    """What an event makes of a command; nothing is written. Raises IllegalMove."""
    if (entry := _entry(tx, command_id)) is None:
        raise IllegalMove(f"{type(event).__name__} of {command_id}, which was never here")
    return apply(entry, event)


def _move(tx: Transaction, moved: Entry, result_seq: int | None = None) -> Entry:
    """Write what an event made of a command."""
    ending = moved.outcome.ending.value if moved.outcome else ""
    _MOVE.run(tx, command_id=moved.command_id, state=moved.state.value, ending=ending, result_seq=result_seq)
    return moved


def _start(tx: Transaction, command_id: str, *, awaited: bool) -> Start:
    if (started := start(tx, command_id)) is None:
        return Start.FORBIDDEN
    return _begun(tx, command_id, started.session_id, awaited=awaited)


def _begun(tx: Transaction, command_id: str, session_id: str, *, awaited: bool) -> Start:
    if awaited:
        expect(tx, command_id)
    # In the same transaction as STARTED: whoever types next knows of the doubt, or is not begun.
    return Start.IN_DOUBT if doubts.is_in_doubt(tx, session_id) else Start.CLEAN


def _end(tx: Transaction, command_id: str, event: Event, typed_at: float | None = None) -> int:
    """End a command, with its result in the outbox; its number. Raises IllegalMove, having written nothing."""
    ended = _after(tx, command_id, event)
    if ended.outcome is None:
        raise IllegalMove(f"{type(event).__name__} does not end {command_id}")
    seq = append(tx, result := CommandResult(command_id, ended.outcome, typed_at))
    _move(tx, ended, seq)
    doubts.learn(tx, ended)
    settle(tx, result)  # behind the result: marks of a command that it does not know as typed the router refuses
    return seq


def _cancel(tx: Transaction, command_id: str, now: float) -> bool:
    # A copy of one that never came may still be under way: it must find that it is not wanted any more.
    _INSERT.run(tx, **_row(Command(command_id, "", 0, 0, Lane.NORMAL, KeyPress("")), now))
    try:
        _end(tx, command_id, TakenBack())
    except IllegalMove:
        return False
    return True


def _recover(tx: Transaction) -> tuple[Waiting, ...]:
    left = _OPEN.rows(tx)
    for row in left:
        if row["state"] == InboxState.STARTED.value:
            _end(tx, row["command_id"], Interrupted(was_taken(tx, row["command_id"])))
    return tuple(_waiting(row) for row in left if row["state"] == InboxState.RECEIVED.value)


def _waiting(row: sqlite3.Row) -> Waiting:
    action = action_of(row["kind"], row["text"], submit=bool(row["submit"]))
    head = (row["command_id"], row["session_id"], row["generation"], row["sequence"])
    return Waiting(Command(*head, Lane(row["lane"]), action, row["ttl"]), row["received_at"])


def _memory(tx: Transaction) -> Memory:
    facts = meta.facts(tx)
    unresolved = tuple((row["command_id"], InboxState(row["state"])) for row in _UNRESOLVED.rows(tx))
    ids = (facts["inbox_id"], facts["outbox_id"], int(facts["last_link_epoch"]))
    return Memory(*ids, unresolved, acknowledged(tx))


def _welcomed(tx: Transaction, welcome: Welcome, now: float) -> None:
    # All in one: a process that dies here is welcomed once more, and told the same.
    meta.put(tx, "last_link_epoch", str(welcome.link_epoch))
    renumber_above(tx, welcome.upstream_acked_seq, outdated=welcome.inbox_outdated)  # before what is acknowledged goes
    acknowledge_unheard(tx, welcome.upstream_acked_seq)
    for command_id in welcome.recalled:
        if welcome.inbox_outdated:
            _disown(tx, command_id)
        else:
            _cancel(tx, command_id, now)
    floors = [(bare_id(session_id), floor) for session_id, floor in welcome.resend_floors.items()]
    # What was taken back before it came has no session: that its result is acknowledged says all.
    floors.append(("", 1))
    _PRUNE.run_many(tx, [{"session_id": session_id, "floor": floor} for session_id, floor in floors])


def _disown(tx: Transaction, command_id: str) -> None:
    """End without a result what waits in an old copy: it may have been typed since the copy was made."""
    with suppress(IllegalMove):  # or had been begun, when it was made
        _move(tx, _after(tx, command_id, Disowned()))
