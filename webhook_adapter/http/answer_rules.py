"""REST: many at once, rules that allow for a time, and what sessions say to each other."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Literal

from flask import Blueprint
from msgspec import Meta, Struct

from pointsman.client.answer_rules import Doing, RuleMatch
from pointsman.client.control import Control
from pointsman.client.records import Origin
from pointsman.client.session_messages import ConsentState, SessionMessageState
from webhook_adapter.endpoints import Answer, Body, Query, endpoint
from webhook_adapter.http.bodies import Time, shown

_REST = Origin("rest")


class ManyItem(Struct, rename="camel"):
    """One of many, as it was seen."""

    id: Annotated[str, Meta(description="A question or a command.")]
    seen: Annotated[str, Meta(description="Of a question its inputDigest, of a command its state.")]


class DoToMany(Body):
    """The same to many."""

    doing: Literal["allow", "deny", "retry", "drop", "cancel"]
    items: Annotated[tuple[ManyItem, ...], Meta(min_length=1, max_length=100)]
    text: Annotated[str, Meta(description="With deny: why.")] = ""
    idempotency_key: str | None = None


class ManyOutcome(Answer):
    """What became of one."""

    id: str
    done: bool
    reason: Annotated[str, Meta(description="Why not; empty where it was done.")]
    detail: str


class AllowFor(Body):
    """Allow it, and what is like it for a time."""

    input_digest: Annotated[str, Meta(description="Of the question as it was seen.")]
    seconds: Annotated[int, Meta(ge=60, le=86400)] = 7200
    match: Literal["EXACT", "PREFIX"] = "EXACT"
    words: Annotated[str, Meta(description="With PREFIX: the first words; empty: all that it has.")] = ""
    in_folder: Annotated[bool, Meta(description="In all sessions that began in the same folder there.")] = False
    idempotency_key: str | None = None


class ListRules(Query):
    """Which rules."""

    session_id: str = ""
    over: Annotated[bool, Meta(description="Also those that are over.")] = False


class AnswerRule(Answer):
    """A rule that allows by itself."""

    rule_id: str
    match: RuleMatch
    tool: str
    pattern: str
    session_id: str
    machine_id: str
    folder: Annotated[str, Meta(description="It holds for all sessions that began there; empty: for its session.")]
    made_by: str
    created_at: Time | None
    expires_at: Time | None
    answers: Annotated[int, Meta(description="How often it answered.")]
    holds: bool
    ended_by: str
    permission_id: Annotated[str, Meta(description="The question that it was made from.")]


class ListMessages(Query):
    """Which messages of sessions to each other."""

    session_id: str = ""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class SessionMessage(Answer):
    """What a session said to another."""

    message_id: str
    from_session_id: str
    to_session_id: str
    text: str
    hops: Annotated[int, Meta(description="Sessions that passed it on in a row, this one counted.")]
    reply_to: str
    state: SessionMessageState
    command_id: str
    permission_id: str
    created_at: Time | None
    detail: str


class ListConsents(Query):
    """Which consents."""

    over: Annotated[bool, Meta(description="Also those that are over.")] = False


class Consent(Answer):
    """Whether a session may send to another, as people said."""

    consent_id: str
    from_session_id: str
    from_machine_id: str
    to_session_id: str
    to_machine_id: str
    state: ConsentState
    decided_by: str
    created_at: Time | None
    decided_at: Time | None


def add_answer_rules(blueprint: Blueprint, control: Callable[[], Control], keyed: tuple[int, ...]) -> None:
    """The endpoints; `keyed`: what each call with a key may be refused with."""

    @blueprint.post("/many")
    @endpoint("permissions", *keyed, 409)
    def do_to_many(asked: DoToMany) -> list[ManyOutcome]:
        """Answer many questions at once, or decide about commands: each as it was seen; what changed is left out."""
        items = [(each.id, each.seen) for each in asked.items]
        outcomes = control().do_to_many(
            Doing(asked.doing), items, asked.text, request=asked.idempotency_key or "", origin=_REST
        )
        return [shown(ManyOutcome, each) for each in outcomes]

    @blueprint.post("/permissions/<permission_id>/rule")
    @endpoint("permissions", *keyed, 404, 409)
    def allow_for(permission_id: str, asked: AllowFor) -> AnswerRule:
        """Allow a question, and what is like it for a time."""
        rule = control().allow_for(
            permission_id, asked.input_digest, timedelta(seconds=asked.seconds), match=RuleMatch[asked.match],
            words=asked.words, in_folder=asked.in_folder, request=asked.idempotency_key or "", origin=_REST,
        )  # fmt: skip
        return shown(AnswerRule, rule)

    @blueprint.get("/rules")
    @endpoint("permissions", *keyed, 404)
    def list_rules(asked: ListRules) -> list[AnswerRule]:
        """The rules that allow by themselves, newest first."""
        return [shown(AnswerRule, each) for each in control().rules(asked.session_id, include_over=asked.over)]

    @blueprint.post("/rules/<rule_id>/end")
    @endpoint("permissions", *keyed, 404, 409)
    def end_rule(rule_id: str) -> AnswerRule:
        """End a rule, at once."""
        return shown(AnswerRule, control().end_rule(rule_id))


def add_session_messages(blueprint: Blueprint, control: Callable[[], Control], keyed: tuple[int, ...]) -> None:
    """The endpoints of what sessions say to each other; `keyed`: what each call with a key may be refused with."""

    @blueprint.get("/session-messages")
    @endpoint("sessions", *keyed, 404)
    def list_session_messages(asked: ListMessages) -> list[SessionMessage]:
        """What sessions said to each other, newest first."""
        return [shown(SessionMessage, each) for each in control().session_messages(asked.session_id, asked.limit)]

    @blueprint.get("/consents")
    @endpoint("sessions", *keyed)
    def list_consents(asked: ListConsents) -> list[Consent]:
        """Which sessions may send to which, as people said."""
        return [shown(Consent, each) for each in control().consents(include_over=asked.over)]

    @blueprint.post("/consents/<consent_id>/end")
    @endpoint("sessions", *keyed, 404, 409)
    def end_consent(consent_id: str) -> Consent:
        """Take back what people said: the next message asks anew."""
        return shown(Consent, control().end_consent(consent_id))
