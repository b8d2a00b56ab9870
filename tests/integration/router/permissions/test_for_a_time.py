"""The button "Allow for…": for how long is chosen in place, and what is made of it is a rule for that very question."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.permissions.asking import OPTIONS, ask, decision, listed, press, shown, standing
from tests.rigs.thin_agent import ThinLink
from tests.rigs.thin_courier import ThinCourier
from tests.waiting import wait_until

HOUR = 3600.0
TOP = ["✅ Allow", "git …, always", "⏱ Allow for…", "❌ Deny", "💬 Deny with reason"]


@pytest.fixture
def telegram(router: RouterUnderTest) -> Iterator[ThinCourier]:
    with router.courier("telegram", "1") as courier:
        yield courier.connected()


def asks(link: ThinLink, session: str, seq: int, command: str = "npm test", **more: Any) -> str:
    details = types.PermissionDetails(input_json=json.dumps({"command": command}))
    return ask(link, session, seq, input=command, input_digest=command, details=details, **more)


def labels(note: types.Notification) -> list[str]:
    return [button.label for button in note.buttons]


def rules(router: RouterUnderTest) -> list[types.AnswerRule]:
    return list(router.control.ListRules(pb.ListRulesRequest()).rules)


def to_hour(router: RouterUnderTest, hour: int) -> None:
    """The router's day is at this hour, in UTC."""
    now = datetime.fromtimestamp(router.time.wall(), UTC)
    router.time.wall_moved += (hour - now.hour) * HOUR - now.minute * 60 - now.second
    router.settle()


def test_for_how_long_is_chosen_in_place_and_there_is_a_way_back(
    router: RouterUnderTest, link: ThinLink, session: str, telegram: ThinCourier
) -> None:
    to_hour(router, 12)
    asks(link, session, 1)
    question = shown(telegram)
    press(router, question, "for")
    choices = telegram.brought("100")
    press(router, choices.notification, "for-back")
    again = telegram.brought("100")

    assert labels(question) == TOP
    assert list(choices.edit_message_ids) == list(again.edit_message_ids) == ["100"]
    assert labels(choices.notification) == ["⏱ 2 hours, here", "⏱ Until 20:00, here", "git …, always", "« Back"]
    assert labels(again.notification) == TOP
    assert len(listed(router)) == 1


@pytest.mark.parametrize(("action", "hours"), [("for-120", 2), ("for-20h", 8), ("for-24h", 12)])
def test_what_is_chosen_is_a_rule_for_so_long(
    router: RouterUnderTest, link: ThinLink, session: str, telegram: ThinCourier, action: str, hours: int
) -> None:
    to_hour(router, 12)
    asked = asks(link, session, 1)
    question = shown(telegram)

    press(router, question, "for")
    press(router, telegram.brought("100").notification, action)
    same = asks(link, session, 2)

    [rule] = rules(router)
    assert (rule.permission_id, rule.session_id, rule.match) == (asked, session, types.RULE_MATCH_EXACT)
    assert rule.expires_at.seconds - rule.created_at.seconds == pytest.approx(hours * HOUR, abs=60)
    assert [decision(link).permission_id for _ in range(2)] == [asked, same]
    assert standing(router, same).state == types.PERMISSION_STATE_ALLOWED


def test_always_is_what_the_program_means_by_it(
    router: RouterUnderTest, link: ThinLink, session: str, telegram: ThinCourier
) -> None:
    asks(link, session, 1)
    press(router, shown(telegram), "for")
    press(router, telegram.brought("100").notification, "always")

    assert decision(link).option_id == "always"
    assert rules(router) == []


def test_late_in_the_day_it_is_until_midnight(
    router: RouterUnderTest, link: ThinLink, session: str, telegram: ThinCourier
) -> None:
    to_hour(router, 22)
    asks(link, session, 1)
    press(router, shown(telegram), "for")

    assert "⏱ Until midnight, here" in labels(telegram.brought("100").notification)


@pytest.mark.parametrize(
    "more",
    [{"details": types.PermissionDetails()}, {"options": OPTIONS[1:]}, {"kind": types.PERMISSION_KIND_PLAN}],
    ids=["not known whole", "no plain yes", "no tool"],
)
def test_what_no_rule_may_answer_offers_none(
    router: RouterUnderTest, link: ThinLink, session: str, telegram: ThinCourier, more: Any
) -> None:
    fields = {"details": types.PermissionDetails(input_json='{"command": "npm test"}')} | more
    ask(link, session, 1, **fields)
    question = shown(telegram)

    assert "⏱ Allow for…" not in labels(question)
    press(router, question, "for-120")
    assert rules(router) == []
    assert listed(router)


@pytest.mark.parametrize("action", ["for-0", "for-1441", "for-9999999", "for-12h", "for-", "forever"])
def test_what_was_never_offered_allows_nothing(
    router: RouterUnderTest, link: ThinLink, session: str, telegram: ThinCourier, action: str
) -> None:
    asks(link, session, 1)

    press(router, shown(telegram), action)

    assert rules(router) == []
    assert listed(router)


def test_an_option_of_the_program_by_such_a_name_is_the_programs(
    router: RouterUnderTest, link: ThinLink, session: str, telegram: ThinCourier
) -> None:
    own = types.PermissionOption(option_id="for-120", label="For 120 years", verdict=types.VERDICT_ALLOW_ALWAYS)
    asks(link, session, 1, options=[OPTIONS[0], own])

    press(router, shown(telegram), "for-120")

    assert decision(link).option_id == "for-120"
    assert rules(router) == []


@pytest.mark.usefixtures("telegram")
def test_who_may_only_look_makes_none(router: RouterUnderTest, link: ThinLink, session: str) -> None:
    role = types.PERSON_ROLE_VIEWER
    code = router.control.CreatePairingCode(pb.CreatePairingCodeRequest(person_name="Bob", role=role)).code
    bob = types.ChatRef(transport="telegram", chat_id="5")
    router.chat.Pair(chat_pb.PairRequest(chat=bob, user_id="5", code=code))
    asks(link, session, 1)
    there = wait_until(lambda: [n for n in router.notifications(session) if n.chat.chat_id == "5"])

    for action in ("for", "for-120"):
        data = chat_pb.ButtonPress(data=f"cmd:{there[0].token}:{action}")
        router.submit(bob, button=data, user_id="5", needs_pairing=True)

    assert rules(router) == []
    assert listed(router)
