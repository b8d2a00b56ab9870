from dataclasses import replace

import pytest

from pointsman.client.records import Button, Notification
from tests.rigs.console_router import FakeControl, a_session
from webhook_adapter.console.present import PREVIEW_LENGTH, chat, said, with_last_words


@pytest.fixture
def control() -> FakeControl:
    return FakeControl()


def test_one_message_to_two_platforms_is_shown_once_with_the_buttons_of_the_web(control: FakeControl) -> None:
    told = [control.say("s-1", "Done.", transport=transport) for transport in ("telegram", "web", "github")]

    assert said(told) == [told[1]]


def test_the_same_words_twice_on_one_platform_are_two_messages(control: FakeControl) -> None:
    told = [control.say("s-1", "Done.") for _ in range(2)]

    assert said(told) == told


def test_the_same_words_much_later_are_another_message(control: FakeControl) -> None:
    early = control.say("s-1", "Done.", transport="telegram")
    control.tick(60)
    late = control.say("s-1", "Done.", transport="web")

    assert said([late, early]) == [early, late]


def test_a_question_stands_where_it_was_asked_and_says_what_it_says_now(control: FakeControl) -> None:
    offered = (Button("Allow", "allow"), Button("Deny with reason", "reason"))
    asked = [control.say("s-1", "May it?", *offered, transport=t, permission_id="q") for t in ("telegram", "web")]
    later = control.say("s-1", "Done.")

    assert [item["buttons"] for item in chat(asked, [])] == [[{"label": "Allow", "data": "cmd:T2:allow"}]]
    told = [control.say("s-1", "May it? Allowed.", transport=t, permission_id="q") for t in ("telegram", "web")]
    shown = chat([*told, later, *asked], [])
    assert [(item["text"], item["is_question"]) for item in shown] == [("May it? Allowed.", True), ("Done.", False)]
    assert shown[0]["notification_id"] == asked[1].notification_id
    assert shown[0]["buttons"] == []


def test_a_message_says_what_was_chosen_where_it_stands(control: FakeControl) -> None:
    asked = [control.say("s-1", "Deploy?", Button("Yes", "yes"), transport=t) for t in ("telegram", "web")]
    later = control.say("s-1", "Done.")
    told = [
        replace(control.say("s-1", "Deploy? Yes", transport=t), edits=first.notification_id)
        for t, first in zip(("telegram", "web"), asked, strict=True)
    ]
    again = replace(control.say("s-1", "Deploy? Yes!", transport="web"), edits=told[1].notification_id)

    shown = chat([told[1], told[0], later, *asked], [])
    assert [(item["text"], item["buttons"]) for item in shown] == [("Deploy? Yes", []), ("Done.", [])]
    assert chat([again, told[1], asked[1]], [])[0]["text"] == "Deploy? Yes!"


@pytest.mark.parametrize(
    ("text", "preview"),
    [("Done.\n\n  `a` is `b`", "Done. a is b"), ("x" * 500, "x" * PREVIEW_LENGTH)],
    ids=["one line without marks", "short"],
)
def test_a_preview_is_one_short_line(control: FakeControl, text: str, preview: str) -> None:
    told: list[Notification] = [control.say("s-1", "before"), control.say("s-1", text)]

    assert with_last_words([a_session("s-1")], told)[0]["last"]["text"] == preview
