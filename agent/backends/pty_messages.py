"""What the agent and the host of a terminal say to each other about an action: JSON objects on the local socket."""

from collections.abc import Mapping

from agent.domain.command import Ending, Input, KeyPress, Outcome, Reason

Message = dict[str, object]

_ENDINGS = {ending.value: ending for ending in (Ending.DONE, Ending.FAILED, Ending.UNCERTAIN)}
_REASONS = {reason.value: reason for reason in Reason}


def of_action(action: Input | KeyPress) -> Message:
    """What to type, as the agent says it."""
    return {"text": action.text, "submit": action.submit} if isinstance(action, Input) else {"key": action.name}


def action_of(message: Mapping[str, object]) -> Input | KeyPress:
    """What to type, as the host hears it."""
    if (key := message.get("key")) is not None:
        return KeyPress(str(key))
    return Input(str(message.get("text", "")), bool(message.get("submit", True)))


def of_outcome(outcome: Outcome) -> Message:
    """What became of it, as the host says it."""
    return {"ending": outcome.ending.value, "reason": outcome.reason.value, "detail": outcome.detail}


def outcome_of(message: Mapping[str, object]) -> Outcome:
    """What became of it, as the agent hears it; a host of another version may use words that leave it uncertain."""
    ending = _ENDINGS.get(str(message.get("ending")), Ending.UNCERTAIN)
    reason = _REASONS.get(str(message.get("reason", Reason.NONE.value)), Reason.BACKEND_ERROR)
    return Outcome(ending, reason, str(message.get("detail", "")))
