"""Topics, mutes and quiet hours: where a session's messages come, and how loud."""

from datetime import UTC, datetime, timedelta

import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.rigs.thin_agent import ThinAgent
from tests.rigs.thin_courier import ThinCourier

HERE = types.ChatRef(transport="test", chat_id="1", message_id="10")
IN_TOPIC = types.ChatRef(transport="test", chat_id="1", thread_id="77", message_id="11")


@pytest.fixture
def agent(router: RouterUnderTest) -> ThinAgent:
    return router.machine("devbox")


@pytest.fixture
def session(router: RouterUnderTest, agent: ThinAgent) -> str:
    return router.session(agent, "api")


def say(router: RouterUnderTest, courier: ThinCourier, text: str) -> str:
    """Write in the chat; what is answered there."""
    router.submit(HERE, text)
    return courier.brought("1").notification.text


def notified(router: RouterUnderTest, courier: ThinCourier, session: str, **delivered: str) -> chat_pb.Delivery:
    """A message of the session, and how it comes."""
    router.notify(session)
    delivery = courier.take()
    courier.answer(delivery, delivered=chat_pb.Delivered(message_ids=["5"], **delivered))
    router.reported(delivery)  # on disk, before what follows may overtake it
    return delivery


def place_of(delivery: chat_pb.Delivery) -> tuple[str, str]:
    return delivery.notification.chat.thread_id, delivery.topic_title


def test_without_topics_messages_come_to_the_chat(router: RouterUnderTest, courier: ThinCourier, session: str) -> None:
    assert place_of(notified(router, courier, session)) == ("", "")


@pytest.fixture
def in_topic(router: RouterUnderTest, courier: ThinCourier, session: str) -> str:
    """A session that has topic 77."""
    assert "topic" in say(router, courier, "/topics on")
    assert place_of(notified(router, courier, session, thread_id="77")) == ("", "devbox · api")
    return session


def test_the_first_message_makes_the_topic_and_the_next_go_there(
    router: RouterUnderTest, courier: ThinCourier, in_topic: str
) -> None:
    assert place_of(notified(router, courier, in_topic)) == ("77", "devbox · api")


def test_a_topic_that_had_to_be_made_again_is_the_sessions_from_then_on(
    router: RouterUnderTest, courier: ThinCourier, in_topic: str
) -> None:
    notified(router, courier, in_topic, thread_id="78")

    assert place_of(notified(router, courier, in_topic)) == ("78", "devbox · api")


def test_plain_text_in_a_topic_goes_to_its_session(
    router: RouterUnderTest, agent: ThinAgent, in_topic: str, courier: ThinCourier
) -> None:
    router.session(agent, "web")
    say(router, courier, "/use web")
    became = router.submit(IN_TOPIC, "here")
    receipt = courier.brought("6")

    assert became.session_id == in_topic
    assert receipt.notification.chat.thread_id == "77"


def test_a_command_in_a_topic_is_about_its_session(router: RouterUnderTest, agent: ThinAgent, in_topic: str) -> None:
    with agent.connected() as link:
        router.submit(IN_TOPIC, "/stop")
        [frame] = link.commands(1)

    assert (frame.session_id, frame.action.key.name) == (in_topic, "esc")


def test_a_command_in_a_reply_is_about_the_session_answered(
    router: RouterUnderTest, agent: ThinAgent, courier: ThinCourier, session: str
) -> None:
    notified(router, courier, session)
    with agent.connected() as link:
        router.submit(HERE, "/key up", reply_to_message_id="5")
        router.submit(HERE, "/status", reply_to_message_id="5")  # the agent's own
        keys, text = link.commands(2)

    assert keys.action.key.name == "up"
    assert text.action.input.text == "/status"


def test_the_end_of_a_session_closes_its_topic(router: RouterUnderTest, courier: ThinCourier, in_topic: str) -> None:
    router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id=in_topic))
    last = courier.brought("9")

    assert last.close_topic
    assert last.notification.chat.thread_id == "77"
    assert "ended" in router.submit(IN_TOPIC, "still there?").answer


def test_a_session_without_a_topic_ends_in_silence(router: RouterUnderTest, courier: ThinCourier, session: str) -> None:
    router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id=session))

    assert say(router, courier, "/topics").startswith("No topics")


