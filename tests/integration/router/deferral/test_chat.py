"""Later, in a chat: kept, shown, changed, carried out once, and told."""

import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.pressing import labels, press
from tests.rigs.thin_agent import ThinAgent
from tests.rigs.thin_courier import ThinCourier
from tests.waiting import wait_until

HERE = types.ChatRef(transport="test", chat_id="1", message_id="10")


@pytest.fixture
def agent(router: RouterUnderTest) -> ThinAgent:
    return router.machine("devbox")


@pytest.fixture
def session(router: RouterUnderTest, courier: ThinCourier, agent: ThinAgent) -> str:
    """One that the chat has chosen."""
    session = router.session(agent, "api")
    say(router, courier, "/use api")
    return session


def say(router: RouterUnderTest, courier: ThinCourier, text: str, **request: str) -> chat_pb.Delivery:
    """Write in the chat; what is answered there."""
    router.submit(HERE, text, **request)
    delivery = courier.brought("1")
    router.reported(delivery)  # else it comes again, where the test lets time pass
    return delivery


def brought(router: RouterUnderTest, courier: ThinCourier, mark: str) -> chat_pb.Delivery:
    """The next message that begins so; status lines of commands come, too."""
    while not (delivery := courier.brought("2")).notification.text.startswith(mark):
        pass
    router.reported(delivery)  # what is pressed next changes it
    return delivery


def waiting(router: RouterUnderTest, *, over: bool = False) -> list[types.Deferred]:
    return list(router.control.ListDeferred(pb.ListDeferredRequest(include_over=over)).deferred)


def sent(router: RouterUnderTest, session: str) -> list[str]:
    """The texts that were accepted for a session, the oldest first."""
    found = router.control.ListCommands(pb.ListCommandsRequest(session_id=session)).commands
    return [each.action.input.text for each in reversed(found)]


def test_a_text_goes_in_when_its_time_comes(router: RouterUnderTest, courier: ThinCourier, session: str) -> None:
    said = say(router, courier, "/later in 10m run the tests")
    before = sent(router, session)
    router.advance(601)

    assert wait_until(lambda: sent(router, session)) == ["run the tests"]
    assert before == []
    assert said.notification.text.startswith("⏰ ")
    assert said.notification.text.endswith(", into api: run the tests")
    assert waiting(router) == []
    [over] = waiting(router, over=True)
    assert (over.state, over.occurrence) == (types.DEFERRED_STATE_DONE, 1)
    command_id = router_command(router, session)
    accepted = [each.detail for each in router.trace(command_id) if each.subject_id == command_id]
    assert accepted[0] == f"deferred/{over.deferred_id}/1"


def router_command(router: RouterUnderTest, session: str) -> str:
    [command] = router.control.ListCommands(pb.ListCommandsRequest(session_id=session)).commands
    return command.command_id


@pytest.mark.usefixtures("session")
def test_what_is_not_clear_is_asked_back(router: RouterUnderTest, courier: ThinCourier) -> None:
    said = say(router, courier, "/later at 9 run the tests")

    assert "When is not clear from 'at 9 run the tests'" in said.notification.text
    assert "tomorrow 9:00" in said.notification.text
    assert waiting(router) == []


def test_a_reminder_comes_to_the_chat_that_asked(router: RouterUnderTest, courier: ThinCourier) -> None:
    say(router, courier, "/remind in 5m look at the deploy")
    router.advance(301)

    assert courier.brought("2").notification.text == "⏰ look at the deploy"


def test_what_repeats_goes_on(router: RouterUnderTest, courier: ThinCourier, session: str) -> None:
    say(router, courier, "/every 2h sync")
    for _ in range(3):
        router.advance(7201)
        router.settle()

    assert wait_until(lambda: len(sent(router, session)) == 3)
    [still] = waiting(router)
    assert (still.occurrence, still.when) == (3, "every 2h")


