"""A question as a program on this machine asks it: {"op": "ask", "session_id", "tool", "input", …}."""

import re
import uuid
from enum import Enum
from typing import TypeVar

from agent.domain.command import Reason
from agent.domain.errors import Refusal
from agent.domain.permission import (
    LONGEST_WAIT,
    MAX_INPUT,
    MAX_LABEL,
    MAX_OPTIONS,
    Kind,
    Option,
    Question,
    Verdict,
    digest,
)
from agent.domain.session import Session, checked_id
from agent.local.fields import Message, items_of, text_of

T = TypeVar("T", bound=Enum)

_OPTION_ID = re.compile(r"[a-z0-9-]{1,32}")
_YES_OR_NO = (Option("allow", "", Verdict.ALLOW), Option("deny", "", Verdict.DENY, takes_text=True))


def question_of(message: Message, session: Session) -> Question:
    """The question in a message. Raises Refusal naming what is wrong with it.

    `ask_id` names it: the same one again, after an agent was restarted, is the same question.
    """
    permission_id = checked_id(text_of(message, "ask_id", str(uuid.uuid4())), "ask_id")
    tool, words = text_of(message, "tool"), text_of(message, "input")
    if not 0 < len(tool) <= 200:
        raise Refusal(Reason.INVALID_ARGUMENT, "tool must have 1 to 200 characters.")
    options = tuple(_option(item) for item in items_of(message, "options")) or _YES_OR_NO
    if len(options) > MAX_OPTIONS or len({option.option_id for option in options}) < len(options):
        raise Refusal(Reason.INVALID_ARGUMENT, f"There may be {MAX_OPTIONS} options, each with an id of its own.")
    kind = _one_of(Kind, text_of(message, "kind", Kind.TOOL.value), "kind")
    return Question(
        permission_id, session.session_id, kind, tool, words[:MAX_INPUT], digest(tool, words), options, wait_of(message)
    )


def _option(item: Message) -> Option:
    option_id, label = text_of(item, "id"), text_of(item, "label")
    if not _OPTION_ID.fullmatch(option_id):
        raise Refusal(Reason.INVALID_ARGUMENT, "An option's id must be 1 to 32 of a-z, 0-9 and -.")
    if len(label) > MAX_LABEL:
        raise Refusal(Reason.TOO_LARGE, f"An option's label may have {MAX_LABEL} characters.")
    verdict = _one_of(Verdict, text_of(item, "verdict"), "verdict")
    return Option(option_id, label, verdict, item.get("takes_text") is True)


def wait_of(message: Message) -> float:
    """How many seconds an asker waits. Raises Refusal."""
    seconds = message.get("seconds", LONGEST_WAIT)
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 < seconds <= LONGEST_WAIT:
        raise Refusal(Reason.INVALID_ARGUMENT, f"seconds must be a number up to {LONGEST_WAIT:.0f}.")
    return float(seconds)


def _one_of(names: type[T], value: str, field: str) -> T:
    try:
        return names(value)
    except ValueError:
        offered = ", ".join(each.value for each in names)
        raise Refusal(Reason.INVALID_ARGUMENT, f"{field} must be one of {offered}.") from None
