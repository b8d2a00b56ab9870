"""A permission question's life: everything that affects its state lives here.

OPEN ─▶ ALLOWED | ALLOWED_ALWAYS | DENIED | ANSWERED          somebody decided over here: the first one counts
  │                     │
  └─────────────────────┴─▶ ANSWERED_ELSEWHERE | WITHDRAWN | EXPIRED

The machine that asks is the judge. What was decided over here may reach it too late; then its word overrides ours. Over
here nobody ends a question that was decided.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from router.domain.command import MAX_TEXT_BYTES
from router.domain.errors import IllegalTransition, Reason, Refusal
from router.domain.permission_input import NO_DETAILS, Details, checked_details
from router.domain.unicode_escapes import WARNING, visible

MAX_OPTIONS = 8
MAX_TOOL = 200  # characters
MAX_LABEL = 64  # characters
MAX_MEANING = 1000  # characters
MAX_OPEN = 20  # questions of one session that its programs asked and nobody answered
_QUESTION = "Question"  # stands where others have the name of a tool
NOTICE = "Notice"  # stands there where the router wants something to be seen, and nothing else
OWN_WORDS = "text"  # the option that takes them
MAX_WAIT = 30 * 24 * 3600.0  # seconds; nobody answers later, and no question is left for ever
_OPTION_ID = re.compile(r"[a-z0-9-]{1,32}")


class PermissionState(Enum):
    """Where a question stands."""

    OPEN = "open"
    ALLOWED = "allowed"
    ALLOWED_ALWAYS = "allowed_always"
    DENIED = "denied"
    ANSWERED = "answered"
    ANSWERED_ELSEWHERE = "answered_elsewhere"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"

    @property
    def live(self) -> bool:
        """Whether an answer may still come."""
        return self is PermissionState.OPEN


class PermissionKind(Enum):
    """What kind of question it is."""

    TOOL = "tool"
    PLAN = "plan"
    QUESTION = "question"


class Verdict(Enum):
    """What choosing an option means."""

    ALLOW = "allow"
    ALLOW_ALWAYS = "allow_always"
    DENY = "deny"
    ANSWER = "answer"


_DECIDED = {
    Verdict.ALLOW: PermissionState.ALLOWED,
    Verdict.ALLOW_ALWAYS: PermissionState.ALLOWED_ALWAYS,
    Verdict.DENY: PermissionState.DENIED,
    Verdict.ANSWER: PermissionState.ANSWERED,
}
ENDED_ELSEWHERE = frozenset({PermissionState.ANSWERED_ELSEWHERE, PermissionState.WITHDRAWN, PermissionState.EXPIRED})


class Option(Struct, frozen=True):
    """One way to answer. `takes_text`: a person's own words may come with it."""

    option_id: str
    label: str
    verdict: Verdict
    takes_text: bool = False
    meaning: str = ""  # of an "always": what it would allow, in words

    @property
    def has_button(self) -> bool:
        """An answer in one's own words is given by writing it."""
        return not (self.takes_text and self.verdict is Verdict.ANSWER)


class Permission(Struct, frozen=True):
    """One question as it is on disk. Times are seconds since the epoch by the router's steady clock."""

    permission_id: str
    session_id: str
    machine_id: str
    kind: PermissionKind
    tool: str
    input: str  # in words, for people
    input_digest: str
    options: tuple[Option, ...]
    created_at: float
    expires_at: float
    state: PermissionState = PermissionState.OPEN
    decided_by: str = ""
    option_id: str = ""
    text: str = ""
    detail: str = ""
    command_id: str = ""
    decided_at: float | None = None
    details: Details = NO_DETAILS
    updated_input: str = ""  # it was allowed with; empty where that is as it was asked

    @property
    def is_open(self) -> bool:
        return self.state is PermissionState.OPEN

    @property
    def is_of_router(self) -> bool:
        """We ask it ourselves: what programs ask here is no question about a tool."""
        return not self.machine_id and self.kind is PermissionKind.TOOL

    @property
    def is_notice(self) -> bool:
        """It is no question, but wants to be seen: domain/concern.py."""
        return not self.machine_id and self.kind is PermissionKind.QUESTION and self.tool == NOTICE

    @property
    def answer(self) -> str:
        """What a person said to it, in their own words or in those of the option; empty where nobody did."""
        chosen = self.option(self.option_id) if self.state is PermissionState.ANSWERED else None
        return self.text or (chosen.label if chosen else "")

    def option(self, option_id: str) -> Option | None:
        """One of its options, or None."""
        return next((option for option in self.options if option.option_id == option_id), None)

    @property
    def for_text(self) -> Option | None:
        """The option that a reply chooses, or None."""
        return next((option for option in self.options if option.takes_text), None)