def test_where_no_topic_can_be_made_topics_end_with_words(
    router: RouterUnderTest, courier: ThinCourier, session: str
) -> None:
    say(router, courier, "/topics on")
    notified(router, courier, session, topic_problem="the chat is not a forum")
    told = courier.brought("6").notification.text

    assert "the chat is not a forum" in told
    assert place_of(notified(router, courier, session)) == ("", "")


def test_topics_can_be_ended(router: RouterUnderTest, courier: ThinCourier, in_topic: str) -> None:
    say(router, courier, "/topics off")

    assert place_of(notified(router, courier, in_topic)) == ("", "")
    assert router.submit(IN_TOPIC, "x").session_id == in_topic


def test_a_muted_session_makes_no_sound_until_it_is_heard_again(
    router: RouterUnderTest, agent: ThinAgent, courier: ThinCourier, session: str
) -> None:
    other = router.session(agent, "web")
    say(router, courier, "/use api")
    muted = say(router, courier, "/mute")
    silent = [notified(router, courier, each).silent for each in (session, other)]
    say(router, courier, "/unmute")

    assert "api makes no sound" in muted
    assert silent == [True, False]
    assert not notified(router, courier, session).silent


@pytest.mark.parametrize("said", ["/mute 2h", "/mute in 2h", "/mute api until in 2h", "/mute until in 2h"])
def test_a_mute_may_end_by_itself(router: RouterUnderTest, courier: ThinCourier, session: str, said: str) -> None:
    say(router, courier, "/use api")
    muted = say(router, courier, said)
    before = notified(router, courier, session).silent
    router.advance(2 * 3600 + 1)

    assert muted.startswith("api makes no sound here until")
    assert before
    assert not notified(router, courier, session).silent


def test_when_a_mute_ends_is_never_guessed(router: RouterUnderTest, courier: ThinCourier, session: str) -> None:
    say(router, courier, "/use api")
    answers = [say(router, courier, said) for said in ("/mute until soon", "/mute until every day 9:00")]

    assert all(answer.startswith("When is not clear") for answer in answers)
    assert not notified(router, courier, session).silent


@pytest.mark.parametrize(("begins", "silent"), [(-1, True), (1, False)], ids=["now", "later"])
def test_quiet_hours_are_silent(
    router: RouterUnderTest, courier: ThinCourier, session: str, begins: int, silent: bool
) -> None:
    now = datetime.fromtimestamp(router.time.now(), UTC).astimezone()
    hours = f"{now + timedelta(hours=begins):%H:%M}-{now + timedelta(hours=begins + 2):%H:%M}"
    told = say(router, courier, f"/quiet {hours}")

    assert f"Quiet from {hours}" in told
    assert notified(router, courier, session).silent is silent


def test_quiet_hours_can_be_ended(router: RouterUnderTest, courier: ThinCourier) -> None:
    say(router, courier, "/quiet 0-23:59")

    assert say(router, courier, "/quiet off").startswith("No quiet hours")


@pytest.mark.parametrize("text", ["x", "/use api\n"], ids=["nothing chosen", "chosen"])
def test_wishes_outlive_the_router(router: RouterUnderTest, session: str, text: str) -> None:
    assert session
    for wish in ("/topics on", "/quiet 22-7", "/policy ask", text):
        router.submit(HERE, wish)
    router.restart()

    assert "own topic" in router.submit(HERE, "/topics").answer
    assert "22:00-07:00" in router.submit(HERE, "/quiet").answer
    assert "I ask you" in router.submit(HERE, "/policy").answer


def test_what_a_chat_asked_for_holds_where_it_moved(
    router: RouterUnderTest, courier: ThinCourier, session: str
) -> None:
    for wish in ("/use api", "/mute", "/policy ask"):
        say(router, courier, wish)
    router.notify(session, HERE)
    courier.answer(courier.take(), delivered=chat_pb.Delivered(message_ids=["5"]), moved_to="2")
    courier.brought("6")
    router.notify(session, HERE)
    there = types.ChatRef(transport="test", chat_id="2", message_id="1")

    assert courier.take().silent
    assert "I ask you" in router.submit(there, "/policy").answer
