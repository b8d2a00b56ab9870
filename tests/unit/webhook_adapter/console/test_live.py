"""The page's stream: what has changed behind what it has, once, and nothing missing."""

import threading
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient

from pointsman.client.errors import RouterError
from pointsman.client.records import Button
from tests.rigs.console_router import FakeRouter
from webhook_adapter.console import wakeups
from webhook_adapter.model import Browser


class Follower:
    """A page that comes again with the last id that it had."""

    def __init__(self, client: FlaskClient, query: str = "session=s-1") -> None:
        self._client = client
        self._address = f"/console/api/live?{query}"
        self.last = ""

    def come(self) -> list[tuple[str, Any]]:
        """What it is told: names and what they say."""
        headers = {"Last-Event-ID": self.last} if self.last else {}
        answer = self._client.get(self._address, headers=headers)
        assert answer.status_code == 200
        assert answer.mimetype == "text/event-stream"
        told = []
        for block in answer.text.split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.splitlines())
            if "event" in fields:
                self.last = fields["id"]
                told.append((fields["event"], msgspec.json.decode(fields["data"])))
        return told

    def come_until_told(self) -> list[tuple[str, Any]]:
        """As it does: who began to follow a session only then may be woken for what the page has already."""
        while not (told := self.come()):
            pass
        return told


