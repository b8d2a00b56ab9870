"""Files that sessions sent: named where they were said, saved by whoever is logged in, never shown."""

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
