import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from pointsman.client.errors import RouterError
from pointsman.client.records import Button, Chat, CommandState, SessionState
from tests.rigs.console_router import FakeRouter
from webhook_adapter.console.api import ACTOR
from webhook_adapter.model import Submission

Post = Callable[..., TestResponse]
KEY = "6f1c2b9e-0000-4000-8000-000000000001"


def read(client: FlaskClient, path: str) -> Any:
    answer = client.get(f"/console/api/{path}")
    assert answer.status_code == 200
    return answer.json


def test_the_overview_shows_machines_sessions_and_how_much_waits(client: FlaskClient, router: FakeRouter) -> None:
    router.own.say("s-1", "Done.\nShall I go on?", Button("Continue", "continue"))
    router.own.accept("s-1", "yes")
    dead = router.own.accept("s-2", "no")
    router.own.bring(dead.command_id, CommandState.DEAD)

    seen = read(client, "overview")

    assert [machine["machine_id"] for machine in seen["machines"]] == ["devbox"]
    assert [session["label"] for session in seen["sessions"]] == ["api-refactor", "docs"]
    assert seen["sessions"][0]["state"] == "idle"
    assert seen["sessions"][0]["last"]["text"] == "Done. Shall I go on?"
    assert seen["sessions"][1]["last"] is None
    assert seen["figures"] == {"queued": 1, "dead": 1}
    assert (seen["router"], seen["host"]) == ("127.0.0.1:7443", socket.gethostname())


def test_a_chat_holds_words_and_commands_in_the_order_of_time(client: FlaskClient, router: FakeRouter) -> None:
    router.own.say("s-1", "one")
    command = router.own.accept("s-1", "two")
    router.own.say("s-1", "three", Button("Yes", "yes"))
    router.own.say("s-2", "elsewhere")
    router.own.bring(command.command_id, CommandState.SENT, CommandState.RECEIVED)

    items = read(client, "chat?session=s-1")["items"]

    assert [(item["kind"], item["text"]) for item in items] == [("said", "one"), ("command", "two"), ("said", "three")]
    assert items[1]["state"] == "received"
    assert items[1]["created_at"] < items[1]["sent_at"] < items[1]["received_at"]
    assert items[1]["typed_at"] is None
    assert items[2]["buttons"] == [{"label": "Yes", "data": "cmd:T3:yes"}]


def test_a_message_is_submitted_for_its_session(post: Post, router: FakeRouter) -> None:
    answer = post("send", session="s-1", text="go on")

    assert answer.json is not None
    assert answer.json["command_id"] == "cmd-1"
    place = Chat("web", "console", message_id=KEY)
    [browser] = router.open_browsers
    assert router.submissions == [
        Submission(f"web:{KEY}", place, ACTOR, text="go on", session_id="s-1", login_id=browser)
    ]


def test_a_session_is_started_once(post: Post, router: FakeRouter) -> None:
    answers = [post("start", machine_id="devbox", folder="~/src/api", prompt="fix it").json for _ in range(2)]

    [session] = [one for one in router.own.known_sessions if one.state is SessionState.STARTING]
    assert [answer and answer["session_id"] for answer in answers] == [session.session_id] * 2
    assert (session.machine_id, session.cwd) == ("devbox", "~/src/api")
    assert [(one.text, one.actor) for one in router.own.known_commands.values()] == [("fix it", "web:console")]


def test_after_a_hundred_commands_the_words_before_them_are_still_there(
    client: FlaskClient, router: FakeRouter
) -> None:
    router.own.say("s-1", "All tests pass.")
    for number in range(100):
        router.own.accept("s-1", f"{number}")

    seen = read(client, "chat?session=s-1")

    assert seen["items"][0]["text"] == "All tests pass."
    assert (len(seen["items"]), seen["more"], seen["gap_at"]) == (101, False, None)


def test_a_deeper_look_shows_older_words_and_what_was_sent_between_them(
    client: FlaskClient, router: FakeRouter
) -> None:
    for number in range(60):
        router.own.say("s-1", f"said {number}")
        router.own.accept("s-1", f"sent {number}")

    near, far = (read(client, f"chat?session=s-1&depth={depth}") for depth in (1, 100))

    assert [item["text"] for item in near["items"][:2]] == ["said 11", "sent 11"]
    assert (near["items"][-1]["text"], near["more"]) == ("sent 59", True)
    assert [item["text"] for item in far["items"][:2]] == ["said 0", "sent 0"]
    assert (len(far["items"]), far["more"]) == (120, False)


