"""Commands as rows: how they lie in their table, what of them waits to be written, and those that machines have now.

What a machine has comes back within moments, as a receipt and a result: it is known in memory as its row has it. Only
what is short is, and so many; the rest is read.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from router.domain.action import Input, Lane
from router.domain.command import ChatRef, Command, CommandState, Hold, Origin
from router.domain.errors import Reason
from router.store import actions
from router.store.database import Transaction
from router.store.group_writes import Inserts
from router.store.mapper import Mapper, Part, Writes
from router.store.statements import Connection, all_given, given
from router.store.tables import Command as Row

_LANES = {lane: lane.value for lane in Lane}  # looked up in an enum a value costs ten times as much
_STATES = {state: state.value for state in CommandState}
MOST, SHORT = 5000, 2000  # commands, and characters of each
_THERE = frozenset({CommandState.SENT, CommandState.RECEIVED})
_KNOWN = ("commands",)  # their place in the memory


def _origin(source: str, actor: str, transport: str, *place: str) -> Origin:
    # What came from elsewhere has no chat: its columns are empty.
    return Origin(source, actor, ChatRef(transport, *place) if transport else None)


def _of_origin(origin: Origin) -> tuple[object, ...]:
    chat = origin.chat or _NOWHERE
    return origin.source, origin.actor, chat.transport, chat.chat_id, chat.thread_id, chat.message_id


_NOWHERE = ChatRef("", "")
_CHAT = Row.transport, Row.chat_id, Row.thread_id, Row.message_id
COMMANDS = Mapper(
    Row,
    Command,
    action=Part([Row.kind, Row.text, Row.submit], actions.join, actions.split),
    origin=Part([Row.source, Row.actor, *_CHAT], _origin, _of_origin),
)
_GIVEN = (
    Row.command_id, Row.session_id, Row.machine_id, Row.generation, Row.sequence, Row.lane, Row.kind, Row.text,
    Row.submit, Row.source, Row.actor, Row.transport, Row.chat_id, Row.thread_id, Row.message_id, Row.created_at,
    Row.expires_at, Row.has_ttl, Row.redrive_of, Row.names_session, Row.state, Row.attempt, Row.epoch, Row.inbox_id,
    Row.sent_at,
)  # fmt: skip
# What only later events change stands literally in the statement, as what is bound costs the most.
_SAME: dict[Any, object] = {
    Row.reason: Reason.UNSPECIFIED, Row.detail: "", Row.charged: 0, Row.dropped: False, Row.hold: Hold.NONE,
}  # fmt: skip
_VALUES = all_given(_GIVEN) | _SAME
_INSERT = Inserts(Row.insert_many([[*_VALUES.values()]], [*_VALUES]))


def _writes(*columns: object) -> Writes[Command]:
    return COMMANDS.writes(Row.update(all_given(columns)).where(Row.command_id == given.command_id))  # type: ignore[arg-type]


# What events change. The rest stays as it was accepted, but for what a person or a new machine does to it.
CHANGED = _writes(
    Row.state, Row.reason, Row.detail, Row.attempt, Row.charged, Row.epoch, Row.inbox_id, Row.sent_at, Row.received_at,
    Row.typed_at, Row.taken_at, Row.finished_at, Row.ended_at,
)  # fmt: skip
# Of these what the commonest do: what is bound costs the most.
SENT = _writes(Row.state, Row.attempt, Row.epoch, Row.inbox_id, Row.sent_at)
RECEIVED = _writes(Row.state, Row.received_at)
ENDED = _writes(Row.state, Row.reason, Row.detail, Row.typed_at, Row.ended_at)


class _Changes:
    """Of each command the newest, with what of it is to be written."""

    def write(self, on: Connection, changes: Iterable[tuple[Writes[Command], Command]]) -> None:
        """Write them: one statement for all that changed alike."""
        alike: dict[Writes[Command], list[Command]] = {}
        for writes, command in changes:
            alike.setdefault(writes, []).append(command)
        for writes, commands in alike.items():
            writes.many(on, commands)


_CHANGES = _Changes()


def write(tx: Transaction, command: Command) -> None:
    """Write a command that was just accepted, or accepted and sent."""
    kind, text, submit = actions.split(command.action)
    origin, chat = command.origin, command.origin.chat or _NOWHERE
    tx.append(
        _INSERT,
        (
            command.command_id, command.session_id, command.machine_id, command.generation, command.sequence,
            _LANES[command.lane], kind, text, int(submit), origin.source, origin.actor, chat.transport, chat.chat_id,
            chat.thread_id, chat.message_id, command.created_at, command.expires_at, int(command.has_ttl),
            command.redrive_of, int(command.names_session), _STATES[command.state], command.attempt, command.epoch,
            command.inbox_id, command.sent_at,
        ),
    )  # fmt: skip
    keep(tx, command)


def change(tx: Transaction, command: Command, writes: Writes[Command]) -> None:
    """Write what an event changed of a command."""
    before = tx.waiting(_CHANGES, command.command_id)
    tx.replace(_CHANGES, command.command_id, (CHANGED if before and before[0] is not writes else writes, command))
    keep(tx, command)


def known(tx: Transaction, command_id: str) -> Command | None:
    """A command that its machine has, as its row has it; None of one that must be read."""
    commands: dict[str, Command] = tx.memory.get(_KNOWN, {})
    return commands.get(command_id)


def keep_all(tx: Transaction, commands: Sequence[Command]) -> None:
    """They lie so in their rows, which are those of commands that a machine has."""
    short = {each.command_id: each for each in commands if _is_short(each)}
    known: dict[str, Command] = tx.memory.get(_KNOWN, {})
    if not known:
        tx.put(tx.memory, _KNOWN, known)
    tx.put_all(known, short)
    for first in [*islice(known, max(0, len(known) - MOST))]:
        tx.pop(known, first)


def keep(tx: Transaction, command: Command) -> None:
    """It is about to lie so in its row."""
    commands: dict[str, Command] = tx.memory.get(_KNOWN, {})
    if command.state in _THERE and _is_short(command):
        if not commands:
            tx.put(tx.memory, _KNOWN, commands)
        elif len(commands) >= MOST:
            tx.pop(commands, next(iter(commands)))  # what was sent first
        tx.put(commands, command.command_id, command)
    else:
        tx.pop(commands, command.command_id)


def _is_short(command: Command) -> bool:
    return isinstance(command.action, Input) and len(command.action.text) <= SHORT
