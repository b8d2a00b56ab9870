"""What goes up a person's ladder beside questions, where they said so: who has seen it first ends it for all. Pure.

Such a concern is a question of the router's own, whose only answer is that somebody has seen it: so it is kept, told,
told elsewhere and ended as questions are.
"""

import re
import uuid
from enum import Enum

from router.domain.errors import Reason, Refusal
from router.domain.permission import NOTICE, Option, Permission, PermissionKind, Verdict
from router.domain.wording import concerns as wording

SEEN = "seen"  # the option
NONE = "none"
KEPT = 7 * 24 * 3600.0  # seconds; what nobody has seen in a week is asked no more
MOST_TEXT = 1000  # characters of what it tells again
_SEPARATORS = re.compile(r"[\s,]+")


class Concern(Enum):
    """What may go up a ladder."""

    FAILED = "failed"  # what was sent ended badly
    FINISHED = "finished"  # a turn is over
    SAID = "said"  # what a session says else
    LIMITED = "limited"  # by a usage limit
    ENDED = "ended"  # a session
    MACHINE_LOST = "machine-lost"


Concerns = frozenset[Concern]


def read(text: str) -> Concerns:
    """What somebody wants to be asked about again. Raises Refusal."""
    if (found := among(text)) is None:
        raise Refusal(Reason.INVALID_ARGUMENT, wording.UNCLEAR.format(names=", ".join(each.value for each in Concern)))
    return found


def among(text: str) -> Concerns | None:
    """The same; None where other words are among them."""
    words = [word for word in _SEPARATORS.split(text.lower()) if word]
    if words == [NONE]:
        return frozenset()
    known = {each.value: each for each in Concern}
    return frozenset(map(known.__getitem__, words)) if words and all(word in known for word in words) else None


def told(concerns: Concerns) -> str:
    """As people read and write it."""
    return ", ".join(each.value for each in Concern if each in concerns) or NONE


def kept(text: str) -> Concerns:
    """What is on disk; a word that a newer program wrote is passed over."""
    known = {each.value: each for each in Concern}
    return frozenset(known[word] for word in text.split(",") if word in known)


def as_kept(concerns: Concerns) -> str:
    """For the disk."""
    return ",".join(each.value for each in Concern if each in concerns)


def identity(concern: Concern, about: str) -> str:
    """The same each time that the same is told of."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{concern.value}/{about}"))


def question(
    concern: Concern, about: str, session_id: str, text: str, now: float, ends: float | None = None
) -> Permission:
    """It as it is on disk; `about` names what happened, `ends` is when nobody needs to see it any more."""
    permission_id = identity(concern, about)
    short = text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}…"
    return Permission(
        permission_id, session_id, "", PermissionKind.QUESTION, NOTICE, short, f"{concern.value}:{permission_id}",
        (Option(SEEN, wording.SEEN, Verdict.ANSWER),), now, min(now + KEPT, ends or now + KEPT),
    )  # fmt: skip


def is_of(asked: Permission, concern: Concern) -> bool:
    """Whether a question is a concern of this kind."""
    return asked.is_notice and asked.input_digest.startswith(f"{concern.value}:")


def is_wanted(asked: Permission, text: str) -> bool:
    """Whether somebody is to be asked about it again, by what is on disk of their wishes: about questions always."""
    return not asked.is_notice or any(is_of(asked, kind) for kind in kept(text))
