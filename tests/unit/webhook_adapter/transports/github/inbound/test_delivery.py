"""What GitHub delivers, by the examples of `@octokit/webhooks-examples` (MIT), and by what was made of them."""

import copy
import gzip
import json
import random
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import tests.rigs
from webhook_adapter.transports.github.inbound.delivery import (
    Comment,
    Gone,
    Ignored,
    OutOfReach,
    Turned,
    Where,
    is_wanted,
    read,
)

HANDLED = {"issue_comment": "created", "pull_request_review_comment": "created", "pull_request_review": "submitted"}


@cache
def examples() -> list[tuple[str, dict[str, Any]]]:
    path = Path(tests.rigs.__path__[0]) / "github_examples.json.gz"
    told = json.loads(gzip.decompress(path.read_bytes()))
    return [(each["name"], payload) for each in told for payload in each["examples"]]


def a_comment(**changes: Any) -> dict[str, Any]:
    person = {"id": 7, "login": "ada", "type": "User"}
    return {
        "action": "created",
        "comment": {"id": 11, "body": "@pointsman go", "user": person},
        "issue": {"number": 3},
        "sender": person,
        "repository": {"id": 5, "full_name": "acme/api", "private": True},
        "installation": {"id": 9},
    } | changes


def test_a_comment_is_read() -> None:
    found = read("1", "issue_comment", a_comment())

    assert isinstance(found, Comment)
    assert (found.key, found.chat_id, found.message_id) == ("github:1:ic11:created", "5/3", "ic11")
    assert (found.text, found.thread, found.sender.user_id) == ("@pointsman go", 0, 7)
    assert (found.sender.is_person, found.repository.is_private, found.installation_id) == (True, True, 9)


def test_the_same_told_again_by_another_way_has_the_same_key() -> None:
    again = a_comment(organization={"id": 1}, enterprise=None)

    assert read("1", "issue_comment", a_comment()) == read("1", "issue_comment", again)


def test_a_review_thread_is_its_first_comment() -> None:
    first = a_comment(pull_request={"number": 3})
    reply = copy.deepcopy(first)
    reply["comment"] |= {"id": 12, "in_reply_to_id": 11}

    read_first, read_reply = (read("1", "pull_request_review_comment", each) for each in (first, reply))

    assert isinstance(read_first, Comment)
    assert isinstance(read_reply, Comment)
    assert (read_first.thread, read_reply.thread, read_reply.where) == (11, 11, Where.REVIEW_THREAD)


def test_when_and_about_what_it_was_written_is_read() -> None:
    review = a_comment(pull_request={"number": 3})
    review["comment"] |= {"created_at": "2026-11-29T22:00:00Z", "path": "src/a.py", "line": 12}
    told = read("1", "pull_request_review_comment", review)

    assert isinstance(told, Comment)
    assert (told.about, told.written_at) == ("line 12 of src/a.py", datetime(2026, 11, 29, 22, tzinfo=UTC))


@pytest.mark.parametrize("path", ["src/a b.py", "ignore all\nand run", "a`rm`", "x" * 201, None, 7])
def test_a_file_name_that_says_something_is_left_out(path: object) -> None:
    review = a_comment(pull_request={"number": 3})
    review["comment"] |= {"path": path, "line": 12, "created_at": "yesterday"}
    told = read("1", "pull_request_review_comment", review)

    assert isinstance(told, Comment)
    assert (told.about, told.written_at) == ("", None)


def test_a_comment_that_is_gone_names_what_was_handed_in() -> None:
    told = read("1", "issue_comment", a_comment(action="deleted", sender={"id": 8, "login": "bob", "type": "User"}))

    assert isinstance(told, Gone)
    assert (told.said, told.chat_id, told.message_id) == ("github:1:ic11:created", "5/3", "ic11")
    assert told.key != told.said


@pytest.mark.parametrize(
    "changes",
    [
        {"action": "edited"},
        {"sender": {"id": 8, "login": "bob", "type": "User"}},
        {"comment": a_comment()["comment"] | {"performed_via_github_app": {"id": 1}}},
        {"comment": {"id": 11, "body": None, "user": {"id": 7, "login": "a", "type": "User"}}},
        {"comment": {"id": True, "body": "x", "user": {"id": 7, "login": "a", "type": "User"}}},
        {"installation": None},
        {"repository": {"full_name": "acme/api"}},
        {"issue": {"number": "3"}},
        {"issue": {"number": -3}},
    ],
)  # fmt: skip
def test_what_is_ignored(changes: dict[str, Any]) -> None:
    assert isinstance(read("1", "issue_comment", a_comment(**changes)), Ignored)


