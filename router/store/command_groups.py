"""What happens to many commands at once, as when a machine is given what waited for it: a statement for all of them.

A value that is bound costs as much as its column does in the row; of steps that are made of rows there are none.
"""

import json
from collections.abc import Sequence

from peewee import Expression, Node, Value

from router.domain.command import SOURCES, Command, CommandState, Stored, apply
from router.store import command_record
from router.store.database import Transaction
from router.store.statements import Statement, given, listed
from router.store.tables import Command as Row
from router.store.tables import TraceStep
from router.store.trace import COLUMNS, who

MANY = 64  # so few, each for itself, cost as little, and what follows in their group shares a statement with them

_QUEUED, _SENT, _RECEIVED = CommandState.QUEUED, CommandState.SENT, CommandState.RECEIVED
_THESE = Row.command_id.in_(listed(given.command_ids))
_ON_ITS_WAY = _THESE & (Row.state == _SENT) & (Row.epoch == given.epoch)
_SEND = Statement(
    Row.update({
        Row.state: _SENT, Row.attempt: Row.attempt + 1, Row.epoch: given.epoch, Row.inbox_id: given.inbox_id,
        Row.sent_at: given.now,
    }).where(_THESE)
)  # fmt: skip
_RECEIVE = Statement(Row.update({Row.state: _RECEIVED, Row.received_at: given.now}).where(_ON_ITS_WAY))


def _told(these: Expression, event: str, before: CommandState, after: CommandState, detail: Node) -> Statement:
    """Their steps, in the order in which they were accepted."""
    names = [Value(word) for word in (event, before.value, after.value)]
    values = (given.now, Row.command_id, Row.session_id, *names, given.actor, detail, given.who)
    return Statement(TraceStep.insert_from(Row.select(*values).where(these).order_by(Row.position), COLUMNS))


_ATTEMPT = Value("attempt ").concat(Row.attempt).concat(", epoch ").concat(Row.epoch)
_SEND_STEPS = _told(_THESE, "Sent", _QUEUED, _SENT, _ATTEMPT)  # behind what they tell of, as the attempt is counted
_RECEIVE_STEPS = _told(_ON_ITS_WAY, "Stored", _SENT, _RECEIVED, given.detail)  # before it, as they ask what was


def send(tx: Transaction, sent: Sequence[Command], now: float) -> None:
    """Write the same Sent event of all of these."""
    ids, one = json.dumps([command.command_id for command in sent]), sent[0]
    _SEND.run(tx, command_ids=ids, epoch=one.epoch, inbox_id=one.inbox_id, now=now)
    _SEND_STEPS.run(tx, command_ids=ids, now=now, actor="router", who=who(tx))
    command_record.keep_all(tx, sent)


def receive(tx: Transaction, command_ids: Sequence[str], epoch: int, now: float, machine_id: str) -> None:
    """Write a Stored event of those of these that are on their way on this link."""
    ids, event = json.dumps(command_ids), Stored()
    _RECEIVE_STEPS.run(
        tx, command_ids=ids, epoch=epoch, now=now, actor=machine_id, detail=f"epoch {epoch}", who=who(tx)
    )
    _RECEIVE.run(tx, command_ids=ids, epoch=epoch, now=now)
    known = [each for command_id in command_ids if (each := command_record.known(tx, command_id))]
    on_their_way = [each for each in known if each.epoch == epoch and each.state in SOURCES[Stored]]
    command_record.keep_all(tx, [apply(each, event, now) for each in on_their_way])
