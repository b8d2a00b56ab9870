"""Rules that allow for a time, and many at once."""

from agentlink.v1 import control_pb2 as control_pb
from agentlink.v1 import types_pb2 as pb

from router.api.convert.times import seconds, timestamp
from router.domain.answer_rule import USUAL, AnswerRule, Match
from router.domain.batch import Doing, Item, Outcome
from router.domain.errors import Reason, Refusal
from router.services.answer_rules import Wanted

_MATCHES = {each: pb.RuleMatch.Value(f"RULE_MATCH_{each.name}") for each in Match}
_MATCHES_OF = {number: each for each, number in _MATCHES.items()} | {pb.RULE_MATCH_UNSPECIFIED: Match.EXACT}
_DOINGS = {control_pb.Doing.Value(f"DOING_{each.name}"): each for each in Doing}


def rule_message(rule: AnswerRule, *, holds: bool) -> pb.AnswerRule:
    return pb.AnswerRule(
        rule_id=rule.rule_id, match=_MATCHES[rule.match], tool=rule.tool, pattern=rule.pattern,
        session_id=rule.session_id, machine_id=rule.machine_id, folder=rule.folder, made_by=rule.made_by,
        created_at=timestamp(rule.created_at), expires_at=timestamp(rule.expires_at), answers=rule.answers,
        holds=holds, ended_by=rule.ended_by, permission_id=rule.permission_id,
    )  # fmt: skip


def wanted(request: control_pb.AllowForRequest) -> Wanted:
    """What rule is wanted. Raises Refusal."""
    if (match := _MATCHES_OF.get(request.match)) is None:
        raise Refusal(Reason.INVALID_ARGUMENT, "match must be EXACT or PREFIX")
    span = seconds(request.span) if request.HasField("span") else USUAL
    return Wanted(span, match, request.words, request.in_folder)


def doing(request: control_pb.DoToManyRequest) -> Doing:
    """What is to be done. Raises Refusal."""
    if (found := _DOINGS.get(request.doing)) is None:
        raise Refusal(Reason.INVALID_ARGUMENT, "doing must be ALLOW, DENY, RETRY, DROP or CANCEL")
    return found


def items(request: control_pb.DoToManyRequest, what: Doing) -> list[Item]:
    """What it is to be done to."""
    return [Item(each.id, each.seen if what.is_answer else each.seen.lower()) for each in request.items]


def outcome_message(outcome: Outcome) -> control_pb.ManyOutcome:
    return control_pb.ManyOutcome(
        id=outcome.item.item_id, done=not outcome.why, reason=outcome.reason.value if outcome.why else 0,  # type: ignore[arg-type]
        detail=outcome.why,
    )  # fmt: skip
