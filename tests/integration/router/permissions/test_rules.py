"""Rules that allow for a time: made from a question, kept over crashes, ended by time whatever clocks say, told of."""

import json
from typing import Any

import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from router.services import answer_rules as service
from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.permissions.asking import (
    ADA,
    OPTIONS,
    ask,
    decision,
    here,
    listed,
    press,
    shown,
    standing,
)
from tests.rigs.session_program import told
from tests.rigs.thin_agent import ThinAgent, ThinLink
from tests.rigs.thin_agent import session as session_of
from tests.rigs.thin_courier import ThinCourier

HOUR = 3600.0
NUMBERS = iter(range(2, 10_000))


def asks(link: ThinLink, session: str, command: str = "npm test", seq: int = 0, **more: Any) -> str:
    """A tool wants to run that; each time under another number."""
    details = types.PermissionDetails(input_json=json.dumps({"command": command}))
    fields = {"input": command, "input_digest": command, "details": details} | more
    return ask(link, session, seq or next(NUMBERS), **fields)


@pytest.fixture
def first(link: ThinLink, session: str) -> str:
    global NUMBERS
    NUMBERS = iter(range(2, 10_000))
    return asks(link, session, seq=1)


def allow_for(router: RouterUnderTest, permission_id: str, seen: str = "npm test", **more: Any) -> types.AnswerRule:
    request = pb.AllowForRequest(permission_id=permission_id, input_digest=seen, **more)
    return router.control.AllowFor(request).rule


def rules(router: RouterUnderTest, **request: Any) -> list[types.AnswerRule]:
    return list(router.control.ListRules(pb.ListRulesRequest(**request)).rules)


def is_open(router: RouterUnderTest, permission_id: str) -> bool:
    return standing(router, permission_id).state == types.PERMISSION_STATE_OPEN


def test_it_answers_what_is_the_same_and_nothing_else(
    router: RouterUnderTest, link: ThinLink, session: str, first: str
) -> None:
    rule = allow_for(router, first)
    same, other = asks(link, session), asks(link, session, "npm test --watch")

    assert (decision(link).permission_id, decision(link).permission_id) == (first, same)
    assert standing(router, same).state == types.PERMISSION_STATE_ALLOWED
    assert rule.rule_id in standing(router, same).decided_by
    assert is_open(router, other)
    [known] = rules(router)
    assert (known.answers, known.holds, known.made_by) == (1, True, rule.made_by)


def test_by_its_first_words(router: RouterUnderTest, link: ThinLink, session: str, first: str) -> None:
    allow_for(router, first, match=types.RULE_MATCH_PREFIX)

    assert not is_open(router, asks(link, session, "npm test --silent"))
    for hostile in ("npm test; rm x", "npm test && rm x", "npm test $(rm x)", "npm test\nrm x", "npm test > x"):
        assert is_open(router, asks(link, session, hostile))


def test_people_are_told_without_a_sound(
    router: RouterUnderTest, link: ThinLink, session: str, courier: ThinCourier, first: str
) -> None:
    asked = shown(courier)
    allow_for(router, first)
    shown(courier)  # that it was allowed
    asks(link, session)
    changed = courier.brought("100").notification

    assert changed.edits == asked.notification_id
    assert "The rule has answered 1 times since" in changed.text
    assert courier.waiting() == 0


def test_each_answer_is_in_the_audit_with_its_rule_and_who_made_it(
    router: RouterUnderTest, link: ThinLink, session: str, first: str
) -> None:
    rule = allow_for(router, first, origin=types.Origin(source="cli", actor="Ada"))
    same = asks(link, session)
    router.control.EndRule(pb.EndRuleRequest(rule_id=rule.rule_id))
    entries = router.control.ListAuditEntries(pb.ListAuditEntriesRequest()).entries

    [made, ended] = [each for each in entries if each.subject == rule.rule_id]
    [answered] = [each for each in entries if each.subject == same]
    assert (made.event, ended.event) == ("rule_made", "rule_ended")
    assert "Ada" in made.detail
    assert (answered.kind, answered.claimed) == ("router", "Ada")


def test_it_ends_when_its_time_is_over(router: RouterUnderTest, link: ThinLink, session: str, first: str) -> None:
    allow_for(router, first, span={"seconds": 600})
    # Its end comes nearer: a link without a heartbeat would end before.
    router.write(lambda tx: tx.execute("UPDATE answer_rules SET until = until - 570"))
    before = is_open(router, asks(link, session))
    router.write(lambda tx: tx.execute("UPDATE answer_rules SET until = until - 30"))

    assert not before
    assert is_open(router, asks(link, session))
    assert rules(router) == []
    assert [each.holds for each in rules(router, include_over=True)] == [False]


