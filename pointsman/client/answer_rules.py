"""Rules that allow for a time, and many at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2

from pointsman.client import convert
from pointsman.client.calls import Calls, request_id
from pointsman.client.permission_records import Permission
from pointsman.client.records import Origin


class RuleMatch(Enum):
    """What has to be the same."""

    UNKNOWN = "UNKNOWN"
    EXACT = "EXACT"
    PREFIX = "PREFIX"  # the first words of a plain command line


class Doing(Enum):
    """What is done to each of many."""

    ALLOW = "allow"
    DENY = "deny"
    RETRY = "retry"
    DROP = "drop"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class AnswerRule:
    """A rule that allows by itself until `expires_at`, for a session; with a `folder`, for all that began there."""

    rule_id: str
    match: RuleMatch
    tool: str
    pattern: str
    session_id: str
    machine_id: str
    folder: str
    made_by: str
    created_at: datetime | None
    expires_at: datetime | None
    answers: int
    holds: bool
    ended_by: str
    permission_id: str


@dataclass(frozen=True, slots=True)
class ManyOutcome:
    """What became of one of many."""

    id: str
    done: bool
    reason: str  # as in agentlink.v1, without the prefix; empty where it was done
    detail: str


class AnswerRules(Calls):
    """Every method raises RouterError."""

    def allow_for(
        self,
        permission_id: str,
        input_digest: str,
        span: timedelta,
        *,
        match: RuleMatch = RuleMatch.EXACT,
        words: str = "",
        in_folder: bool = False,
        request: str | None = None,
        origin: Origin | None = None,
    ) -> AnswerRule:
        """Allow a question as it was seen, and what is like it for so long."""
        # With the digest of what was seen: the router refuses a yes to anything else.
        asked = pb.AllowForRequest(
            permission_id=permission_id, input_digest=input_digest, span=convert.duration(span),
            match=types_pb2.RuleMatch.Value(f"RULE_MATCH_{match.name}"), words=words, in_folder=in_folder,
            request_id=request_id(request), origin=self._sender(origin),
        )  # fmt: skip
        return _rule(self._call(self._stub.AllowFor, asked).rule)

    def rules(self, session_id: str = "", *, include_over: bool = False) -> list[AnswerRule]:
        """The rules that hold, newest first."""
        # Where a session is named, also those of its folder.
        asked = pb.ListRulesRequest(session_id=session_id, include_over=include_over)
        return [_rule(each) for each in self._call(self._stub.ListRules, asked).rules]

    def end_rule(self, rule_id: str, *, request: str | None = None, origin: Origin | None = None) -> AnswerRule:
        """End one, at once."""
        asked = pb.EndRuleRequest(rule_id=rule_id, request_id=request_id(request), origin=self._sender(origin))
        return _rule(self._call(self._stub.EndRule, asked).rule)

    def answer_many(
        self,
        doing: Doing,
        seen: Iterable[Permission],
        text: str = "",
        *,
        request: str | None = None,
        origin: Origin | None = None,
    ) -> list[ManyOutcome]:
        """Allow or deny questions as they were seen: what changed since is left out, and told."""
        return self.do_to_many(
            doing, [(each.permission_id, each.input_digest) for each in seen], text, request=request, origin=origin
        )

    def do_to_many(
        self,
        doing: Doing,
        items: Iterable[tuple[str, str]],
        text: str = "",
        *,
        request: str | None = None,
        origin: Origin | None = None,
    ) -> list[ManyOutcome]:
        """The same to each, by its id and what was seen of it: a question's digest, a command's state."""
        # In one call: whoever asks again after a cut line does nothing twice.
        asked = pb.DoToManyRequest(
            doing=pb.Doing.Value(f"DOING_{doing.name}"), items=[pb.ManyItem(id=one, seen=seen) for one, seen in items],
            text=text, request_id=request_id(request), origin=self._sender(origin),
        )  # fmt: skip
        return [_outcome(each) for each in self._call(self._stub.DoToMany, asked).outcomes]


def _rule(m: types_pb2.AnswerRule) -> AnswerRule:
    # A newer router may know other ways.
    known = m.match in types_pb2.RuleMatch.values()
    match = types_pb2.RuleMatch.Name(m.match).removeprefix("RULE_MATCH_") if known else ""
    return convert.read(AnswerRule, m, match=convert.member(RuleMatch, match))


def _outcome(m: pb.ManyOutcome) -> ManyOutcome:
    known = m.reason in types_pb2.Reason.values() and m.reason
    reason = types_pb2.Reason.Name(m.reason).removeprefix("REASON_") if known else ""
    return convert.read(ManyOutcome, m, reason=reason)