def test_where_too_much_was_sent_for_one_look_the_page_learns_of_the_gap(
    client: FlaskClient, router: FakeRouter
) -> None:
    router.own.say("s-1", "first")
    sent = [router.own.accept("s-1", f"{number}") for number in range(230)]

    seen = read(client, "chat?session=s-1")

    assert [item["text"] for item in seen["items"][:2]] == ["first", "30"]
    assert seen["more"]
    assert seen["gap_at"] == sent[30].created_at.timestamp()  # type: ignore[union-attr]
    assert read(client, "chat?session=s-1&depth=100")["gap_at"] is None


def test_a_message_whose_copies_are_cut_by_the_end_comes_whole_with_the_next_look(
    client: FlaskClient, router: FakeRouter
) -> None:
    for transport in ("web", "telegram"):
        router.own.say("s-1", "old", transport=transport)
    for number in range(49):
        router.own.say("s-1", f"{number}")

    near, far = (read(client, f"chat?session=s-1&depth={depth}")["items"] for depth in (50, 100))

    assert (near[0]["text"], far[0]["text"], far[0]["transport"], len(far)) == ("0", "old", "web", 50)


def test_the_last_words_of_a_session_outlive_many_receipts(client: FlaskClient, router: FakeRouter) -> None:
    router.own.say("s-1", "All tests pass.")
    for _ in range(60):
        receipt = router.own.say("s-1", "typed in")
        router.own.known_notifications[-1] = replace(receipt, command_id="cmd-1")

    assert read(client, "overview")["sessions"][0]["last"]["text"] == "All tests pass."


def test_the_last_words_of_a_session_outlive_what_others_say(client: FlaskClient, router: FakeRouter) -> None:
    router.own.say("s-1", "All tests pass.")
    for number in range(60):
        router.own.say("s-2", f"{number}")

    assert [one["last"]["text"] for one in read(client, "overview")["sessions"]] == ["All tests pass.", "59"]


def test_an_open_question_is_in_the_answer_however_far_back_it_was_asked(
    client: FlaskClient, router: FakeRouter
) -> None:
    router.own.say("s-2", "Elsewhere?", Button("Allow", "allow"), permission_id="other")
    asked = router.own.say("s-1", "May it run make?", Button("Allow", "allow"), permission_id="q")
    for number in range(60):
        router.own.say("s-1", f"{number}")

    near, far = (read(client, f"chat?session=s-1&depth={depth}") for depth in (50, 100))
    router.own.say("s-1", "Allowed by Ada", permission_id="q")
    after = read(client, "chat?session=s-1")["items"]

    assert [item["text"] for item in near["items"][:2]] == ["May it run make?", "11"]
    assert near["items"][0]["buttons"] == [{"label": "Allow", "data": f"cmd:{asked.token}:allow"}]
    assert near["more"]
    assert [item["text"] for item in far["items"][:2]] == ["May it run make?", "0"]
    assert "May it run make?" not in [item["text"] for item in after]


@pytest.mark.parametrize(("depth", "shown"), [("", 49), ("x", 49), ("-1", 49), ("99999999", 60)])
def test_a_depth_that_makes_no_sense_does_no_harm(
    client: FlaskClient, router: FakeRouter, depth: str, shown: int
) -> None:
    for number in range(60):
        router.own.say("s-1", f"{number}")

    assert len(read(client, f"chat?session=s-1&depth={depth}")["items"]) == shown


def test_a_message_sent_twice_is_one_command(post: Post, router: FakeRouter) -> None:
    answers = [post("send", session="s-1", text="go on").json for _ in range(2)]

    assert [answer and answer["command_id"] for answer in answers] == ["cmd-1", "cmd-1"]
    assert list(router.own.known_commands) == ["cmd-1"]


def test_a_button_is_pressed_on_its_message(post: Post, router: FakeRouter) -> None:
    post("press", session="s-1", data="cmd:T1:yes", message_id="note-1")

    place = Chat("web", "console", message_id="note-1")
    [browser] = router.open_browsers
    assert router.submissions == [
        Submission(f"web:{KEY}", place, ACTOR, button="cmd:T1:yes", session_id="s-1", login_id=browser)
    ]