@pytest.fixture
def ruled(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    """A rule of ten minutes was made, and its machine is away."""
    with agent.connected() as link:
        allow_for(router, asks(link, session, seq=1), span={"seconds": 600})


@pytest.mark.usefixtures("ruled")
@pytest.mark.parametrize("step", [-25 * HOUR, -HOUR, HOUR, 25 * HOUR])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_clock_that_is_set_changes_nothing(router: RouterUnderTest, step: float, restarted: bool) -> None:
    router.time.wall_moved += step
    router.time.skipped += 300
    if restarted:
        router.stop()
        router.time.wall_step, router.time.wall_moved = step, 0.0
        router.start()
    held = [each.holds for each in rules(router)]
    router.time.skipped += 301

    assert held == [True]
    assert rules(router) == []


@pytest.mark.usefixtures("ruled")
def test_a_boot_ends_it(router: RouterUnderTest) -> None:
    router.stop()
    router.time.reboot()
    router.start()

    assert rules(router) == []


def test_a_crash_leaves_the_question_open_and_no_rule(
    router: RouterUnderTest, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dying(*_values: object) -> None:
        raise OSError("the process dies here")

    monkeypatch.setattr(service.answer_rules, "insert", dying)
    assert told(lambda: allow_for(router, first)) in ("UNSPECIFIED", "STORAGE_UNAVAILABLE")
    monkeypatch.undo()

    assert is_open(router, first)
    assert rules(router) == []


def test_it_is_bound_to_what_was_seen_and_counts_once(router: RouterUnderTest, first: str) -> None:
    assert told(lambda: allow_for(router, first, "npm test --all")) == "INPUT_CHANGED"
    one, again = (allow_for(router, first, request_id="1") for _ in range(2))

    assert one.rule_id == again.rule_id
    assert told(lambda: allow_for(router, first)) == "QUESTION_OVER"


def test_what_is_risky_is_let_exactly_or_not_at_all(router: RouterUnderTest, link: ThinLink, session: str) -> None:
    risky = asks(link, session, "git push --force origin main", seq=1)
    prefix = {"match": types.RULE_MATCH_PREFIX, "words": "git push"}

    assert told(lambda: allow_for(router, risky, "git push --force origin main", **prefix)) == "INVALID_ARGUMENT"
    allow_for(router, risky, "git push --force origin main")


def test_a_prefix_answers_nothing_risky(router: RouterUnderTest, link: ThinLink, session: str) -> None:
    push = asks(link, session, "git push origin main", seq=1)
    allow_for(router, push, "git push origin main", match=types.RULE_MATCH_PREFIX, words="git push")

    assert not is_open(router, asks(link, session, "git push origin dev", seq=2))
    assert is_open(router, asks(link, session, "git push --force origin main", seq=3))


def test_it_holds_for_its_session_or_for_its_folder(router: RouterUnderTest, agent: ThinAgent) -> None:
    there = [session_of("s-1", cwd="/src"), session_of("s-2", cwd="/src"), session_of("s-3", cwd="/src/sub")]
    with agent.connected(sessions=there) as link:
        link.heard()
        allow_for(router, asks(link, "s-1", seq=1), in_folder=True)
        allow_for(router, asks(link, "s-1", "make", seq=2), "make")

        assert not is_open(router, asks(link, "s-2", seq=3))
        assert is_open(router, asks(link, "s-3", seq=4))
        assert is_open(router, asks(link, "s-2", "make", seq=5))
        assert [len(rules(router, session_id=one)) for one in ("s-1", "s-2", "s-3")] == [2, 1, 0]


def test_whoever_made_it_must_still_be_allowed_to(
    router: RouterUnderTest, link: ThinLink, session: str, first: str
) -> None:
    made = router.control.CreateApiKey(pb.CreateApiKeyRequest(label="x", role=pb.ROLE_APPROVER))
    asked = pb.AllowForRequest(permission_id=first, input_digest="npm test")
    router.caller(made.secret).control.AllowFor(asked)
    before = is_open(router, asks(link, session))
    router.control.RevokeApiKey(pb.RevokeApiKeyRequest(key_id=made.key.key_id))

    assert not before
    assert is_open(router, asks(link, session))
    assert rules(router) == []


def test_a_question_of_a_program_or_a_plan_gets_no_rule(router: RouterUnderTest, link: ThinLink, session: str) -> None:
    plan = asks(link, session, seq=1, kind=types.PERMISSION_KIND_PLAN)
    asked = router.control.Ask(pb.AskRequest(session_id=session, text="Deploy?", options=["Yes"])).permission

    assert told(lambda: allow_for(router, plan)) == "INVALID_ARGUMENT"
    assert told(lambda: allow_for(router, asked.permission_id, asked.input_digest)) == "INVALID_ARGUMENT"


def test_in_a_chat_a_reply_makes_it_and_rules_ends_it(
    router: RouterUnderTest, link: ThinLink, session: str, courier: ThinCourier, transport: str, first: str
) -> None:
    router.reported(courier.brought("100"))
    said = router.submit(here(transport), "/allow 2h npm", reply_to_message_id="100", actor=ADA)
    assert standing(router, first).state == types.PERMISSION_STATE_ALLOWED
    assert "npm …" in said.answer
    same = asks(link, session, "npm run lint")
    assert not is_open(router, same)

    router.submit(here(transport, "102"), "/rules", actor=ADA)
    notes = [each for each in router.notifications(session) if each.buttons]
    [rule] = rules(router)
    ending = next(each for each in notes if any(rule.rule_id in button.action for button in each.buttons))
    press(router, ending, f"end:{rule.rule_id}")

    assert rules(router) == []
    assert is_open(router, asks(link, session, "npm run lint"))


def test_what_is_not_offered_cannot_be_let(router: RouterUnderTest, link: ThinLink, session: str, first: str) -> None:
    allow_for(router, first)
    options = [option for option in OPTIONS if option.verdict != types.VERDICT_ALLOW]

    assert is_open(router, asks(link, session, options=options))
    assert len(listed(router)) == 1
