"""What people write in chats: which session it reaches, and what they are told when it reaches none."""

from collections.abc import Iterator

import pytest
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from router.domain.command import ChatRef
from router.domain.errors import Reason, Refusal
from router.store import chats
from router.store.database import Transaction
from tests.integration.router.harness import RouterUnderTest
from tests.rigs.thin_agent import ThinAgent, ThinLink

HERE = types.ChatRef(transport="test", chat_id="1", message_id="10")
ELSEWHERE = types.ChatRef(transport="test", chat_id="2", message_id="10")
SOON = {"seconds": 5}
OTHER_PLATFORM = types.ChatRef(transport="other", chat_id="1", message_id="10")


@pytest.fixture
def link(agent: ThinAgent) -> Iterator[ThinLink]:
    with agent.connected() as link:
        yield link


@pytest.fixture
def session(router: RouterUnderTest, agent: ThinAgent) -> str:
    return router.session(agent, "api")


@pytest.fixture
def note(router: RouterUnderTest, session: str) -> types.Notification:
    """What the session said in the chat, as messages 100 and 101."""
    buttons = [types.Button(label="Go on", action="continue"), types.Button(label="Test", action="make: test")]
    [note] = router.notify(session, types.ChatRef(transport="test", chat_id="1"), buttons=buttons)
    with router.courier("test") as courier:
        courier.brought("100", "101")
        router.control.GetNotification(pb.GetNotificationRequest(notification_id=note.notification_id, wait=SOON))
    return note


def typed(link: ThinLink) -> str:
    """What the next command types."""
    [frame] = link.commands(1)
    return str(frame.action.input.text)


def answers(router: RouterUnderTest, transport: str = "test") -> list[str]:
    """What waits in the outbox of a platform, oldest first."""
    request = pb.ListNotificationsRequest(transport=transport)
    return [note.text for note in router.control.ListNotifications(request).notifications][::-1]


@pytest.mark.parametrize("message_id", ["100", "101"])
@pytest.mark.usefixtures("note")
def test_a_reply_goes_to_the_session_of_the_message(
    router: RouterUnderTest, link: ThinLink, session: str, message_id: str
) -> None:
    became = router.submit(HERE, "yes\nplease", reply_to_message_id=message_id)

    assert (became.session_id, became.state) == (session, types.COMMAND_STATE_SENT)
    assert typed(link) == "yes\nplease"


@pytest.mark.parametrize("chat", [ELSEWHERE, OTHER_PLATFORM], ids=["other chat", "other platform"])
@pytest.mark.usefixtures("link", "note")
def test_the_same_message_number_elsewhere_is_another_message(router: RouterUnderTest, chat: types.ChatRef) -> None:
    became = router.submit(chat, "yes", reply_to_message_id="100")

    assert became.command_id == ""
    assert "/use" in became.answer


