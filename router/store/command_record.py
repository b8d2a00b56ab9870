"""A new command as a row: what only events change stands literally in the statement, as what is bound costs the most.

Most of all a None or a bool, of which Python's module asks three times how to adapt it.
"""

from typing import Any

from router.domain.command import ChatRef, Command, CommandState, Hold
from router.domain.errors import Reason
from router.store import actions
from router.store.database import Transaction
from router.store.statements import Statement, all_given
from router.store.tables import Command as Row

_GIVEN = (
    Row.command_id, Row.session_id, Row.machine_id, Row.generation, Row.sequence, Row.lane, Row.kind, Row.text,
    Row.submit, Row.source, Row.actor, Row.transport, Row.chat_id, Row.thread_id, Row.message_id, Row.created_at,
    Row.expires_at, Row.has_ttl, Row.redrive_of, Row.names_session,
)  # fmt: skip
_SENT = Row.epoch, Row.inbox_id, Row.sent_at
_WAITS = {
    Row.state: CommandState.QUEUED, Row.reason: Reason.UNSPECIFIED, Row.detail: "", Row.attempt: 0, Row.charged: 0,
    Row.epoch: 0, Row.inbox_id: "", Row.dropped: False, Row.hold: Hold.NONE,
}  # fmt: skip
_IS_SENT = _WAITS | {Row.state: CommandState.SENT, Row.attempt: 1} | all_given(_SENT)
_NOWHERE = ChatRef("", "")


def _insert(rest: "dict[Any, object]") -> str:
    values = all_given(_GIVEN) | rest
    return Statement(
        Row.insert_many([[*values.values()]], [*values])
    ).text  # in this order: a dict's columns are sorted


_INSERT_WAITING, _INSERT_SENT = _insert(_WAITS), _insert(_IS_SENT)


def write(tx: Transaction, command: Command) -> None:
    """Write a command that was just accepted, or accepted and sent."""
    kind, text, submit = actions.split(command.action)
    origin, chat = command.origin, command.origin.chat or _NOWHERE
    given = (
        command.command_id, command.session_id, command.machine_id, command.generation, command.sequence,
        command.lane.value, kind, text, int(submit), origin.source, origin.actor, chat.transport, chat.chat_id,
        chat.thread_id, chat.message_id, command.created_at, command.expires_at, int(command.has_ttl),
        command.redrive_of, int(command.names_session),
    )  # fmt: skip
    if command.state is CommandState.QUEUED:
        tx.execute(_INSERT_WAITING, given)
    else:
        tx.execute(_INSERT_SENT, (*given, command.epoch, command.inbox_id, command.sent_at))
