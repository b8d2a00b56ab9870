"""The router's own buttons: what ended badly is cured by a press, in place, once."""

import pytest
from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.pressing import labels, last_line, press
from tests.rigs.thin_agent import ThinAgent
from tests.rigs.thin_courier import ThinCourier

HERE = types.ChatRef(transport="test", chat_id="1", message_id="10")
HOUR = 3600.0


@pytest.fixture
def agent(router: RouterUnderTest) -> ThinAgent:
    return router.machine("devbox")


@pytest.fixture
def session(router: RouterUnderTest, agent: ThinAgent) -> str:
    return router.session(agent, "api")


@pytest.fixture
def web(router: RouterUnderTest, agent: ThinAgent, session: str) -> str:
    """A second session, registered after the first."""
    assert session
    return router.session(agent, "web")


@pytest.fixture
def failed(router: RouterUnderTest, agent: ThinAgent, session: str, courier: ThinCourier) -> chat_pb.Delivery:
    """The receipt of a command that was not typed, as message 500."""
    with agent.connected() as link:
        became = router.submit(HERE, "make it so", session_id=session)
        link.commands(1)
        link.receipt(became.command_id)
        how = {"outcome": link_pb.RESULT_OUTCOME_FAILED, "reason": types.REASON_TARGET_GONE}
        link.result(1, became.command_id, **how)
        link.acked(1)
    return courier.brought("500")


@pytest.fixture
def dead(router: RouterUnderTest, session: str, web: str, courier: ThinCourier) -> chat_pb.Delivery:
    """The dead letter of a session that has ended, as message 501."""
    assert web
    router.submit(HERE, "last words", session_id=session)
    courier.brought("500")
    router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id=session))
    courier.brought("500")
    return courier.brought("501")


def redriven(router: RouterUnderTest, delivery: chat_pb.Delivery) -> list[types.Command]:
    """The commands that repeat the receipt's command."""
    found = router.control.ListCommands(pb.ListCommandsRequest()).commands
    return [each for each in found if each.redrive_of == delivery.notification.command_id]


def test_a_failure_offers_what_cures_it(failed: chat_pb.Delivery) -> None:
    assert labels(failed) == ["🔁 Retry", "↪️ Send to…"]


def test_a_dead_letter_offers_three_ways_out(dead: chat_pb.Delivery) -> None:
    assert labels(dead) == ["🔁 Retry", "↪️ Send to…", "🗑 Drop"]


def test_retry_sends_it_again_and_takes_the_buttons_away(
    router: RouterUnderTest, agent: ThinAgent, failed: chat_pb.Delivery, courier: ThinCourier
) -> None:
    with agent.connected() as link:
        pressed = press(router, failed, "Retry")
        [frame] = link.commands(1)
    settled = courier.brought("500")

    assert pressed.answer == "🔁 Sent again to api."
    assert frame.action.input.text == "make it so"
    assert [command.command_id for command in redriven(router, failed)] == [frame.command_id]
    assert list(settled.edit_message_ids) == ["500"]
    assert (labels(settled), last_line(settled)) == ([], "🔁 Sent again to api — Ada, 12:00")


def test_a_second_press_of_retry_is_stale(router: RouterUnderTest, failed: chat_pb.Delivery) -> None:
    press(router, failed, "Retry")

    assert "no longer valid" in press(router, failed, "Retry").answer
    assert len(redriven(router, failed)) == 1


def test_a_button_is_stale_once_it_was_settled_elsewhere(router: RouterUnderTest, failed: chat_pb.Delivery) -> None:
    router.control.Redrive(pb.RedriveRequest(command_id=failed.notification.command_id))

    assert "no longer valid" in press(router, failed, "Retry").answer
    assert len(redriven(router, failed)) == 1


@pytest.mark.parametrize("action", ["drop", "retry:more", "explode", ""])
def test_what_the_message_does_not_offer_is_not_done(
    router: RouterUnderTest, failed: chat_pb.Delivery, action: str
) -> None:
    data = f"cmd:{failed.notification.token}:{action}"
    pressed = router.submit(HERE, button=chat_pb.ButtonPress(data=data))

    assert "no longer valid" in pressed.answer
    assert redriven(router, failed) == []


