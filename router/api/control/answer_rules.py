"""Control: rules that allow for a time, and many at once."""

import sqlite3

from agentlink.v1 import control_pb2 as pb

from router.api.access import APPROVE, CONSOLE
from router.api.control.part import Part, note, origin
from router.api.convert.answer_rules import doing, items, outcome_message, rule_message, wanted
from router.api.convert.permissions import permission_message
from router.api.handlers import Call
from router.domain.answer_rule import AnswerRule
from router.domain.deferral import Owner
from router.domain.errors import Reason, Refusal
from router.domain.scope import Scope
from router.services import scopes
from router.store import answer_rules, names, sessions
from router.store.database import Transaction


class AnswerRulesPart(Part):
    """What may be asked of them."""

    async def AllowFor(self, request: pb.AllowForRequest, call: Call) -> pb.AllowForResponse:
        r, who, rule_wanted = request, origin(request, call), wanted(request)
        owner = Owner(call.principal.sender, key_id=call.principal.key_id)

        def operation(tx: Transaction) -> pb.AllowForResponse:
            decided, rule = self._s.answer_rules.make(
                tx, r.permission_id, r.input_digest, rule_wanted, who, owner, note(r)
            )
            return pb.AllowForResponse(permission=permission_message(decided), rule=rule_message(rule, holds=True))

        return await self._once(call, request, pb.AllowForResponse, operation)

    async def ListRules(self, request: pb.ListRulesRequest, call: Call) -> pb.ListRulesResponse:
        found = await self._s.database.read(lambda c: _page(c, request, call.principal.scope))
        holds = self._s.answer_rules.holds
        shown = (rule_message(each, holds=holds(each)) for each in found if request.include_over or holds(each))
        return pb.ListRulesResponse(rules=shown)

    async def EndRule(self, request: pb.EndRuleRequest, call: Call) -> pb.EndRuleResponse:
        who = origin(request, call).actor

        def operation(tx: Transaction) -> pb.EndRuleResponse:
            rule = answer_rules.get(tx, request.rule_id)
            scopes.check(tx, call.principal.scope, rule.session_id, answer_rules.unknown(request.rule_id))
            ended = self._s.answer_rules.end(tx, request.rule_id, who)
            return pb.EndRuleResponse(rule=rule_message(ended, holds=False))

        return await self._once(call, request, pb.EndRuleResponse, operation)

    async def DoToMany(self, request: pb.DoToManyRequest, call: Call) -> pb.DoToManyResponse:
        what, who, reached = doing(request), origin(request, call), call.principal.scope.has
        # As one by one: who may answer does not write, and who writes for people does not answer.
        if call.principal.role not in (APPROVE if what.is_answer else CONSOLE):
            raise Refusal(Reason.PERMISSION_DENIED, f"This key may not {what.value} one, and so not many.")
        named = items(request, what)

        def operation(tx: Transaction) -> pb.DoToManyResponse:
            outcomes = self._s.batches.do(tx, what, named, who, reached=reached, text=request.text)
            return pb.DoToManyResponse(outcomes=map(outcome_message, outcomes))

        return await self._once(call, request, pb.DoToManyResponse, operation)


def _page(on: sqlite3.Connection, request: pb.ListRulesRequest, scope: Scope) -> list[AnswerRule]:
    one, within = names.session(on, request.session_id, scope), sessions.within(on, scope)
    session = sessions.find(on, one) if one else None
    found = answer_rules.page(on, over=request.include_over)
    found = [each for each in found if within is None or each.session_id in within]
    if session is None:
        return found
    return [each for each in found if each.is_about(session.session_id, session.machine_id, session.cwd)]
