"""What the trace tells of a command: the step that each change of it is."""

from collections.abc import Sequence
from datetime import UTC, datetime

from router.domain.command import Command, CommandState
from router.domain.errors import Reason
from router.store.trace import TraceStep

_STATES = {state: state.value for state in CommandState}  # looked up in an enum a name costs ten times as much
_QUEUED, _WAITS = CommandState.QUEUED.value, CommandState.QUEUED
_NO_REASON = Reason.UNSPECIFIED


def first_steps(command: Command, detail: str) -> Sequence[TraceStep]:
    """Accepted; and sent, where it already is."""
    accepted = TraceStep(
        command.created_at, command.command_id, command.session_id, "Accepted", "", _QUEUED,
        command.origin.actor or command.origin.source, detail,
    )  # fmt: skip
    if command.state is _WAITS:
        return [accepted]
    # Sent in the transaction that accepts it: a person who looks sees both.
    sent = TraceStep(
        command.created_at, command.command_id, command.session_id, "Sent", _QUEUED, _STATES[command.state], "router",
        _attempt(command),
    )  # fmt: skip
    return [accepted, sent]


def step(old: Command, new: Command, event: str, now: float, actor: str) -> TraceStep:
    """One change, with what it says to whoever looks for the cause of something."""
    detail = _attempt(new) if event == "Sent" else _cause(old, new)
    before, after = _STATES[old.state], _STATES[new.state]
    return TraceStep(now, new.command_id, new.session_id, event, before, after, actor, detail)


def _cause(old: Command, new: Command) -> str:
    reason = "" if new.reason is _NO_REASON else new.reason.name
    typed = ""  # once: later steps would repeat it
    if new.typed_at and not old.typed_at:
        typed = f"typed {datetime.fromtimestamp(new.typed_at, UTC):%H:%M:%S.%f} UTC"
    return " ".join(filter(None, (reason, typed, new.detail)))


def _attempt(command: Command) -> str:
    return f"attempt {command.attempt}, epoch {command.epoch}"
