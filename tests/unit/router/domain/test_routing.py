"""Where a message belongs, by what it says itself."""

import pytest

from router.domain.action import Action, Input, KeepSession, KeyPress
from router.domain.command import ChatRef
from router.domain.notification import Button
from router.domain.routing import (
    CHAT_COMMANDS,
    ByButton,
    ByReply,
    ByToken,
    Changed,
    ChatCommand,
    Inbound,
    Route,
    ToPlace,
    ToSession,
    Unreadable,
    action_of,
    route,
    without_reply,
)

CHAT = ChatRef("telegram", "1", message_id="10")


def inbound(text: str = "", **fields: str) -> Inbound:
    return Inbound("update", CHAT, "Ada", text, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "token", "typed"),
    [
        ("/cmd abc run it", "abc", "run it"),
        ("/cmd@my_bot abc run it", "abc", "run it"),
        ("/cmd abc\nfirst\nsecond", "abc", "first\nsecond"),
        ("/cmd abc first\n\n  second ", "abc", "first\n\n  second "),
        ("/cmd   abc   text", "abc", "text"),
        ("/cmd\nabc\ntext", "abc", "text"),
        ("/cmd a-b_C:9 /clear", "a-b_C:9", "/clear"),
    ],
)
def test_a_token_and_everything_behind_it(text: str, token: str, typed: str) -> None:
    assert route(inbound(text)) == ByToken(token, typed)


def test_a_chosen_session_wins_over_everything_written() -> None:
    written = inbound("/cmd abc text", session_id="s", reply_to="5")

    assert route(written) == ToSession("s", "/cmd abc text")


def test_a_changed_message_is_acted_upon_no_more() -> None:
    assert route(Inbound("update", CHAT, "Ada", "/cmd abc text", edited=True)) == Changed()


def test_a_token_wins_over_a_reply() -> None:
    assert route(inbound("/cmd abc text", reply_to="5")) == ByToken("abc", "text")


@pytest.mark.parametrize("text", ["yes", "/stop", "/clear", "/cmd abc"])
def test_a_reply_goes_to_its_session_whatever_it_looks_like(text: str) -> None:
    assert route(inbound(text, reply_to="5")) == ByReply("5", text)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/sessions", ChatCommand("sessions", "")),
        ("/use api refactor ", ChatCommand("use", "api refactor")),
        ("/use@my_bot api", ChatCommand("use", "api")),
        ("/key\nesc", ChatCommand("key", "esc")),
        ("/cmd", ChatCommand("cmd", "")),
        ("/cmd abc", ChatCommand("cmd", "abc")),
    ],
)
def test_a_command_to_the_router(text: str, command: ChatCommand) -> None:
    assert route(inbound(text)) == command


@pytest.mark.parametrize("name", sorted(CHAT_COMMANDS))
def test_every_chat_command_is_one_without_an_argument(name: str) -> None:
    assert without_reply(f"/{name}") == ChatCommand(name, "")


@pytest.mark.parametrize("text", ["hello", "/resume", "/usefoo", "see /use", " /use x", "/etc/passwd", "", "//"])
def test_everything_else_goes_to_the_place_it_was_written_in(text: str) -> None:
    assert route(inbound(text)) == ToPlace(text)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ("cmd:abc:yes", ByButton("abc", "yes")),
        ("cmd:abc:make test: all", ByButton("abc", "make test: all")),
        ("cmd:abc:", ByButton("abc", "")),
    ],
)
def test_a_button_names_a_token_and_an_action(data: str, found: Route) -> None:
    assert route(inbound("ignored", button=data, reply_to="5")) == found


@pytest.mark.parametrize("data", ["", "cmd", "cmd:abc", "cmd::yes", "perm:abc:yes", "CMD:abc:yes"])
def test_a_button_that_is_not_ours_is_told_so(data: str) -> None:
    assert isinstance(route(inbound(button=data)), Unreadable)


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("continue", KeyPress("enter")),
        ("yes", Input("y")),
        ("no", Input("n")),
        ("exit", Input("/exit")),
        ("make test", Input("make test")),
        ("/keep", KeepSession()),
        ("/end", None),
        ("made up", None),
        ("", None),
    ],
)
def test_what_a_button_does(name: str, action: Action | None) -> None:
    offered = (Button("Test", "make test"), Button("Yes", "yes"), Button("Keep it", "/keep"))

    assert action_of(name, offered) == action
