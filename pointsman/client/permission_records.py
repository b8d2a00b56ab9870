"""Permission questions, as the router tells of them. Names and meanings are those of agentlink.v1."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PermissionOption:
    """One way to answer a question; without a label, the id says it. `meaning`: what an "always" would allow."""

    option_id: str
    label: str
    verdict: str = ""
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

    option_ids: tuple[str, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class PermissionDetails:
    """What a question is about in full. Where it is `editable`, it may be allowed with another input."""

    title: str = ""
    input_json: str = ""  # the whole input, an object; its beginning alone where it is `input_cut`
    input_cut: bool = False
    diff: str = ""
    editable: bool = False
    not_editable: str = ""  # why
    mode: str = ""  # that it was asked in
    waiting_for: str = ""
    form: tuple[FormQuestion, ...] = ()  # this question, and those of the same form behind it


@dataclass(frozen=True, slots=True)
class Permission:
    """A question of a program; `kind` and `state` are names as in agentlink.v1, without their prefix."""

    permission_id: str
    session_id: str
    machine_id: str
    kind: str
    tool: str
    input: str
    input_digest: str  # an answer names it, so that nobody allows what they have not seen
    options: tuple[PermissionOption, ...]
    state: str
    decided_by: str
    option_id: str
    text: str
    detail: str
    command_id: str
    created_at: datetime | None
    expires_at: datetime | None
    decided_at: datetime | None
    details: PermissionDetails = field(default_factory=PermissionDetails)
    updated_input: str = ""  # it was allowed with
    risks: tuple[str, ...] = ()  # names of the rules for what is risky that it fits, where it was listed

    @property
    def is_notice(self) -> bool:
        """The router's own, which wants to be seen and asks nothing."""
        return not self.machine_id and self.kind == "QUESTION" and self.tool == "Notice"