def test_retry_where_it_cannot_go_says_why_and_keeps_the_letter(
    router: RouterUnderTest, dead: chat_pb.Delivery
) -> None:
    assert "has ended" in press(router, dead, "Retry").answer
    assert len(router.control.ListDeadLetters(pb.ListDeadLettersRequest()).commands) == 1


def test_send_to_offers_the_other_sessions_and_back(
    router: RouterUnderTest, dead: chat_pb.Delivery, courier: ThinCourier
) -> None:
    press(router, dead, "Send to", "501")
    offered = courier.brought("501")
    press(router, offered, "Back", "501")
    again = courier.brought("501")

    assert labels(offered) == ["web", "« Back"]
    assert labels(again) == labels(dead)
    assert [list(each.edit_message_ids) for each in (offered, again)] == [["501"], ["501"]]


def test_a_chosen_session_gets_the_letter(
    router: RouterUnderTest, dead: chat_pb.Delivery, web: str, courier: ThinCourier
) -> None:
    press(router, dead, "Send to", "501")
    pressed = press(router, courier.brought("501"), "web", "501")

    [command] = redriven(router, dead)
    assert (command.session_id, command.action.input.text) == (web, "last words")
    assert pressed.answer == "🔁 Sent again to web."
    assert list(router.control.ListDeadLetters(pb.ListDeadLettersRequest()).commands) == []


def test_drop_takes_it_off_the_list(router: RouterUnderTest, dead: chat_pb.Delivery, courier: ThinCourier) -> None:
    press(router, dead, "Drop")
    settled = courier.brought("501")

    assert list(router.control.ListDeadLetters(pb.ListDeadLettersRequest()).commands) == []
    assert labels(settled) == []
    assert last_line(settled) == "🗑 Dropped: it will not be typed — Ada, 12:00"


def test_dead_shows_a_letter_again_with_its_buttons(
    router: RouterUnderTest, dead: chat_pb.Delivery, courier: ThinCourier
) -> None:
    router.submit(HERE, "/dead")
    courier.brought("600")
    shown = courier.brought("601")

    assert labels(shown) == labels(dead)
    assert "last words" in shown.notification.text
    assert "no longer valid" in press(router, dead, "Drop").answer  # the newest word on it is the one just shown
    assert "Dropped" in press(router, shown, "Drop").answer


def test_what_waits_can_be_taken_back(router: RouterUnderTest, session: str, courier: ThinCourier) -> None:
    became = router.submit(HERE, "wait", session_id=session)
    waits = courier.brought("500")

    assert labels(waits) == ["✋ Take back"]
    assert press(router, waits, "Take back").answer == "Taken back."
    assert router.command(became.command_id).state == types.COMMAND_STATE_CANCELLED
    assert labels(courier.brought("500")) == []


@pytest.fixture
def held(router: RouterUnderTest, agent: ThinAgent, session: str, courier: ThinCourier) -> chat_pb.Delivery:
    """The question about a command that waited two hours, in a chat that wants to be asked."""
    router.submit(HERE, "/policy ask")
    courier.brought("400")
    router.submit(HERE, "old words", session_id=session)
    line = courier.brought("500").notification.notification_id
    router.control.GetNotification(pb.GetNotificationRequest(notification_id=line, wait={"seconds": 5}))
    router.advance(2 * HOUR)
    with agent.connected() as link:
        link.heard()
        assert link.waiting() == 0
        courier.brought("500")
        return courier.brought("501")


def test_what_waited_long_is_asked_about_where_the_chat_wants_that(held: chat_pb.Delivery) -> None:
    assert labels(held) == ["▶️ Send now", "✋ Take back"]
    assert "waited 2 h for api" in held.notification.text
    assert "old words" in held.notification.text


def test_a_yes_sends_it(router: RouterUnderTest, agent: ThinAgent, held: chat_pb.Delivery) -> None:
    with agent.connected() as link:
        link.heard()
        assert link.waiting() == 0
        press(router, held, "Send now", "501")
        [frame] = link.commands(1)

    assert frame.action.input.text == "old words"


