"""What a browser is told: small, whole JSON, and no word for who is let in no more."""

import json
from typing import Any

import pytest

from webhook_adapter.transports.push.payload import MAX_BYTES, payload
from webhook_adapter.transports.transport import Button, ChatRef, Kind, Outgoing

BUTTONS = (Button("Allow", "cmd:tok:allow"), Button("Deny", "cmd:tok:deny"))


def told(text: str = "May it?", *, is_open: bool = True, **fields: Any) -> dict[str, Any]:
    message = Outgoing(ChatRef("chat-1"), text, notification_id="note-1", **fields)
    return dict(json.loads(payload(message, is_open=is_open)))


def test_a_question_has_its_session_words_and_options() -> None:
    found = told(heading="devbox · api", kind=Kind.QUESTION, buttons=BUTTONS, session_id="s1")

    assert found == {
        "id": "note-1", "chat": "chat-1", "kind": "question", "session": "s1", "title": "devbox · api",
        "body": "May it?", "options": [["Allow", "cmd:tok:allow"], ["Deny", "cmd:tok:deny"]],
    }  # fmt: skip


@pytest.mark.parametrize("letter", ["w", "é", "😀", '"', "\n", "\x01"])
def test_however_long_the_words_are_it_stays_small(letter: str) -> None:
    text = letter * 70_000
    message = Outgoing(ChatRef("c"), text, notification_id="n", buttons=BUTTONS * 4, heading="h" * 500)

    made = payload(message, is_open=True)

    body = json.loads(made)["body"]
    assert len(made) <= MAX_BYTES
    assert body.endswith("…")
    assert len(body) > 100
    assert text.startswith(body.removesuffix("…"))


def test_what_fits_is_not_cut() -> None:
    assert told("w" * 2000)["body"] == "w" * 2000


def test_a_browser_that_is_let_in_no_more_learns_no_word() -> None:
    found = told("the secret plan", is_open=False, heading="devbox · api", buttons=BUTTONS, session_id="s1")

    assert not {"secret", "devbox", "api", "s1", "tok"} & {
        word for each in found.values() for word in str(each).split()
    }
    assert "Log in" in found["body"]
    assert not {"options", "session"} & set(found)


def test_a_change_has_the_name_of_what_it_changes_and_makes_no_sound() -> None:
    found = told("✅ Allowed", edit_message_ids=("shown-1",))

    assert (found["id"], found["change"], found["silent"]) == ("shown-1", True, True)


def test_what_only_takes_buttons_away_keeps_the_words() -> None:
    found = told("", edit_message_ids=("shown-1",))

    assert "body" not in found
    assert found["options"] == []
