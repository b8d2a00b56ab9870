"""A rule that allows for a time, made from a question; and ended."""

from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from router.domain.answer_rule import AnswerRule, Match
from router.domain.deferral import Owner
from router.store import answer_rules
from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.permissions.asking import ask


def a_standing_rule(router: RouterUnderTest, word: str) -> str:
    """One of the session of that world."""
    now, until = router.time.now(), router.time.uptime() + 60 * 86400.0
    rule = AnswerRule(
        f"{word}-rule", Match.EXACT, f"{word} tool", "{}", f"{word}-session", f"{word}-box", "", "Ada", Owner("Ada"),
        now, now + 60 * 86400.0, router.time.boot_id(), until, f"{word}-question",
    )  # fmt: skip
    router.write(lambda tx: answer_rules.insert(tx, rule))
    return rule.rule_id


def a_rule(router: RouterUnderTest) -> str:
    machine = router.machine()
    session_id = router.session(machine)
    details = types.PermissionDetails(input_json='{"command": "make"}')
    with machine.connected() as link:
        question = ask(link, session_id, details=details)
        asked = pb.AllowForRequest(permission_id=question, input_digest="d1")
        return router.control.AllowFor(asked).rule.rule_id


def an_ended_rule(router: RouterUnderTest) -> str:
    rule_id = a_rule(router)
    router.control.EndRule(pb.EndRuleRequest(rule_id=rule_id))
    return rule_id
