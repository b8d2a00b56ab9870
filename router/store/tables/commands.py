"""Commands, and what is known of those that are under way."""

import operator
from collections.abc import Callable
from functools import reduce

from peewee import AutoField, BooleanField, CompositeKey, Expression, IntegerField, Model, TextField

from router.domain.action import Lane
from router.domain.command import CommandState, Hold
from router.domain.errors import Reason
from router.store.columns import TimeField, number_of, text_of


class Command(Model):
    """Commands; `position` is the order of acceptance over all sessions."""

    position = AutoField()
    command_id = TextField(unique=True)
    session_id = TextField()
    machine_id = TextField()
    generation = IntegerField()
    sequence = IntegerField()
    lane = number_of(Lane)
    kind = TextField()
    text = TextField()
    submit = BooleanField()
    source = TextField()
    actor = TextField()
    transport = TextField()
    chat_id = TextField()
    thread_id = TextField()
    message_id = TextField()
    created_at = TimeField()
    expires_at = TimeField()
    has_ttl = BooleanField()  # the sender's own limit: then it ends as expired, else as a dead letter
    state = text_of(CommandState)
    reason = number_of(Reason)
    detail = TextField()
    attempt = IntegerField()
    charged = IntegerField()  # attempts that count as failed, of all that `attempt` counts
    epoch = IntegerField()
    inbox_id = TextField()  # of the agent's inbox it was sent to: another one knows nothing of it
    redrive_of = TextField()
    sent_at = TimeField(null=True)
    received_at = TimeField(null=True)
    typed_at = TimeField(null=True)
    taken_at = TimeField(null=True)
    finished_at = TimeField(null=True)
    ended_at = TimeField(null=True)
    dropped = BooleanField(default=False)
    hold = number_of(Hold, default=Hold.NONE)
    names_session = BooleanField(default=False)

    class Meta:
        table_name = "commands"


_C = Command


def _any(which: Callable[[CommandState], bool]) -> Expression:
    """Whether its state is one of these: as a list of more than two it would be a table made for each row written."""
    found: Expression = reduce(operator.or_, [_C.state == state for state in CommandState if which(state)])
    return found


QUEUED = _C.state == CommandState.QUEUED
# Not by its states: whenever one of them became another, the index would be written.
LIVE = _C.ended_at.is_null()
BADLY = _any(lambda state: not state.live and state is not CommandState.DONE)
DEAD_LETTER = _C.state.in_([CommandState.DEAD, CommandState.UNCERTAIN]) & ~_C.dropped

# Partial: what is live is small, what has ended is large and rarely asked for.
_C.add_index(_C.machine_id, _C.lane, _C.position, name="commands_queued", where=QUEUED)
_C.add_index(_C.machine_id, _C.session_id, name="commands_live", where=LIVE)
_C.add_index(_C.expires_at, name="commands_expiry", where=QUEUED)
_C.add_index(_C.session_id, _C.position, name="commands_session")
_C.add_index(_C.session_id, _C.position, name="commands_waiting", where=QUEUED)
_C.add_index(_C.position, name="commands_dead", where=DEAD_LETTER)
_C.add_index(_C.position, name="commands_badly", where=BADLY)
_C.add_index(_C.redrive_of, name="commands_redriven", where=_C.redrive_of != "")
_C.add_index(_C.ended_at, name="commands_ended", where=_C.ended_at.is_null(is_null=False))


class PoisonSuspect(Model):
    """Commands that were on their way when a link died young, and how often the agent had died, too."""

    machine_id = TextField()
    command_id = TextField()
    epoch = IntegerField()
    crashes = IntegerField()

    class Meta:
        table_name = "suspects"
        primary_key = CompositeKey("machine_id", "command_id")
        without_rowid = True


class Cancel(Model):
    """Commands that somebody wants back from a machine."""

    machine_id = TextField()
    command_id = TextField()
    actor = TextField()

    class Meta:
        table_name = "cancels"
        primary_key = CompositeKey("machine_id", "command_id")
        without_rowid = True
