"""What REST takes and answers of permission questions, field by field."""

import json
from typing import Annotated, Any

from msgspec import Meta, Struct

from pointsman.client import permission_records as records
from webhook_adapter.endpoints import Answer, Body, Query
from webhook_adapter.http.bodies import Time


class ListPermissions(Query):
    """Which questions to list."""

    session_id: str = ""
    closed: Annotated[bool, Meta(description="Also those that are over.")] = False
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class FormAnswer(Struct, rename="camel"):
    """The answer to one question of a form: options, one's own words, or both."""

    option_ids: tuple[str, ...] = ()
    text: str = ""


class AnswerPermission(Body):
    """An answer: an option with what comes with it, or one answer for each question of a form."""

    input_digest: Annotated[str, Meta(description="Of the question as it was seen.")]
    option: Annotated[str, Meta(description="The id of an option; absent with answers.")] = ""
    text: Annotated[str, Meta(description="The reason for a no, or an answer in one's own words.")] = ""
    input: Annotated[dict[str, Any] | None, Meta(description="Allow it with this input; at most 16 KiB.")] = None
    answers: Annotated[tuple[FormAnswer, ...], Meta(description="To the whole form: one for each question.")] = ()
    idempotency_key: str | None = None

    @property
    def updated_input(self) -> str:
        """As the router takes it."""
        return "" if self.input is None else json.dumps(self.input, ensure_ascii=False)

    @property
    def form(self) -> list[records.FormAnswer]:
        """As the router takes it."""
        return [records.FormAnswer(each.option_ids, each.text) for each in self.answers]


class PermissionOption(Answer):
    """One way to answer."""

    option_id: str
    label: Annotated[str, Meta(description="Empty where the id says it.")]
    verdict: Annotated[str, Meta(description="ALLOW, ALLOW_ALWAYS, DENY or ANSWER.")]
    takes_text: bool
    meaning: Annotated[str, Meta(description="What an ALLOW_ALWAYS would allow from then on, and where.")]


class FormOption(Answer):
    """One answer that a form offers."""

    option_id: str
    label: str
    description: str


class FormQuestion(Answer):
    """One question of a form."""

    text: str
    header: str
    multi_select: bool
    options: tuple[FormOption, ...]


class PermissionDetails(Answer):
    """What a question is about in full."""

    title: str
    input_json: Annotated[str, Meta(description="The tool's whole input as JSON; lists leave it out of closed ones.")]
    input_cut: Annotated[bool, Meta(description="inputJson is its beginning alone.")]
    diff: Annotated[str, Meta(description="What it would change in files, as a unified diff.")]
    editable: bool
    not_editable: Annotated[str, Meta(description="Why it may not be allowed with another input.")]
    mode: Annotated[str, Meta(description="The permission mode that it was asked in.")]
    waiting_for: Annotated[str, Meta(description="What the session waits for, in its program's words.")]
    form: Annotated[tuple[FormQuestion, ...], Meta(description="This question, and those of its form behind it.")]


class Permission(Answer):
    """A question of a program, and what became of it."""

    permission_id: str
    session_id: str
    machine_id: str
    kind: Annotated[str, Meta(description="TOOL, PLAN or QUESTION.")]
    tool: str
    input: Annotated[str, Meta(description="What it wants to do or to know, for people.")]
    input_digest: str
    options: tuple[PermissionOption, ...]
    details: PermissionDetails
    state: str
    decided_by: str
    option_id: str
    text: str
    updated_input: Annotated[str, Meta(description="The input that it was allowed with, where that is another one.")]
    risks: Annotated[tuple[str, ...], Meta(description="Names of the rules for what is risky that it fits.")]
    detail: str
    command_id: Annotated[str, Meta(description="Of the command that takes the answer to the machine.")]
    created_at: Time | None
    expires_at: Time | None
    decided_at: Time | None
