"""A permission question as the agent asks it, whatever program is behind it."""

import hashlib
import json
from dataclasses import dataclass
from enum import Enum

MAX_OPTIONS = 8
MAX_LABEL = 64  # characters
MAX_INPUT = 60_000  # characters of what people are shown; fewer bytes than a frame may have, whatever they are
LONGEST_WAIT = 7 * 24 * 3600.0  # seconds that anybody waits for an answer


class Verdict(Enum):
    """What choosing an option means; names as in agentlink.v1."""

    ALLOW = "allow"
    ALLOW_ALWAYS = "allow_always"
    DENY = "deny"
    ANSWER = "answer"


class Kind(Enum):
    """What kind of question it is; names as in agentlink.v1."""

    TOOL = "tool"
    PLAN = "plan"
    QUESTION = "question"


class Over(Enum):
    """How a question can end without an answer from afar; names as in agentlink.v1."""

    ANSWERED_ELSEWHERE = "answered_elsewhere"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Option:
    """One way to answer. `takes_text`: a person's own words may come with it."""

    option_id: str
    label: str
    verdict: Verdict
    takes_text: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody's program asks. `input` is in words for people; the digest identifies the whole input.

    The same id again is the same question. `wait` in seconds.
    """

    permission_id: str
    session_id: str
    kind: Kind
    tool: str
    input: str
    input_digest: str
    options: tuple[Option, ...]
    wait: float = LONGEST_WAIT


@dataclass(frozen=True, slots=True)
class Decision:
    """The option that somebody chose, and the text that came with it."""

    option_id: str
    text: str = ""


def digest(tool: str, given: object) -> str:
    """Identifies what is decided about: a tool and the whole of its JSON input."""
    return hashlib.sha256(json.dumps([tool, given], sort_keys=True).encode()).hexdigest()
