"""What reaches no session: the sessions are offered, and the one that is pressed gets it, once, untyped again."""

import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest, fresh
from tests.integration.router.pressing import labels, last_line, press
from tests.rigs.thin_agent import ThinAgent
from tests.rigs.thin_courier import ThinCourier

HERE = types.ChatRef(transport="test", chat_id="1", message_id="10")
HOUR = 3600.0


@pytest.fixture
def agent(router: RouterUnderTest) -> ThinAgent:
    return router.machine("devbox")


@pytest.fixture
def api(router: RouterUnderTest, agent: ThinAgent) -> str:
    return router.session(agent, "api")


@pytest.fixture
def web(router: RouterUnderTest, agent: ThinAgent, api: str) -> str:
    """A second session, registered after the first."""
    assert api
    return router.session(agent, "web")


@pytest.fixture
def asked(router: RouterUnderTest, web: str, courier: ThinCourier) -> chat_pb.Delivery:
    """The answer to a text that is for no session, as message 500."""
    assert web
    router.submit(HERE, "add a footer")
    return courier.brought("500")


def typed(router: RouterUnderTest) -> list[tuple[str, str]]:
    """What was accepted for sessions, oldest first: the session and the text or key."""
    found = router.control.ListCommands(pb.ListCommandsRequest()).commands
    return [(each.session_id, each.action.input.text or each.action.key.name) for each in reversed(found)]


def test_the_sessions_are_offered(asked: chat_pb.Delivery) -> None:
    assert labels(asked) == ["api", "web"]
    assert asked.notification.text.startswith("Which session is this for?")
    assert asked.reply_to_message_id == "10"


def test_the_one_that_is_pressed_gets_it_and_the_message_says_so(
    router: RouterUnderTest, web: str, asked: chat_pb.Delivery, courier: ThinCourier
) -> None:
    pressed = press(router, asked, "web", actor="Bob")
    deliveries = [courier.brought("500"), courier.brought("600")]
    [closed] = [each for each in deliveries if each.edit_message_ids]
    [receipt] = [each for each in deliveries if not each.edit_message_ids]

    assert typed(router) == [(web, "add a footer")]
    assert (pressed.answer, pressed.session_id) == ("Sending: add a footer", web)
    assert (labels(closed), last_line(closed)) == ([], "✓ web — Bob, 12:00")
    assert receipt.reply_to_message_id == "10"  # it is about what was written, not about the press
    assert router.command(pressed.command_id).origin.actor == "Bob"


def test_it_is_typed_once_whoever_presses_how_often(router: RouterUnderTest, web: str, asked: chat_pb.Delivery) -> None:
    update = fresh("update")
    first, repeated = (press(router, asked, "web", update_key=update) for _ in range(2))
    second = press(router, asked, "api")

    assert typed(router) == [(web, "add a footer")]
    assert (repeated.command_id, repeated.duplicate) == (first.command_id, True)
    assert second.answer == "Already answered: web"


def test_it_waits_over_a_restart(router: RouterUnderTest, web: str, asked: chat_pb.Delivery) -> None:
    router.restart()
    press(router, asked, "web")

    assert typed(router) == [(web, "add a footer")]


def test_it_chooses_no_session_for_what_follows(router: RouterUnderTest, asked: chat_pb.Delivery) -> None:
    press(router, asked, "web")

    assert router.submit(HERE, "and a header").answer.startswith("Which session is this for?")


def test_it_waits_for_a_day(router: RouterUnderTest, asked: chat_pb.Delivery) -> None:
    router.advance(25 * HOUR)

    assert "not kept any more" in press(router, asked, "web").answer
    assert typed(router) == []


def test_of_a_chat_the_newest_twenty_wait(router: RouterUnderTest, asked: chat_pb.Delivery, web: str) -> None:
    for number in range(20):
        router.submit(HERE, f"text {number}")

    assert "not kept any more" in press(router, asked, "web").answer
    assert router.read(lambda connection: connection.execute("SELECT count(*) FROM held").fetchone()) == (20,)
    assert web


def test_what_was_held_too_long_leaves_the_disk(router: RouterUnderTest, asked: chat_pb.Delivery) -> None:
    assert asked
    router.advance(25 * HOUR)
    router.control.Cleanup(pb.CleanupRequest())

    assert router.read(lambda connection: connection.execute("SELECT count(*) FROM held").fetchone()) == (0,)


def test_a_session_that_ended_meanwhile_takes_nothing_and_another_one_can(
    router: RouterUnderTest, api: str, web: str, asked: chat_pb.Delivery
) -> None:
    router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id=web))

    assert "has ended" in press(router, asked, "web").answer
    assert typed(router) == []
    press(router, asked, "api")
    assert typed(router) == [(api, "add a footer")]


