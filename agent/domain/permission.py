"""A permission question as the agent asks it, whatever program is behind it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

MAX_OPTIONS = 8
MAX_LABEL = 64  # characters
MAX_INPUT = 60_000  # characters of what people are shown; fewer bytes than a frame may have, whatever they are
MAX_GIVEN = 16 * 1024  # bytes of an input as JSON, and of a diff
MAX_MEANING = 1000  # characters
LONGEST_WAIT = 7 * 24 * 3600.0  # seconds that a program waits for an answer
LONGEST_PARKED = (
    30 * 24 * 3600.0
)  # seconds that a question is open for which none has to; no router keeps one for longer


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
    """One way to answer. `takes_text`: a person's own words may come with it. `meaning`: of an "always", in words."""

    option_id: str
    label: str
    verdict: Verdict
    takes_text: bool = False
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class FormOption:
    """One answer that a form offers."""

    option_id: str
    label: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class FormQuestion:
    """One question of a form. With `multi_select` several options may be chosen."""

    text: str
    header: str
    multi_select: bool
    options: tuple[FormOption, ...]


@dataclass(frozen=True, slots=True)
class FormAnswer:
    """The answer to one question of a form: options, one's own words, or both."""

    option_ids: tuple[str, ...]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Details:
    """What a question is about, beyond the words that everybody is shown.

    `input_json` is the whole input, `is_cut` its beginning. Where `not_editable` is empty, it may be another.
    """

    title: str = ""
    input_json: str = ""
    is_cut: bool = False
    diff: str = ""
    not_editable: str = "The program that asks takes a yes or a no, and no other input."
    mode: str = ""
    waiting_for: str = ""
    form: tuple[FormQuestion, ...] = ()


@dataclass(frozen=True, slots=True)
class Parked:
    """A question whose program was ended while it waits; `words` say what was to be done.

    `asked_at` is by the wall clock.
    """

    permission_id: str
    session_id: str
    input_digest: str
    words: str
    asked_at: float


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
    details: Details = field(default_factory=Details)

    @property
    def takes(self) -> "Takes":
        """What may be decided about it."""
        allows = [one.option_id for one in self.options if one.verdict is Verdict.ALLOW]
        form = [(tuple(one.option_id for one in each.options), each.multi_select) for each in self.details.form]
        return Takes(
            tuple(one.option_id for one in self.options),
            () if self.details.not_editable else tuple(allows),
            tuple(form),
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """The option that somebody chose, and what came with it: words, another input, or the answers to a whole form."""

    option_id: str
    text: str = ""
    updated_input: str = ""
    answers: tuple[FormAnswer, ...] = ()


@dataclass(frozen=True, slots=True)
class Takes:
    """What may be decided about a question: its options, those of them that may bring another input, and its form.

    Of each question of the form its options, and whether several may be chosen.
    """

    options: tuple[str, ...]
    with_input: tuple[str, ...] = ()
    form: tuple[tuple[tuple[str, ...], bool], ...] = ()

    def misfit(self, decision: Decision) -> str:
        """What is wrong with a decision, for people; empty where it fits."""
        if decision.option_id not in self.options:
            return "The question has no such option."
        if decision.updated_input and decision.option_id not in self.with_input:
            return "With this option there may be no other input."
        if decision.updated_input and given_of(decision.updated_input) is None:
            return f"The other input must be a JSON object of at most {MAX_GIVEN // 1024} KiB."
        if decision.answers and len(decision.answers) != len(self.form):
            return f"The form has {len(self.form)} questions, and each takes an answer."
        fits = [_fits(each, *asked) for each, asked in zip(decision.answers, self.form, strict=False)]
        return "" if all(fits) else "An answer is none of those that its question takes."


def given_of(text: str) -> dict[str, object] | None:
    """The input that a JSON text is; None where it is none, or too long."""
    if len(text.encode(errors="replace")) > MAX_GIVEN:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _fits(answer: FormAnswer, options: Sequence[str], multi_select: bool) -> bool:  # noqa: FBT001 -- as Takes has it
    chosen = answer.option_ids
    one_each = len(set(chosen)) == len(chosen) and (multi_select or len(chosen) <= 1)
    return one_each and set(chosen) <= set(options) and bool(chosen or answer.text.strip())


def digest(tool: str, given: object) -> str:
    """Identifies what is decided about: a tool and the whole of its JSON input."""
    return hashlib.sha256(json.dumps([tool, given], sort_keys=True).encode()).hexdigest()