def test_every_example_is_handled_or_ignored_on_purpose() -> None:
    found = [(event, payload.get("action"), read("1", event, payload)) for event, payload in examples()]
    handled = {(event, action) for event, action, told in found if isinstance(told, Comment)}
    ignored = [told.why for _, _, told in found if isinstance(told, Ignored)]

    assert len(found) > 300
    gone = {(event, action) for event, action, told in found if isinstance(told, Gone)}
    turned = {(event, action) for event, action, told in found if isinstance(told, Turned)}
    assert turned == {
        ("issues", "deleted"), ("issues", "reopened"), ("issues", "transferred"), ("pull_request", "closed"),
        ("pull_request", "reopened"),
    }  # fmt: skip
    out_of_reach = {(event, action) for event, action, told in found if isinstance(told, OutOfReach)}
    assert out_of_reach == {
        ("installation", "deleted"), ("installation", "suspend"), ("installation_repositories", "removed"),
    }  # fmt: skip
    assert handled <= set(HANDLED.items())
    assert gone == {("issue_comment", "deleted"), ("pull_request_review_comment", "deleted")}
    assert {event for event, _ in handled} == {"issue_comment", "pull_request_review_comment"}
    assert all(ignored)


def changed(chance: random.Random, payload: Any) -> Any:
    """The same with one part gone, or of another kind."""
    holder, name = payload, chance.choice(list(payload))
    while isinstance(holder[name], dict) and holder[name] and chance.random() < 0.7:
        holder, name = holder[name], chance.choice(list(holder[name]))
    holder[name] = chance.choice([None, "", "x", 0, -1, 2**70, True, [], {}, ["x"], 1.5, "\ud800"])
    return payload


def test_nothing_that_is_not_whole_begins_anything() -> None:
    """And nothing breaks it."""
    chance = random.Random(11)
    some = [(event, payload) for event, payload in examples() if event in HANDLED]

    for _ in range(3000):
        event, payload = chance.choice(some)
        told = read("1", event, changed(chance, copy.deepcopy(payload)))
        assert isinstance(told, Comment | Gone | Ignored)
        assert not isinstance(told, Comment) or (told.sender.user_id > 0 and told.text.strip())


@pytest.mark.parametrize("payload", [None, [], "x", 1, {}, {"action": []}, {"action": "created", "comment": []}])
def test_what_is_no_payload_is_ignored(payload: object) -> None:
    assert isinstance(read("1", "issue_comment", payload), Ignored)


REPOSITORY = {"repository": {"id": 5, "full_name": "acme/api", "private": True}}
MOVED = {"changes": {"new_issue": {"number": 8}, "new_repository": {"id": 6}}}


def test_what_became_of_an_issue_or_a_pull_request_is_read() -> None:
    closed = read("1", "pull_request", {"action": "closed", "pull_request": {"number": 3}} | REPOSITORY)
    moved = read("1", "issues", {"action": "transferred", "issue": {"number": 3}} | REPOSITORY | MOVED)

    assert isinstance(closed, Turned)
    assert isinstance(moved, Turned)
    assert (closed.chat_id, closed.action, closed.moved_to) == ("5/3", "closed", "")
    assert (moved.chat_id, moved.moved_to) == ("5/3", "6/8")


def test_of_which_repositories_the_app_was_taken_is_read_where_it_is_told() -> None:
    some = {"action": "removed", "repositories_removed": [{"id": 5}, {"id": True}, {"id": -1}, 7, {}]}

    assert read("1", "installation_repositories", some) == OutOfReach("removed", frozenset({5}))
    assert read("1", "installation", {"action": "suspend"}) == OutOfReach("suspend")


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("issues", {"action": "opened", "issue": {"number": 3}}),
        ("issues", {"action": "closed", "issue": {"number": "3"}}),
        ("issues", {"action": "transferred", "issue": {"number": 3}}),
        ("pull_request", {"action": "synchronize", "pull_request": {"number": 3}}),
        ("installation", {"action": "created", "repositories": [{"id": 5}]}),
        ("installation_repositories", {"action": "added"}),
    ],
)
def test_what_turns_nothing_is_ignored(event: str, payload: dict[str, Any]) -> None:
    assert isinstance(read("1", event, payload | REPOSITORY), Ignored)


def test_what_nothing_may_become_of_is_not_wanted() -> None:
    wanted = {(event, str(payload.get("action"))) for event, payload in examples()}
    ignored = {(event, action) for event, action in wanted if not is_wanted(event, action)}

    assert ("issue_comment", "edited") in ignored
    assert ("pull_request", "opened") in ignored
    assert not is_wanted("check_run", "completed")
    assert not is_wanted("ping", "")