def test_a_key_is_pressed_once(post: Post, router: FakeRouter) -> None:
    post("key", session="s-1", name="esc")
    post("key", session="s-1", name="esc")

    assert [(command.key, command.source) for command in router.own.known_commands.values()] == [("esc", "web")]


def test_a_queued_command_is_cancelled(post: Post, router: FakeRouter) -> None:
    command = router.own.accept("s-1", "x")

    answer = post("cancel", command_id=command.command_id)

    assert answer.json is not None
    assert answer.json["state"] == "cancelled"


@pytest.mark.parametrize(("session", "goes_to"), [("", "s-1"), ("s-2", "s-2")], ids=["retry", "send to"])
def test_a_dead_letter_is_repeated(
    post: Post, client: FlaskClient, router: FakeRouter, session: str, goes_to: str
) -> None:
    command = router.own.accept("s-1", "x")
    router.own.bring(command.command_id, CommandState.DEAD, reason="TOO_OLD")
    before = read(client, "queue")["dead"]

    answer = post("retry", command_id=command.command_id, session=session)

    assert [one["reason"] for one in before] == ["TOO_OLD"]
    assert answer.json is not None
    assert (answer.json["redrive_of"], answer.json["session_id"]) == (command.command_id, goes_to)
    assert [one["command_id"] for one in read(client, "queue")["queued"]] == [answer.json["command_id"]]


def test_a_dead_letter_is_dropped(post: Post, client: FlaskClient, router: FakeRouter) -> None:
    command = router.own.accept("s-1", "x")
    router.own.bring(command.command_id, CommandState.UNCERTAIN)

    post("drop", command_id=command.command_id)

    assert read(client, "queue") == {"dead": [], "queued": []}


def test_a_command_is_traced(client: FlaskClient, router: FakeRouter) -> None:
    command = router.own.accept("s-1", "x")
    router.own.bring(command.command_id, CommandState.SENT)

    steps = read(client, f"trace?id={command.command_id}")["steps"]

    assert [(step["event"], step["from_state"], step["to_state"]) for step in steps] == [
        ("accepted", "", "QUEUED"),
        ("sent", "QUEUED", "SENT"),
    ]


def test_a_join_token_is_made_for_a_name(post: Post, router: FakeRouter) -> None:
    answer = post("join-token", machine_id=" attic ")

    assert answer.json is not None
    assert answer.json["token"] == "pmj_SAMPLE-TOKEN"
    assert router.own.join_tokens == ["attic"]


@pytest.mark.parametrize(
    ("path", "body", "names"),
    [
        ("send", {"session": "s-1"}, "text"),
        ("send", {"text": "x"}, "session"),
        ("send", {"session": "s-1", "text": "x", "key": "no key!"}, "key"),
        ("send", {"session": "s-1", "text": 7}, "text"),
        ("send", {"session": "s-1", "text": "\ud800"}, "text"),
        ("press", {"session": "s-1"}, "data"),
        ("cancel", {}, "command_id"),
        ("start", {"machine_id": "devbox"}, "prompt"),
        ("start", {"prompt": "fix it"}, "machine_id"),
    ],
)
def test_a_bad_request_names_its_field(post: Post, path: str, body: dict[str, object], names: str) -> None:
    answer = post(path, **body)

    assert answer.status_code == 400
    assert answer.json is not None
    assert names in answer.json["error"]


@pytest.mark.parametrize("path", ["chat", "trace"])
def test_a_read_names_what_it_misses(client: FlaskClient, path: str) -> None:
    assert client.get(f"/console/api/{path}").status_code == 400


@pytest.mark.parametrize(
    ("status", "seen"),
    [
        ("NOT_FOUND", 404),
        ("FAILED_PRECONDITION", 409),
        ("RESOURCE_EXHAUSTED", 429),
        ("UNAVAILABLE", 503),
        ("UNAUTHENTICATED", 502),
    ],
)
def test_what_the_router_refuses_is_said_in_its_words(
    client: FlaskClient, router: FakeRouter, status: str, seen: int
) -> None:
    router.own.failure = RouterError(status, "the router says why", "SOME_REASON")

    answer = client.get("/console/api/overview")

    assert answer.status_code == seen
    assert answer.json is not None
    assert answer.json["code"] == "SOME_REASON"
    assert "router" in answer.json["error"]
