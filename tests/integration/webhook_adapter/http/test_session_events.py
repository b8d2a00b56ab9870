"""What a session does, as server-sent events and as lines of JSON."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.rigs.told_events import tell
from tests.waiting import wait_until
from webhook_adapter.http import session_events

KEY = {"X-API-Key": API_KEY}
LINES = KEY | {"Accept": "application/x-ndjson"}


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


@pytest.fixture
def told(router: RouterUnderTest) -> Iterator[Any]:
    """Tells of the session `api`."""
    agent = router.machine()
    session = router.session(agent, label="api")
    with agent.connected() as link:
        yield lambda first, *texts: tell(link, session, first, *texts)


def parsed(stream: str) -> list[tuple[str, str, Any]]:
    """Id, kind and data of each event."""
    found = []
    for block in stream.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        if "data" in fields:
            found.append((fields.get("id", ""), fields["event"], json.loads(fields["data"])))
    return found


def words(stream: str) -> list[str]:
    return [f"{number} {data['content']['text']}" for number, _, data in parsed(stream)]


def test_lines_of_json_are_what_there_is(http: FlaskClient, told: Any) -> None:
    told(1, "one", "two")

    answer = http.get("/sessions/api/events", headers=LINES)

    assert answer.mimetype == "application/x-ndjson"
    assert [json.loads(line) for line in answer.text.splitlines()] == [
        {"seq": number, "generation": 1, "at": None, "kind": "said", "content": {"by": "ASSISTANT", "text": text}}
        for number, text in ((1, "one"), (2, "two"))
    ]


@pytest.mark.parametrize(("query", "found"), [("?after=1", [2, 3]), ("?last=1", [3]), ("?after=3", [])])
def test_fewer_can_be_asked_for(http: FlaskClient, told: Any, query: str, found: list[int]) -> None:
    told(1, "one", "two", "three")

    answer = http.get(f"/sessions/api/events{query}", headers=LINES)

    assert [json.loads(line)["seq"] for line in answer.text.splitlines()] == found


def test_a_stream_is_resumed_after_the_last_event(http: FlaskClient, told: Any) -> None:
    told(1, "one", "two")

    first = http.get("/sessions/api/events", headers=KEY)
    again = http.get("/sessions/api/events?last=1", headers=KEY | {"Last-Event-ID": "1"})

    assert first.mimetype == "text/event-stream"
    assert first.text.startswith("retry: 100\n\n")
    assert words(first.text) == ["1 one", "2 two"]
    assert words(again.text) == ["2 two"]


def test_a_stream_waits_for_what_comes(http: FlaskClient, router: RouterUnderTest, told: Any) -> None:
    told(1, "one")
    answers: list[str] = []
    asking = threading.Thread(
        target=lambda: answers.append(http.get("/sessions/api/events", headers=KEY | {"Last-Event-ID": "1"}).text)
    )
    asking.start()
    wait_until(lambda: router.router.events.watchers)
    told(2, "two")
    asking.join()

    assert words(answers[0]) == ["2 two"]


def test_an_answer_has_a_size(http: FlaskClient, told: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_events, "MOST", 2)
    told(1, "one", "two", "three")

    assert words(http.get("/sessions/api/events", headers=KEY).text) == ["1 one", "2 two"]
    assert words(http.get("/sessions/api/events", headers=KEY | {"Last-Event-ID": "2"}).text) == ["3 three"]


@pytest.fixture
def _crowded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_events, "MOST_WAITING", 0)


@pytest.mark.usefixtures("_crowded")
def test_when_too_many_wait_the_next_is_told_to_come_again(told: Any, http: FlaskClient) -> None:
    told(1, "one")

    assert http.get("/sessions/api/events", headers=KEY | {"Last-Event-ID": "1"}).text == "retry: 2000\n\n"


def test_numbers_that_began_anew_are_told_and_begun_again(http: FlaskClient, told: Any) -> None:
    told(1, "one")

    stream = http.get("/sessions/api/events", headers=KEY | {"Last-Event-ID": "77"}).text
    lines = http.get("/sessions/api/events?after=77", headers=LINES)

    assert [kind for _, kind, _ in parsed(stream)] == ["anew", "said"]
    assert (lines.status_code, lines.json) == (400, lines.json)
    assert lines.json is not None
    assert lines.json["code"] == "EVENTS_BEGAN_ANEW"


@pytest.mark.parametrize("number", ["-1", "x", "1" * 20, "\u0661"])
def test_a_number_that_is_none_is_refused(http: FlaskClient, told: Any, number: str) -> None:
    told(1, "one")

    answer = http.get("/sessions/api/events", headers=KEY | {"Last-Event-ID": number.encode().decode("latin-1")})

    assert answer.status_code == 400


def test_a_router_that_is_away_ends_no_stream_of_a_browser(
    http: FlaskClient, router: RouterUnderTest, told: Any
) -> None:
    told(1, "one")
    router.stop()

    stream = http.get("/sessions/api/events", headers=KEY | {"Last-Event-ID": "1", "Accept": "text/event-stream"})
    plain = http.get("/sessions/api/events", headers=KEY)
    router.start()

    assert (stream.status_code, stream.mimetype) == (200, "text/event-stream")
    assert stream.text.startswith("retry: 2000\n\n")
    assert parsed(stream.text) == [("", "away", {"code": "UNAVAILABLE"})]
    assert plain.status_code == 503


def test_a_session_that_is_not_there(http: FlaskClient) -> None:
    answer = http.get("/sessions/nobody/events", headers=KEY)

    assert answer.status_code == 404
