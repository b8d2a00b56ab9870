"""What becomes of a text that was typed into a coding agent, as its hooks tell it.

    typed ──▶ taken ──▶ finished
      └─▶ overdue ─┘     (nothing is typed again: a person decides)

A turn is known by the program's own id of it. A text that is typed while a turn runs joins that turn in the program's
words, but may also begin the next one: so the end of a turn ends what opened it, and leaves what joined it to the next
end, or to the program's coming to rest.
"""

import re
from dataclasses import dataclass

from agent.domain.command import Action, Input
from agent.domain.session import Session

PATIENCE = 5.0
"""Seconds for a program at rest to say that it took a text; it needs 0.2 s."""

_COMMAND = re.compile(r"\s*/[^\s/]*(\s|\Z)")  # run by the program itself, without a word to its hooks


@dataclass(frozen=True, slots=True)
class Prompt:
    """One typed text. `turn` is the turn that it was taken in, empty before; `joined` says that it did not open it."""

    command_id: str
    text: str
    turn: str = ""
    joined: bool = False


def awaited(session: Session, action: Action | None, *, tells: bool) -> bool:
    """Whether the coding agent in a session will say that it took this; `tells` as in `is_told_of`."""
    if not isinstance(action, Input) or not action.submit or not action.text.strip():
        return False
    return is_told_of(session, tells=tells) and (tells or _COMMAND.match(action.text) is None)


def is_told_of(session: Session, *, tells: bool) -> bool:
    """Whether anybody says what a session takes: its hooks, or the program itself (`tells`)."""
    return session.conversation is not None or tells


def taken_by(heard: str, open_prompts: list[Prompt]) -> Prompt | None:
    """Which of the texts that were not taken yet, oldest first, a program took that says `heard`.

    It may have found a half-typed line before ours.
    """
    words = _words(heard)
    exact = (one for one in open_prompts if words == _words(one.text))
    behind_a_draft = (one for one in open_prompts if words.endswith(_words(one.text)))
    return next(exact, None) or next(behind_a_draft, None)


def ended_by(turn: str, taken: list[Prompt]) -> list[Prompt]:
    """Which of the taken texts are done with when a turn ends."""
    return [one for one in taken if not (one.joined and one.turn == turn)]


def _words(text: str) -> str:
    return " ".join(text.split())  # programs trim and wrap what they are given
