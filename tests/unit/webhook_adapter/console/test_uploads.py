"""Files from the page: in parts, then named by a message; nobody's parts get into another's file."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.rigs.console_router import FakeRouter
from tests.unit.webhook_adapter.console.conftest import API_KEY, Clock, Post
from webhook_adapter.console.login import login_link
from webhook_adapter.console.uploads import PART, file_name

KEY = "0b51b9a6-0000-4000-8000-000000000001"


def put(client: FlaskClient, csrf: str, number: int, data: bytes, key: str = KEY) -> TestResponse:
    return client.post(f"/console/api/upload?file={key}&number={number}", data=data, headers={"X-CSRF-Token": csrf})


def test_a_file_is_put_by_parts_and_sent_with_a_message(
    client: FlaskClient, csrf: str, post: Post, router: FakeRouter
) -> None:
    parts = [b"a" * PART, b"b" * 5]
    assert [put(client, csrf, number, part).status_code for number, part in enumerate(parts)] == [200, 200]

    sent = post("send", session="s-1", text="the log", file={"key": KEY, "name": "my log.txt", "size": PART + 5})

    assert sent.status_code == 200
    [submission] = router.submissions
    assert submission.file is not None
    assert (submission.text, submission.file.name, submission.file.size) == ("the log", "my-log.txt", PART + 5)
    assert router.files == {submission.file.file_id: parts}


def test_another_browser_has_other_files(
    app: Flask, client: FlaskClient, csrf: str, clock: Clock, router: FakeRouter
) -> None:
    other = app.test_client()
    other.get(login_link("", API_KEY, clock.now))
    theirs = other.get("/console/").text.partition('<meta name="csrf-token" content="')[2].partition('"')[0]

    put(client, csrf, 0, b"mine")
    put(other, theirs, 0, b"theirs")

    assert sorted(router.files.values()) == [[b"mine"], [b"theirs"]]


@pytest.mark.parametrize(("number", "size"), [(0, 0), (0, PART + 1), (-1, 1), (40, 1)])
def test_a_part_that_can_be_none_is_refused(
    client: FlaskClient, csrf: str, router: FakeRouter, number: int, size: int
) -> None:
    assert put(client, csrf, number, b"x" * size).status_code == 400
    assert router.files == {}


@pytest.mark.parametrize(
    "file", [{"key": KEY, "name": "x", "size": 0}, {"key": "../x", "name": "x", "size": 1}, {"key": KEY}]
)
def test_a_file_that_can_be_none_is_refused(post: Post, router: FakeRouter, file: dict[str, object]) -> None:
    assert post("send", session="s-1", text="x", file=file).status_code == 400
    assert router.submissions == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("report.pdf", "report.pdf"),
        ("Größe (1).png", "Gr-e-1-.png"),
        ("../../etc/passwd", "etc-passwd"),
        (".bashrc", "bashrc"),
        ("日本", "file"),
        ("a" * 100 + ".txt", "a" * 60 + ".txt"),
    ],
)
def test_a_name_is_made_one_that_a_terminal_can_hold(given: str, kept: str) -> None:
    assert file_name(given) == kept
