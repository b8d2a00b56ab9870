"""Files that sessions sent: named where they were said, saved by whoever is logged in; pictures alone are shown."""

import pytest
from flask.testing import FlaskClient

from tests.rigs.console_router import FakeRouter


@pytest.fixture
def said(router: FakeRouter) -> str:
    """A message with two files."""
    router.files["file-page.html"] = [b"<b", b"r/>"]
    note = router.own.attach(router.own.say("s-1", "the page"), "gone.txt", "page.html")
    return note.notification_id


@pytest.mark.usefixtures("said")
def test_a_message_names_its_files_and_a_click_saves_one(client: FlaskClient) -> None:
    [item] = client.get("/console/api/chat?session=s-1").json["items"]  # type: ignore[index]
    [gone, page] = item["files"]
    answer = client.get(page["url"])

    assert (gone["name"], page["name"], page["size"]) == ("gone.txt", "page.html", 5)
    assert (answer.status_code, answer.data) == (200, b"<br/>")
    assert answer.headers["Content-Disposition"] == "attachment; filename=page.html"
    assert (answer.headers["Content-Type"], answer.headers["Content-Length"]) == ("application/octet-stream", "5")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("query", "status"),
    [("&number=0", 404), ("&number=2", 400), ("&number=-1", 400), ("&number=x", 400), ("", 400), ("x&number=0", 404)],
    ids=["gone", "behind the last", "negative", "word", "missing", "another notification"],
)
def test_what_is_no_file_is_refused(client: FlaskClient, said: str, query: str, status: int) -> None:
    assert client.get(f"/console/file?notification={said}{query}").status_code == status


def test_a_stranger_gets_no_file(stranger: FlaskClient, said: str) -> None:
    answer = stranger.get(f"/console/file?notification={said}&number=1")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/console/login")


PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 8


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0....", "image/jpeg"),
        (b"GIF89a....", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
    ],
)
def test_a_picture_is_shown_as_what_its_bytes_are(
    client: FlaskClient, router: FakeRouter, data: bytes, kind: str
) -> None:
    note = router.own.attach(router.own.say("s-1", "look"), "shot.png")
    router.files["file-shot.png"] = [data]

    told = client.get(f"/console/image?notification={note.notification_id}&number=0")

    assert (told.status_code, told.mimetype) == (200, kind)
    assert told.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("data", [b"<svg onload='alert(1)'/>", b"<html><script>", b"", b"\x89PNG"])
def test_what_is_no_picture_is_not_shown_whatever_it_is_called(
    client: FlaskClient, router: FakeRouter, data: bytes
) -> None:
    note = router.own.attach(router.own.say("s-1", "look"), "shot.png")
    router.files["file-shot.png"] = [data]

    assert client.get(f"/console/image?notification={note.notification_id}&number=0").status_code == 400
