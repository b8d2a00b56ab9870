"""What programs may set for a chat, as people in it may: no sound from a session, a summary each day; who hears."""

import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from router.clock import time_of_day
from tests.integration.router.deferral.refusing import refusal
from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.permissions.asking import ask
from tests.integration.router.subscribing import logs_in, person
from tests.rigs.thin_agent import ThinAgent
from tests.rigs.thin_courier import ThinCourier

HERE = types.ChatRef(transport="test", chat_id="1")
NOWHERE = types.ChatRef(transport="test", chat_id="666")
DAY = 24 * 3600


def mute(router: RouterUnderTest, session: str, chat: types.ChatRef = HERE, **how: object) -> str:
    return router.control.Mute(pb.MuteRequest(session_id=session, chat=chat, **how)).told


def summary(router: RouterUnderTest, at: str = "", chat: types.ChatRef = HERE) -> str:
    return router.control.SetSummary(pb.SetSummaryRequest(chat=chat, at=at)).at


def is_silent(router: RouterUnderTest, courier: ThinCourier, session: str) -> bool:
    router.notify(session)
    delivery = courier.brought("1")
    router.reported(delivery)
    return delivery.silent


def test_a_session_makes_no_sound_until_then(router: RouterUnderTest, courier: ThinCourier, session: str) -> None:
    told = mute(router, session, until="in 2h")
    silent = is_silent(router, courier, session)
    router.advance(2 * 3600 + 1)
    later = is_silent(router, courier, session)

    assert " until " in told
    assert (silent, later) == (True, False)


def test_for_good_and_heard_again(router: RouterUnderTest, courier: ThinCourier, session: str) -> None:
    mute(router, session)
    silent = is_silent(router, courier, session)
    mute(router, session, off=True)

    assert (silent, is_silent(router, courier, session)) == (True, False)


@pytest.mark.parametrize(
    ("how", "reason"),
    [({"until": "some day"}, "WHEN_UNCLEAR"), ({"until": "every day 9:00"}, "WHEN_UNCLEAR"), ({}, "ILLEGAL_STATE")],
)
def test_what_is_not_understood_or_no_chat_of_ours_is_refused(
    router: RouterUnderTest, courier: ThinCourier, session: str, how: dict[str, str], reason: str
) -> None:
    assert courier
    with refusal(reason):
        mute(router, session, HERE if how else NOWHERE, **how)


def test_a_summary_comes_each_day_and_one_alone(router: RouterUnderTest, courier: ThinCourier, session: str) -> None:
    before = summary(router)
    first, second = summary(router, "8:00"), summary(router, "9:00")
    router.advance(DAY)
    text = courier.brought("1").notification.text

    assert session in text
    assert (before, first, second, summary(router)) == ("", "every day 8:00", "every day 9:00", "every day 9:00")
    assert summary(router, "off") == summary(router) == ""


def test_none_comes_to_a_chat_of_nobody(router: RouterUnderTest) -> None:
    with refusal("ILLEGAL_STATE"):
        summary(router, "8:00", NOWHERE)


def settings(router: RouterUnderTest, chat: types.ChatRef = HERE, **wanted: str) -> pb.SetChatResponse:
    return router.control.SetChat(pb.SetChatRequest(chat=chat, **wanted))


def test_quiet_hours_that_a_program_sets_are_kept(router: RouterUnderTest, courier: ThinCourier, session: str) -> None:
    hour = time_of_day(router.time.now()).hour
    told = settings(router, quiet=f"{hour}-{(hour + 3) % 24}")
    silent = is_silent(router, courier, session)
    ended = settings(router, quiet="off")

    assert (told.quiet, ended.quiet) == (f"{hour:02}:00-{(hour + 3) % 24:02}:00", "off")
    assert (silent, is_silent(router, courier, session)) == (True, False)


def test_what_a_program_sets_is_what_people_see_there_and_they_may_change_it(
    router: RouterUnderTest, courier: ThinCourier
) -> None:
    assert courier
    set_by_it = settings(router, limits="continue", topics="on", policy="ask", bundles="on", shows="everything")
    router.submit(HERE, "/limits ask")
    router.submit(HERE, "/settings progress")

    assert (set_by_it.limits, set_by_it.policy, set_by_it.topics) == ("continue", "ask", "on")
    now = settings(router)
    assert (now.limits, now.shows, now.bundles) == ("ask", "progress", "on")


@pytest.mark.parametrize("wanted", [{"quiet": "7"}, {"limits": "yes"}, {"zone": "Nowhere/At"}, {"policy": "x"}])
def test_of_what_is_not_understood_nothing_is_set(
    router: RouterUnderTest, courier: ThinCourier, wanted: dict[str, str]
) -> None:
    assert courier
    with refusal("INVALID_ARGUMENT"):
        settings(router, bundles="on", **wanted)
    with refusal("ILLEGAL_STATE"):
        settings(router, NOWHERE, bundles="on")

    assert settings(router).bundles == "off"


def test_who_hears_is_told_without_a_change(router: RouterUnderTest, courier: ThinCourier, session: str) -> None:
    assert courier
    with router.courier("mail", "ada@example.org"):
        router.control.Unfollow(pb.UnfollowRequest(session_id=session, chats=[HERE]))
        told = router.control.Follow(pb.FollowRequest(session_id=session, only_tell=True))
        again = router.control.Follow(pb.FollowRequest(session_id=session, only_tell=True))

    assert [chat.transport for chat in told.audience] == ["mail"]
    assert list(told.others) == [HERE]
    assert told == again


def test_a_question_says_by_its_rules_what_is_risky(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        ask(link, session, 1, input="rm -rf build")
        ask(link, session, 2, input="ls", input_digest="d2")
    [plain, risky] = router.control.ListPermissions(pb.ListPermissionsRequest()).permissions

    assert (list(plain.risks), list(risky.risks)) == ([], ["delete"])


def test_the_ladder_of_whoever_is_at_a_browser_is_for_keys_that_speak_for_people(router: RouterUnderTest) -> None:
    adapter = router.caller(router.key(pb.ROLE_ADAPTER)).control
    ada, owner = logs_in(router, person(router, "Ada")), logs_in(router)

    hers = adapter.SetLadder(pb.SetLadderRequest(login_id=ada, ladder="10m mail", concerns="failed"))
    theirs = adapter.SetLadder(pb.SetLadderRequest(login_id=owner))

    assert (hers.ladder, hers.concerns) == ("10m mail", "failed")
    assert (theirs.ladder, theirs.concerns) == ("15m again, 30m mail", "none")
    [known] = [each for each in router.control.ListPeople(pb.ListPeopleRequest()).people if each.person_id]
    with refusal("INVALID_ARGUMENT"):
        adapter.SetLadder(pb.SetLadderRequest(person_id=known.person_id, ladder="off"))
    with refusal("INVALID_ARGUMENT"):
        router.control.SetLadder(pb.SetLadderRequest(login_id=ada, ladder="off"))
    with refusal("NOT_PAIRED"):
        adapter.SetLadder(pb.SetLadderRequest(login_id="nobody's", ladder="off"))