def test_a_session_that_is_missing_is_asked_for(
    router: RouterUnderTest, courier: ThinCourier, agent: ThinAgent
) -> None:
    session = router.session(agent, "web")
    asked = say(router, courier, "/later in 10m run the tests")
    press(router, asked, "web")
    answered = [courier.brought("2"), courier.brought("3")]
    router.advance(601)

    assert asked.notification.text.startswith("Which session is this for?")
    assert any("into web: run the tests" in each.notification.text for each in answered)
    assert wait_until(lambda: sent(router, session)) == ["run the tests"]


def test_in_a_reply_it_is_for_the_session_answered(
    router: RouterUnderTest, courier: ThinCourier, agent: ThinAgent, session: str
) -> None:
    other = router.session(agent, "web")
    router.notify(other)
    router.reported(courier.brought("77"))
    say(router, courier, "/later in 10m look", reply_to_message_id="77")
    router.advance(601)

    assert wait_until(lambda: sent(router, other)) == ["look"]
    assert sent(router, session) == []


def test_scheduled_shows_each_with_its_buttons(router: RouterUnderTest, courier: ThinCourier, session: str) -> None:
    say(router, courier, "/every 2h sync")
    shown = say(router, courier, "/scheduled")
    assert labels(shown) == ["⏸ Pause", "▶️ Now", "✋ Take back"]

    press(router, shown, "Pause")
    paused = brought(router, courier, "⏸")
    router.advance(7201)
    router.settle()
    assert labels(paused) == ["▶️ Resume", "▶️ Now", "✋ Take back"]
    assert sent(router, session) == []

    press(router, paused, "Now")
    after = brought(router, courier, "⏸")
    assert wait_until(lambda: sent(router, session)) == ["sync"]

    press(router, after, "Resume")
    resumed = brought(router, courier, "⏰")
    router.advance(7201)
    assert wait_until(lambda: len(sent(router, session)) == 2)

    press(router, resumed, "Take back")
    assert brought(router, courier, "↩️").notification.text.startswith("↩️ Taken back")
    assert waiting(router) == []


def test_in_a_reply_to_one_it_gets_another_time(router: RouterUnderTest, courier: ThinCourier, session: str) -> None:
    say(router, courier, "/zone America/New_York")
    say(router, courier, "/later in 10m run the tests")
    router.submit(HERE, "/scheduled")
    router.reported(courier.brought("55"))
    moved = say(router, courier, "/scheduled tomorrow 9:00", reply_to_message_id="55")
    unclear = say(router, courier, "/scheduled some day", reply_to_message_id="55")
    which = say(router, courier, "/scheduled fri 9:00")
    router.advance(601)
    router.settle()

    assert moved.notification.text.endswith("09:00 (America/New_York), into api: run the tests")
    assert labels(moved) == ["⏸ Pause", "▶️ Now", "✋ Take back"]
    assert "When is not clear" in unclear.notification.text
    assert "in a reply to it" in which.notification.text
    [kept] = waiting(router)
    assert (kept.when, sent(router, session)) == ("tomorrow 9:00", [])


def test_a_press_counts_once(router: RouterUnderTest, courier: ThinCourier, session: str) -> None:
    say(router, courier, "/every 2h sync")
    shown = say(router, courier, "/scheduled")
    first, second = press(router, shown, "Now"), press(router, shown, "Now")

    assert "sync" in first.answer
    assert second.answer == "Already answered: ▶️ Now"
    assert sent(router, session) == ["sync"]


@pytest.mark.usefixtures("session")
def test_times_are_those_of_the_chat(router: RouterUnderTest, courier: ThinCourier) -> None:
    before = say(router, courier, "/zone").notification.text
    after = say(router, courier, "/zone America/New_York").notification.text
    wrong = say(router, courier, "/zone Atlantis/Main").notification.text
    said = say(router, courier, "/later tomorrow 9:00 look").notification.text

    assert "Times here are those of UTC" in before
    assert "those of America/New_York from now on" in after
    assert wrong.startswith("There is no time zone 'Atlantis/Main'")
    assert "09:00 (America/New_York), into api: look" in said
    [kept] = waiting(router)
    assert kept.zone == "America/New_York"