@pytest.fixture
def page(client: FlaskClient) -> Follower:
    return Follower(client)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for news that do not come."""
    monkeypatch.setattr(wakeups, "PATIENCE", 0.0)


def names(told: list[tuple[str, Any]]) -> list[str]:
    return [name for name, _ in told]


def numbers(told: list[tuple[str, Any]]) -> list[int]:
    return [data["seq"] for name, data in told if name == "did"]


@pytest.mark.usefixtures("hasty")
def test_first_comes_all_then_what_has_changed(page: Follower, router: FakeRouter) -> None:
    router.own.do("s-1", "said", by="ASSISTANT", text="Done.")

    first, second = page.come(), page.come()
    router.own.do("s-1", "said", by="USER", text="Thanks.")
    third = page.come()

    assert names(first) == ["overview", "questions", "read", "chat", "did"]
    assert first[4][1] | {"at": None} == {
        "seq": 1,
        "generation": 1,
        "at": None,
        "kind": "said",
        "content": {"by": "ASSISTANT", "text": "Done."},
    }
    assert second == []
    assert names(third) == ["did"]
    assert numbers(third) == [2]


@pytest.mark.usefixtures("hasty")
def test_of_many_events_the_newest_come_and_the_rest_is_paged(
    page: Follower, client: FlaskClient, router: FakeRouter
) -> None:
    for number in range(450):
        router.own.do("s-1", "said", by="ASSISTANT", text=f"{number}")

    assert numbers(page.come()) == list(range(251, 451))
    before = client.get("/console/api/events?session=s-1&before=251").json
    assert before is not None
    assert [each["seq"] for each in before["events"]] == list(range(51, 251))
    oldest = client.get("/console/api/events?session=s-1&before=51&count=1000").json
    assert oldest is not None
    assert [each["seq"] for each in oldest["events"]] == list(range(1, 51))


@pytest.mark.usefixtures("hasty")
def test_whoever_was_away_for_long_gets_all_of_it_in_turns(page: Follower, router: FakeRouter) -> None:
    router.own.do("s-1", "said", by="USER", text="0")
    page.come()
    for number in range(450):
        router.own.do("s-1", "said", by="ASSISTANT", text=f"{number}")

    assert [numbers(page.come()) for _ in range(4)] == [
        list(range(2, 202)),
        list(range(202, 402)),
        list(range(402, 452)),
        [],
    ]


def test_a_change_ends_the_wait(page: Follower, router: FakeRouter) -> None:
    router.own.do("s-1", "said", by="USER", text="Go on.")
    page.come()
    told: list[tuple[str, Any]] = []
    waiting = threading.Thread(target=lambda: told.extend(page.come_until_told()))

    waiting.start()
    router.own.do("s-1", "said", by="ASSISTANT", text="Going.")
    waiting.join(wakeups.PATIENCE / 2)

    assert not waiting.is_alive()
    assert numbers(told) == [2]


def test_a_step_of_what_was_sent_ends_the_wait(page: Follower, router: FakeRouter) -> None:
    command = router.own.accept("s-1", "make")
    router.own.events["s-1"] = []
    page.come()
    told: list[tuple[str, Any]] = []
    waiting = threading.Thread(target=lambda: told.extend(page.come_until_told()))

    waiting.start()
    for _ in range(20):  # who follows steps may have only just begun: those from then on are told
        router.own.mark(command.command_id, "taken_at")
        waiting.join(wakeups.PATIENCE / 40)

    assert "chat" in names(told)


@pytest.mark.usefixtures("hasty")
def test_numbers_that_began_anew_are_told_and_shown(page: Follower, router: FakeRouter) -> None:
    for number in range(3):
        router.own.do("s-1", "said", by="USER", text=f"{number}")
    page.come()
    router.own.events["s-1"].clear()
    router.own.do("s-1", "said", by="USER", text="after")

    told = page.come()

    assert names(told) == ["anew", "did"]
    assert page.come() == []


@pytest.mark.usefixtures("hasty")
def test_where_events_are_not_kept_the_conversation_is_there(page: Follower, router: FakeRouter) -> None:
    router.own.say("s-1", "Done.")
    router.own.events_failure = RouterError("UNAVAILABLE", "events.db cannot be used", "STORAGE_UNAVAILABLE")

    assert names(page.come()) == ["overview", "questions", "read", "chat"]


@pytest.mark.usefixtures("hasty")
def test_an_open_question_of_any_session_comes_with_its_buttons(client: FlaskClient, router: FakeRouter) -> None:
    page = Follower(client, "")
    router.own.ask("q-1", "s-2", "Bash", "make")
    asked = router.own.say("s-2", "May it use Bash?\n\nmake", Button("Allow", "allow"), permission_id="q-1")
    router.own.say("s-1", "Another?", Button("Yes", "allow"), permission_id="q-2")

    [(_, overview), (_, told), _] = page.come()
    router.own.say("s-2", "Allowed.", permission_id="q-1")
    [(_, after)] = [each for each in page.come() if each[0] == "questions"]

    assert len(overview["sessions"]) == 2
    assert [(q["session_id"], q.get("tool"), q["text"]) for q in told["questions"]] == [
        ("s-2", "Bash", "May it use Bash?\n\nmake"),
        ("s-1", None, "Another?"),
    ]
    assert told["questions"][0]["buttons"] == [{"label": "Allow", "data": f"cmd:{asked.token}:allow"}]
    assert (told["questions"][0]["kind"], told["questions"][0]["input_digest"]) == ("tool", "d" * 64)
    assert [q["session_id"] for q in after["questions"]] == ["s-1"]


@pytest.mark.usefixtures("hasty")
def test_the_queue_comes_to_whoever_looks_at_it(client: FlaskClient, router: FakeRouter) -> None:
    page = Follower(client, "page=queue")
    router.own.accept("s-1", "make")

    assert [data["queued"][0]["text"] for name, data in page.come() if name == "queue"] == ["make"]
    assert page.come() == []


@pytest.mark.parametrize("last", ["x", "1......", "-1...", "9" * 30 + "..."])
def test_an_id_that_is_none_is_refused(client: FlaskClient, last: str) -> None:
    answer = client.get("/console/api/live?session=s-1", headers={"Last-Event-ID": last})

    assert answer.status_code == 400


def test_a_router_that_is_away_is_said_at_once(client: FlaskClient, router: FakeRouter) -> None:
    router.own.failure = RouterError("UNAVAILABLE", "the router is away", "UNAVAILABLE")

    assert client.get("/console/api/live?session=s-1").status_code == 503


def test_what_a_session_said_is_found_and_its_screen_shown(client: FlaskClient, router: FakeRouter) -> None:
    router.own.do("s-1", "said", by="ASSISTANT", text="An empty body is no JSON.")
    router.own.screens["s-1"] = "\x1b[32mready\x1b[0m"

    found = client.get("/console/api/search?words=empty").json
    screen = client.get("/console/api/screen?session=s-1").json

    assert found is not None
    assert [(hit["session_id"], hit["seq"], [part["text"] for part in hit["snippet"]]) for hit in found["hits"]] == [
        ("s-1", 1, ["An ", "empty", " body is no JSON."])
    ]
    assert screen == {"text": "\x1b[32mready\x1b[0m"}
    assert client.get("/console/api/screen?session=s-2").status_code == 409


@pytest.mark.usefixtures("hasty")
def test_whoever_is_put_out_while_they_wait_is_told_nothing_more(
    page: Follower, client: FlaskClient, router: FakeRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.come()
    seen, real = list[str](), router.browser

    def put_out_after_the_first_look(login_id: str) -> Browser:
        seen.append(login_id)
        return real(login_id) if len(seen) == 1 else Browser(is_open=False, is_known=True)

    monkeypatch.setattr(router, "browser", put_out_after_the_first_look)

    assert client.get("/console/api/live?session=s-1", headers={"Last-Event-ID": page.last}).status_code == 401
