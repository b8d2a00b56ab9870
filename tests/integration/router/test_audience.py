"""Who hears of a session: where it was begun, who follows it, who left, and nobody else."""

import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.deferral.refusing import refusal
from tests.integration.router.harness import RouterUnderTest
from tests.rigs.thin_agent import ThinAgent

ADA, BOB, GROUP = (types.ChatRef(transport="telegram", chat_id=chat) for chat in ("1", "2", "-3"))
PAGES = types.ChatRef(transport="web", chat_id="console")


@pytest.fixture(autouse=True)
def default_chats(router: RouterUnderTest) -> None:
    """Ada and Bob hear of everything, and so does the console; somebody who may wrote in the group."""
    for transport, *chats in (("telegram", "1", "2"), ("web", "console")):
        with router.courier(transport, *chats):
            pass  # what it names stays
    router.submit(GROUP, "/sessions")


def told(router: RouterUnderTest, session: str, text: str = "done") -> list[str]:
    sent = router.control.Notify(pb.NotifyRequest(session_id=session, text=text)).notifications
    return [note.chat.chat_id for note in sent]


def begun_in(router: RouterUnderTest, chat: types.ChatRef) -> str:
    """A session that was started there."""
    machine = router.machine()
    with machine.connected(start_folders=["/src"]):
        return router.submit(chat, f"/new {machine.machine_id} /src go").session_id


def home(router: RouterUnderTest, session: str) -> list[str]:
    there = router.control.ListSessions(pb.ListSessionsRequest(include_ended=True)).sessions
    return [chat.chat_id for each in there if each.session_id == session for chat in each.home]


def test_a_session_that_nobody_began_is_heard_of_by_all(router: RouterUnderTest, session: str) -> None:
    assert told(router, session) == ["1", "2", "console"]
    assert home(router, session) == []


def test_one_that_was_begun_in_a_chat_is_heard_of_there(router: RouterUnderTest) -> None:
    session = begun_in(router, BOB)

    assert told(router, session) == ["console", "2"]
    assert home(router, session) == ["2"]


def test_one_that_was_begun_in_the_console_is_heard_of_by_all(router: RouterUnderTest) -> None:
    assert told(router, begun_in(router, PAGES)) == ["1", "2", "console"]


def test_who_follows_hears_beside_the_others(router: RouterUnderTest, session: str) -> None:
    answer = router.submit(GROUP, f"/follow {session}").answer

    assert answer.startswith(f"You hear of {session} here from now on")
    assert told(router, session) == ["1", "2", "console", "-3"]


def test_who_left_hears_no_more_and_may_come_back(router: RouterUnderTest, session: str) -> None:
    router.submit(ADA, f"/unfollow {session}")
    after = told(router, session)
    router.submit(ADA, f"/follow {session}")

    assert after == ["2", "console"]
    assert told(router, session) == ["1", "2", "console"]


def test_where_it_began_it_can_be_left_to_who_follows(router: RouterUnderTest) -> None:
    session = begun_in(router, BOB)
    router.submit(GROUP, f"/follow {session}")
    router.submit(BOB, f"/unfollow {session}")

    assert told(router, session) == ["console", "-3"]


def test_the_last_who_hears_cannot_leave(router: RouterUnderTest) -> None:
    session = begun_in(router, BOB)

    answer = router.submit(BOB, f"/unfollow {session}").answer

    assert answer.startswith("Nobody else would hear of")
    assert told(router, session) == ["console", "2"]


def test_a_chat_that_takes_nothing_is_not_the_only_one_that_is_told(router: RouterUnderTest) -> None:
    session = begun_in(router, BOB)
    with router.courier("telegram", "1", "2", max_in_flight=8) as courier:
        told(router, session)
        while (delivery := courier.take()).notification.chat.chat_id != "2":
            courier.delivered(delivery, "9")
        courier.refused(delivery, "bot was blocked", chat_closed=True)
        router.reported(delivery)

        assert told(router, session) == ["1", "2", "console"]


def test_a_question_goes_where_its_session_was_begun(router: RouterUnderTest) -> None:
    session = begun_in(router, BOB)

    router.control.Ask(pb.AskRequest(session_id=session, text="Which way?"))

    asked = router.control.ListNotifications(pb.ListNotificationsRequest(session_id=session)).notifications
    assert {note.chat.chat_id for note in asked if note.permission_id} == {"2", "console"}


def test_a_chat_without_a_name_follows_the_chosen_one(router: RouterUnderTest, session: str) -> None:
    nothing = router.submit(GROUP, "/follow").answer
    router.submit(GROUP, f"/use {session}")
    router.submit(GROUP, "/follow")

    assert nothing.startswith("Which one?")
    assert "-3" in told(router, session)


def test_control_lets_chats_follow_and_says_who_hears(router: RouterUnderTest, session: str) -> None:
    heard = router.control.Follow(pb.FollowRequest(session_id=session, chats=[GROUP]))
    left = router.control.Unfollow(pb.UnfollowRequest(session_id=session, chats=[GROUP]))

    assert [chat.chat_id for chat in heard.audience] == ["1", "2", "console", "-3"]
    assert [chat.chat_id for chat in heard.session.home] == ["-3"]
    assert [chat.chat_id for chat in left.audience] == ["1", "2", "console"]


def test_no_stranger_can_be_let_follow(router: RouterUnderTest, session: str) -> None:
    with refusal("ILLEGAL_STATE"):
        router.control.Follow(
            pb.FollowRequest(session_id=session, chats=[types.ChatRef(transport="telegram", chat_id="666")])
        )


def test_a_machine_names_no_chat_that_does_not_hear_of_the_session(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    with agent.connected() as link:
        link.frame(
            notify=link_pb.Notify(
                upstream_seq=1, notification_id="n", session_id=session, text="psst", targets=[ADA, GROUP]
            )
        )
        [rejection] = link.acked(1).rejected

    assert rejection.reason == types.REASON_NOT_IN_AUDIENCE
    assert "telegram:-3 does not hear of" in rejection.detail
    assert router.control.ListNotifications(pb.ListNotificationsRequest(session_id=session)).notifications == []


def test_what_becomes_of_a_command_is_told_in_no_other_chat(router: RouterUnderTest, session: str) -> None:
    with refusal("NOT_IN_AUDIENCE"):
        router.send(session, "secret", origin=types.Origin(source="cli", chat=GROUP))


def test_who_was_put_out_hears_nothing_however_they_followed(router: RouterUnderTest, session: str) -> None:
    eve = types.ChatRef(transport="telegram", chat_id="5")
    code = router.control.CreatePairingCode(pb.CreatePairingCodeRequest(person_name="Eve")).code
    router.chat.Pair(chat_pb.PairRequest(chat=eve, user_id="5", code=code))
    router.submit(eve, f"/follow {session}", user_id="5", needs_pairing=True)
    before = told(router, session)
    router.control.Unpair(pb.UnpairRequest(transport="telegram", id="5", user_id="5"))

    assert "5" in before
    assert "5" not in told(router, session)