@pytest.mark.usefixtures("note")
def test_a_reply_wins_over_the_chosen_session(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    chosen = router.session(agent, "web")
    router.submit(HERE, "/use web")

    assert router.submit(HERE, "x", reply_to_message_id="100").session_id == session
    assert router.submit(HERE, "x").session_id == chosen


def test_a_reply_to_a_message_of_no_session_is_read_as_if_it_answered_nothing(
    router: RouterUnderTest, session: str
) -> None:
    chosen = router.submit(HERE, "/use api", reply_to_message_id="999")

    assert "api" in chosen.answer
    assert router.submit(HERE, "x", reply_to_message_id="999").session_id == session


@pytest.mark.usefixtures("note")
def test_a_reply_to_something_of_ours_that_is_not_known_is_never_typed(router: RouterUnderTest) -> None:
    """A courier that dies before it could say what it sent leaves such a message: it may be of any session."""
    router.submit(HERE, "/use api")
    became = router.submit(HERE, "yes", reply_to_message_id="999", reply_to_ours=True)

    assert (became.command_id, became.session_id) == ("", "")
    assert "nothing was typed" in became.answer
    assert "api" in router.submit(HERE, "/use api", reply_to_message_id="999", reply_to_ours=True).answer


def test_a_token_names_the_session_of_its_notification(
    router: RouterUnderTest, link: ThinLink, note: types.Notification
) -> None:
    router.submit(HERE, f"/cmd {note.token} first\nsecond")

    assert typed(link) == "first\nsecond"


@pytest.mark.parametrize("chat", [ELSEWHERE, OTHER_PLATFORM], ids=["other chat", "other platform"])
def test_a_token_means_nothing_in_another_chat(
    router: RouterUnderTest, note: types.Notification, chat: types.ChatRef
) -> None:
    became = router.submit(chat, f"/cmd {note.token} rm -rf")

    assert became.command_id == ""
    assert "no session" in became.answer


@pytest.mark.usefixtures("note")
def test_a_token_nobody_gave_reaches_nobody(router: RouterUnderTest) -> None:
    assert router.submit(HERE, "/cmd guessed rm -rf").command_id == ""


@pytest.mark.parametrize(
    ("action", "typed_"),
    [("make: test", "make: test"), ("yes", "y"), ("no", "n"), ("exit", "/exit")],
)
def test_a_button_does_what_it_says(
    router: RouterUnderTest, link: ThinLink, note: types.Notification, action: str, typed_: str
) -> None:
    pressed = router.submit(HERE, button=chat_pb.ButtonPress(data=f"cmd:{note.token}:{action}"))

    assert typed(link) == typed_
    assert typed_ in pressed.answer


def test_continue_presses_enter(router: RouterUnderTest, link: ThinLink, note: types.Notification) -> None:
    router.submit(HERE, button=chat_pb.ButtonPress(data=f"cmd:{note.token}:continue"))
    [frame] = link.commands(1)

    assert frame.action.key.name == "enter"


@pytest.mark.parametrize("data", ["cmd:{}:rm -rf", "cmd:guessed:yes", "cmd:{}", "other:{}:yes"])
def test_a_button_that_was_not_offered_does_nothing_and_says_so(
    router: RouterUnderTest, note: types.Notification, data: str
) -> None:
    pressed = router.submit(HERE, button=chat_pb.ButtonPress(data=data.format(note.token)))

    assert pressed.command_id == ""
    assert pressed.answer


def test_a_button_pressed_in_another_chat_does_nothing(router: RouterUnderTest, note: types.Notification) -> None:
    pressed = router.submit(ELSEWHERE, button=chat_pb.ButtonPress(data=f"cmd:{note.token}:yes"))

    assert pressed.command_id == ""


def test_a_page_names_the_session_outright(router: RouterUnderTest, link: ThinLink, session: str) -> None:
    router.submit(HERE, "/help me", session_id=session)

    assert typed(link) == "/help me"


@pytest.mark.parametrize("text", ["hello", "/clear"])
def test_plain_text_goes_to_the_chosen_session(
    router: RouterUnderTest, link: ThinLink, session: str, text: str
) -> None:
    router.submit(HERE, "/use api")
    became = router.submit(HERE, text)

    assert became.session_id == session
    assert typed(link) == text


@pytest.mark.usefixtures("session")
def test_each_chat_chooses_for_itself(router: RouterUnderTest) -> None:
    router.submit(HERE, "/use api")

    assert router.submit(ELSEWHERE, "hello").command_id == ""


@pytest.mark.usefixtures("session")
def test_what_fits_nowhere_is_answered_never_guessed(router: RouterUnderTest) -> None:
    became = router.submit(HERE, "hello")

    assert became.command_id == ""
    assert answers(router) == [became.answer]
    assert "/use NAME" in became.answer


def test_nothing_to_type_is_answered(router: RouterUnderTest, session: str) -> None:
    became = router.submit(HERE, "", session_id=session)

    assert became.command_id == ""
    assert "nothing to type" in became.answer


def test_a_text_that_is_too_long_is_refused_in_the_chat(router: RouterUnderTest, session: str) -> None:
    became = router.submit(HERE, "x" * 65_537, session_id=session)

    assert became.command_id == ""
    assert answers(router) == [became.answer]
    assert "65536" in became.answer


def test_a_session_that_has_ended_is_refused_in_the_chat(router: RouterUnderTest, session: str) -> None:
    router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id=session))
    became = router.submit(HERE, "x", session_id=session)

    assert became.command_id == ""
    assert answers(router) == [became.answer]
    assert "ended" in became.answer


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/help", "/sessions"),
        ("/start", "/sessions"),
        ("/cmd", "/sessions"),
        ("/sessions", "api"),
        ("/use", "/use NAME"),
        ("/use nothing-like-it", "No session"),
        ("/use AP", "api"),
        ("/status", "1 session, 0 commands waiting"),
        ("/key", "Which session"),
        ("/key f13", "Which session"),
        ("/stop", "/use NAME"),
        ("/cancel", "Which session"),
        ("/dead", "No dead letters"),
        ("/mute", "/use NAME"),
        ("/topics", "No topics"),
        ("/policy", "go out when it is back"),
        ("/quiet", "No quiet hours"),
        ("/quiet at night", "/quiet 22-7"),
    ],
)
@pytest.mark.usefixtures("session")
def test_a_chat_command_is_answered_in_its_chat(router: RouterUnderTest, text: str, words: str) -> None:
    became = router.submit(HERE, text)

    assert words in became.answer
    [answer] = answers(router)
    assert answer.startswith(became.answer)