class Question(Struct, frozen=True):
    """What a program wants to know of people, and waits for at the router. `expires_in` in seconds."""

    session_id: str
    text: str
    choices: tuple[str, ...]
    own_words: bool
    expires_in: float

    @property
    def digest(self) -> str:
        """Tells it from another question."""
        said = json.dumps([self.session_id, self.text, self.choices, self.own_words])
        return hashlib.sha256(said.encode()).hexdigest()

    def asked(self, permission_id: str, session_id: str, now: float) -> Permission:
        """The question as it is on disk: of no machine, as none is told of the answer."""
        options = [Option(str(number), label, Verdict.ANSWER) for number, label in enumerate(self.choices, 1)]
        if self.own_words or not options:
            options.append(Option(OWN_WORDS, "", Verdict.ANSWER, takes_text=True))
        ends = now + min(self.expires_in, MAX_WAIT)
        kind = PermissionKind.QUESTION
        return Permission(
            permission_id, session_id, "", kind, _QUESTION, self.text, self.digest, tuple(options), now, ends
        )


def checked_question(asked: Question) -> Question:
    """The question itself. Raises Refusal naming what is wrong with it."""
    if not asked.text.strip():
        raise Refusal(Reason.INVALID_ARGUMENT, "text is empty")
    if len(asked.text.encode()) > MAX_TEXT_BYTES:
        raise Refusal(Reason.TOO_LARGE, f"The text may have {MAX_TEXT_BYTES} bytes.")
    if len(asked.choices) > MAX_OPTIONS - asked.own_words:
        raise Refusal(Reason.TOO_LARGE, f"There may be {MAX_OPTIONS} options, own words among them.")
    if not all(label.strip() for label in asked.choices) or len(set(asked.choices)) < len(asked.choices):
        raise Refusal(Reason.INVALID_ARGUMENT, "an option is empty, or there twice")
    if asked.expires_in <= 0:
        raise Refusal(Reason.INVALID_ARGUMENT, "expires_in must be greater than zero")
    return asked


class Decided(Struct, frozen=True):
    """Somebody chose an option over here; the command takes it to the machine."""

    option: Option
    text: str
    actor: str
    command_id: str
    updated_input: str = ""


class Closed(Struct, frozen=True):
    """It is over: the machine says so, or it can never be answered any more."""

    state: PermissionState
    detail: str = ""


Event = Decided | Closed

_OVERRULED = frozenset(_DECIDED.values())
SOURCES: dict[type[Event], frozenset[PermissionState]] = {
    Decided: frozenset({PermissionState.OPEN}),
    Closed: frozenset({PermissionState.OPEN}) | _OVERRULED,
}


def apply(permission: Permission, event: Event, now: float) -> Permission:
    """The question after an event. Raises IllegalTransition, and changes nothing, where the table has no such row."""
    if permission.state not in SOURCES[type(event)]:
        raise IllegalTransition(f"{type(event).__name__} in state {permission.state.name}")
    match event:
        case Decided(option, text, actor, command_id, updated_input):
            return replace(
                permission, state=_DECIDED[option.verdict], option_id=option.option_id, text=text, decided_by=actor,
                command_id=command_id, decided_at=now, updated_input=updated_input,
            )  # fmt: skip
        # What was decided here stays in the row: it is told that it came too late.
        case Closed(state, detail) if state in ENDED_ELSEWHERE:
            return replace(permission, state=state, detail=detail, decided_at=now)
    raise IllegalTransition(f"a question cannot be closed as {event.state.name}")


def checked(permission: Permission) -> Permission:
    """A question that can be shown as it is, and answered. Raises Refusal naming what is wrong with it."""
    if not permission.tool or len(permission.tool) > MAX_TOOL:
        raise Refusal(Reason.INVALID_ARGUMENT, f"tool must have 1 to {MAX_TOOL} characters")
    if not permission.input_digest or len(permission.input_digest) > 128:
        raise Refusal(Reason.INVALID_ARGUMENT, "input_digest must have 1 to 128 characters")
    _check_options(permission.options)
    tool, told = visible(permission.tool), visible(permission.input)
    options = tuple(
        replace(option, label=visible(option.label), meaning=visible(option.meaning)[:MAX_MEANING])
        for option in permission.options
    )
    if (tool, told, options) != (permission.tool, permission.input.replace("\r\n", "\n"), permission.options):
        told = f"{WARNING}\n\n{told}"  # wherever the question is shown, and whoever shows it
    details = checked_details(permission.details)
    return replace(permission, tool=tool, input=told, options=options, details=details)


def _check_options(options: Sequence[Option]) -> None:
    if not 1 <= len(options) <= MAX_OPTIONS:
        raise Refusal(Reason.INVALID_ARGUMENT, f"there must be 1 to {MAX_OPTIONS} options")
    if len({option.option_id for option in options}) < len(options):
        raise Refusal(Reason.INVALID_ARGUMENT, "two options have one id")
    for option in options:
        if not _OPTION_ID.fullmatch(option.option_id):
            raise Refusal(Reason.INVALID_ARGUMENT, "an option's id must be 1 to 32 of a-z, 0-9 and -")
        if len(option.label) > MAX_LABEL:
            raise Refusal(Reason.TOO_LARGE, f"an option's label may have {MAX_LABEL} characters")