@pytest.mark.parametrize(("text", "key"), [("/stop", "esc"), ("/key ctrl-c", "ctrl-c")])
@pytest.mark.usefixtures("api")
def test_a_command_about_a_session_waits_in_the_same_way(
    router: RouterUnderTest, web: str, courier: ThinCourier, text: str, key: str
) -> None:
    router.submit(HERE, text)
    press(router, courier.brought("500"), "web")

    assert typed(router) == [(web, key)]


@pytest.mark.usefixtures("web")
def test_a_keypad_comes_for_the_session_that_was_pressed(router: RouterUnderTest, courier: ThinCourier) -> None:
    router.submit(HERE, "/key")
    press(router, courier.brought("500"), "web")
    deliveries = [courier.brought("500"), courier.brought("501")]

    assert "Which key for web?" in " ".join(each.notification.text for each in deliveries)


@pytest.mark.usefixtures("agent", "web")
def test_a_reply_to_something_unknown_and_a_token_of_nothing_can_be_sent_on(
    router: RouterUnderTest, api: str, web: str, courier: ThinCourier
) -> None:
    router.submit(HERE, "yes, do", reply_to_message_id="77", reply_to_ours=True)
    press(router, courier.brought("500"), "web")
    courier.brought("501"), courier.brought("502")
    router.submit(HERE, "/cmd nothing run it")
    press(router, courier.brought("503"), "api", "503")

    assert typed(router) == [(web, "yes, do"), (api, "run it")]


def test_plain_text_for_a_chosen_session_that_ended_can_be_sent_on(
    router: RouterUnderTest, api: str, web: str, courier: ThinCourier
) -> None:
    router.submit(HERE, "/use web")
    router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id=web))
    became = router.submit(HERE, "go on")
    courier.brought("500")
    press(router, courier.brought("501"), "api", "501")

    assert became.answer.startswith("web has ended.")
    assert typed(router) == [(api, "go on")]


def test_an_album_is_asked_about_once_and_goes_whole(router: RouterUnderTest, web: str, courier: ThinCourier) -> None:
    for number in range(3):
        router.chat.PutPart(chat_pb.PutSubmitPartRequest(file_id=f"photo-{number}", number=0, data=b"picture"))
    files = [types.FileInput(file_id=f"photo-{number}", name=f"{number}.jpg", size=7) for number in range(3)]
    router.submit(HERE, "look", file=files[0], album="a1")
    router.submit(HERE, "", file=files[1], album="a1")
    asked = courier.brought("500")
    assert courier.waiting() == 0
    press(router, asked, "web")
    router.submit(HERE, "", file=files[2], album="a1")

    found = router.control.ListCommands(pb.ListCommandsRequest(session_id=web)).commands
    sent = [(each.action.file.name, each.action.file.caption) for each in reversed(found)]
    assert sent == [("0.jpg", "look"), ("1.jpg", ""), ("2.jpg", "")]


@pytest.mark.usefixtures("web")
@pytest.mark.parametrize(("text", "told"), [("x" * 65_537, "too long"), (" \n", "nothing to type")])
def test_what_could_not_be_typed_anyway_is_not_held(router: RouterUnderTest, text: str, told: str) -> None:
    assert told in router.submit(HERE, text).answer
    assert router.read(lambda connection: connection.execute("SELECT count(*) FROM held").fetchone()) == (0,)


@pytest.mark.usefixtures("agent")
def test_where_there_is_no_session_it_says_so(router: RouterUnderTest) -> None:
    assert router.submit(HERE, "hello?").answer.startswith("No sessions yet.")


def test_more_sessions_than_fit_are_told_of(router: RouterUnderTest, agent: ThinAgent, courier: ThinCourier) -> None:
    for number in range(14):
        router.session(agent, f"s{number}")
    router.submit(HERE, "hello?")
    asked = courier.brought("500")

    assert len(labels(asked)) == 12
    assert "… and 2 more" in asked.notification.text


def test_in_a_chat_that_moved_the_receipt_answers_no_other_message(
    router: RouterUnderTest, web: str, asked: chat_pb.Delivery, courier: ThinCourier
) -> None:
    router.submit(HERE, "/status")
    courier.brought("501", moved_to="-100")
    moved = types.ChatRef(transport="test", chat_id="-100", message_id="500")
    announced = courier.brought("1")
    assert "new id" in announced.notification.text
    button = chat_pb.ButtonPress(data=f"cmd:{asked.notification.token}:{asked.notification.buttons[1].action}")
    became = router.submit(moved, button=button)

    origin = router.command(became.command_id).origin
    assert (origin.chat.chat_id, origin.chat.message_id) == ("-100", "")
    assert typed(router) == [(web, "add a footer")]