@pytest.mark.parametrize("text", ["/sessions", "/use", "/use api", "/stop", "hello"])
@pytest.mark.usefixtures("agent")
def test_where_nothing_runs_nobody_is_asked_to_choose(router: RouterUnderTest, text: str) -> None:
    assert router.submit(HERE, text).answer.startswith("No sessions yet.")


def test_what_there_is_one_of_is_told_as_one(router: RouterUnderTest, session: str) -> None:
    router.submit(HERE, f"/use {session}")
    router.send(session)

    assert "1 session, 1 command waiting" in router.submit(HERE, "/status").answer
    assert router.submit(HERE, "/cancel").answer == "Took back 1 command that waited."


@pytest.mark.usefixtures("session")
def test_use_asks_back_where_several_fit(router: RouterUnderTest, agent: ThinAgent) -> None:
    router.session(agent, "apricot")

    assert "Several fit" in router.submit(HERE, "/use ap").answer
    assert "Plain text goes to api" in router.submit(HERE, "/use api").answer


@pytest.mark.parametrize(("text", "key"), [("/stop", "esc"), ("/key ctrl-c", "ctrl-c"), ("/key Enter", "enter")])
@pytest.mark.usefixtures("session")
def test_keys_go_to_the_chosen_session(router: RouterUnderTest, link: ThinLink, text: str, key: str) -> None:
    router.submit(HERE, "/use api")
    router.submit(HERE, text)
    [frame] = link.commands(1)

    assert frame.action.key.name == key


def test_cancel_asks_the_machine_for_what_it_has(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    router.submit(HERE, f"/use {session}")
    with agent.connected(max_in_flight=2) as link:
        held, sent, waiting = (router.send(session, text).command_id for text in ("held", "sent", "waiting"))
        link.commands(2)
        link.receipt(held)
        link.heard()
        [third] = link.commands(1)
        answer = router.submit(HERE, "/cancel").answer
        asked = {link.take("cancel").command_id for _ in range(3)}

    assert third.command_id == waiting
    assert asked == {held, sent, waiting}
    assert answer == f"Asked {agent.machine_id} to take back 3 that it has."


def test_a_text_for_the_chosen_session_asks_the_disk_only_whether_it_came_before(
    router: RouterUnderTest, session: str
) -> None:
    asked: list[str] = []
    router.submit(HERE, "/use api")
    router.submit(HERE, "one")
    router.write(lambda tx: tx._connection.set_trace_callback(asked.append))
    became = router.submit(HERE, "another")
    router.write(lambda tx: tx._connection.set_trace_callback(None))

    assert became.session_id == session
    assert [each.partition(" FROM ")[2].split()[0] for each in asked if each.startswith("SELECT")] == ['"requests"']


def test_a_choice_that_was_undone_is_no_choice(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    chat, other = ChatRef("test", "1"), router.session(agent, "web")

    def chosen_and_undone(tx: Transaction) -> None:
        assert chats.chosen_session(tx, chat) == session
        chats.choose_session(tx, chat, other)
        assert chats.chosen_session(tx, chat) == other
        raise Refusal(Reason.INVALID_ARGUMENT, "not that one")

    router.submit(HERE, "/use api")

    assert not router.taken(chosen_and_undone)
    assert router.submit(HERE, "x").session_id == session


def test_cancel_takes_back_what_waits_for_the_chosen_session(router: RouterUnderTest, session: str) -> None:
    router.submit(HERE, "/use api")
    waiting = [router.send(session).command_id for _ in range(2)]

    assert "2" in router.submit(HERE, "/cancel").answer
    assert {router.command(one).state for one in waiting} == {types.COMMAND_STATE_CANCELLED}


@pytest.mark.usefixtures("agent")
def test_dead_lists_the_dead_letters(router: RouterUnderTest, session: str) -> None:
    letter = router.send(session, "lost words")
    router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id=session))
    router.submit(HERE, "/dead")

    assert answers(router)[-2] == "1 dead letter:"
    assert "lost words" in answers(router)[-1]
    assert letter.command_id in answers(router)[-1]