def test_a_yes_while_the_machine_is_away_again_counts(
    router: RouterUnderTest, agent: ThinAgent, held: chat_pb.Delivery
) -> None:
    press(router, held, "Send now", "501")
    with agent.connected() as link:
        [frame] = link.commands(1)

    assert frame.action.input.text == "old words"


def test_a_no_takes_it_back(router: RouterUnderTest, held: chat_pb.Delivery) -> None:
    press(router, held, "Take back", "501")

    state = router.command(held.notification.command_id).state
    assert state == types.COMMAND_STATE_CANCELLED


@pytest.mark.parametrize("text", ["/policy send", "/policy"])
def test_nobody_is_asked_who_did_not_want_it(
    router: RouterUnderTest, agent: ThinAgent, session: str, text: str
) -> None:
    router.submit(HERE, "/use api")
    router.submit(HERE, text)
    router.submit(HERE, "old words", session_id=session)
    router.advance(2 * HOUR)

    with agent.connected() as link:
        assert len(link.commands(1)) == 1


def test_the_policy_is_chosen_by_buttons(router: RouterUnderTest, courier: ThinCourier) -> None:
    router.submit(HERE, "/policy")
    offered = courier.brought("500")
    pressed = press(router, offered, "Ask me first")
    closed = courier.brought("500")

    assert labels(offered) == ["Ask me first", "Just send"]
    assert "I ask you" in pressed.answer
    assert closed.notification.text.startswith("Commands that waited more than an hour for a machine: I ask you")
    assert (labels(closed), last_line(closed)) == ([], "✓ Ask me first — Ada, 12:00")
    assert list(closed.edit_message_ids) == ["500"]
    assert "I ask you" in router.submit(HERE, "/policy").answer


def test_sessions_are_chosen_by_buttons(router: RouterUnderTest, session: str, web: str, courier: ThinCourier) -> None:
    router.submit(HERE, "/sessions")
    offered = courier.brought("500")
    pressed = press(router, offered, "web")

    closed = courier.brought("500")
    second = press(router, offered, "api")

    assert labels(offered) == ["api", "web"]
    assert pressed.answer == "Plain text goes to web on devbox now."
    assert (labels(closed), last_line(closed)) == ([], "✓ web — Ada, 12:00")
    assert closed.notification.text.startswith(offered.notification.text)
    assert second.answer == "Already answered: web"
    assert router.submit(HERE, "x").session_id == web != session


def test_keys_are_pressed_by_buttons_as_often_as_one_likes(
    router: RouterUnderTest, agent: ThinAgent, session: str, courier: ThinCourier
) -> None:
    router.submit(HERE, "/use api")
    courier.brought("499")
    router.submit(HERE, "/key")
    pad = courier.brought("500")
    with agent.connected() as link:
        press(router, pad, "down")
        press(router, pad, "down")
        pressed = [(frame.session_id, frame.action.key.name) for frame in link.commands(2)]
        last = courier.take()
        for label in ("up", "left", "right"):  # while the platform takes its time
            press(router, pad, label)
        courier.delivered(last, "500")
        newest = courier.brought("500")
        press(router, newest, "esc")
        after = courier.brought("500")

    assert pressed == [(session, "down")] * 2
    assert [labels(each) for each in (last, newest, after)] == [labels(pad)] * 3
    assert [last_line(each) for each in (last, newest, after)] == [
        "✓ down — Ada, 12:00", "✓ right — Ada, 12:00", "✓ esc — Ada, 12:00",
    ]  # fmt: skip
    assert after.notification.text.count("✓") == 1
    assert list(after.edit_message_ids) == ["500"]


def test_what_only_takes_buttons_away_is_no_message_to_list(
    router: RouterUnderTest, session: str, held: chat_pb.Delivery
) -> None:
    texts = [note.text for note in router.notifications(session)]

    assert held.notification.text in texts
    assert "" not in texts


def test_an_edited_message_is_told_that_it_changed_nothing(
    router: RouterUnderTest, session: str, courier: ThinCourier
) -> None:
    became = router.submit(HERE, "rm", session_id=session, edited=True)
    told = courier.brought("500")

    assert became.command_id == ""
    assert "Editing a message changes nothing" in told.notification.text
    assert told.reply_to_message_id == "10"
