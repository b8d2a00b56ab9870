"""A summary each morning, by wish: how the sessions of a chat stand."""

from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.rigs.thin_agent import ThinAgent
from tests.rigs.thin_courier import ThinCourier

HERE = types.ChatRef(transport="test", chat_id="1")
DAY = 24 * 3600


def say(router: RouterUnderTest, courier: ThinCourier, text: str) -> str:
    router.submit(HERE, text)
    delivery = courier.brought("1")
    router.reported(delivery)
    return delivery.notification.text


def test_it_comes_each_day_with_what_is_heard_of_here(
    router: RouterUnderTest, agent: ThinAgent, courier: ThinCourier, session: str
) -> None:
    router.session(agent, "web")
    begun = router.session(agent, "hers")
    router.control.Follow(pb.FollowRequest(session_id=begun, chats=[HERE]))
    said = say(router, courier, "/summary 8:00")
    router.advance(DAY)
    first = courier.brought("2")
    router.reported(first)
    router.advance(DAY)
    second = courier.brought("3")

    assert said.startswith("☀️ A summary comes here every day 8:00")
    assert first.notification.text.startswith("☀️ 3 sessions: Nothing is asked.")
    assert f"• {session} - {agent.machine_id} (away)" in first.notification.text
    assert second.notification.text == first.notification.text


def test_it_tells_of_what_is_asked(router: RouterUnderTest, courier: ThinCourier, session: str) -> None:
    say(router, courier, "/escalate off")
    say(router, courier, "/summary 8:00")
    router.control.Ask(pb.AskRequest(session_id=session, text="Which way?", expires_in={"seconds": 7 * DAY}))
    asked = courier.brought("2")
    router.reported(asked)
    router.advance(DAY)

    assert "One question is open" in courier.brought("3").notification.text


def test_there_is_one_in_a_chat_and_it_can_be_ended(router: RouterUnderTest, courier: ThinCourier) -> None:
    how = say(router, courier, "/summary")
    say(router, courier, "/summary 8:00")
    say(router, courier, "/summary 9:00")
    waiting = [each.when for each in router.control.ListDeferred(pb.ListDeferredRequest()).deferred]
    off = say(router, courier, "/summary off")

    assert how.startswith("/summary 8:00 tells you each morning")
    assert waiting == ["every day 9:00"]
    assert off == "No summary comes here any more."
    assert not router.control.ListDeferred(pb.ListDeferredRequest()).deferred


def test_what_is_no_time_of_day_is_asked_back(router: RouterUnderTest, courier: ThinCourier) -> None:
    assert say(router, courier, "/summary soon").startswith("When is not clear")
