"""The console's stream over a real router: what a machine tells comes to whoever waits, and once."""

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.rigs.told_events import tell
from webhook_adapter.console import wakeups


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


@pytest.fixture
def page(http: FlaskClient) -> FlaskClient:
    """Somebody at the console."""
    http.post("/console/login", data={"api_key": API_KEY})
    return http


def come(page: FlaskClient, session_id: str, last: str = "") -> tuple[list[str], str]:
    """The names of what is told, and the last id."""
    told = page.get(f"/console/api/live?session={session_id}", headers={"Last-Event-ID": last} if last else {})
    assert told.status_code == 200
    lines = told.text.splitlines()
    ids = [line.removeprefix("id: ") for line in lines if line.startswith("id: ")]
    return [line.removeprefix("event: ") for line in lines if line.startswith("event: ")], ids[-1] if ids else last


def test_what_a_machine_tells_ends_the_wait_and_comes_once(page: FlaskClient, router: RouterUnderTest) -> None:
    agent = router.machine()
    session_id = router.session(agent, label="api")
    with agent.connected() as link:
        tell(link, session_id, 1, "one", "two")
        names, last = come(page, session_id)
        assert names == ["overview", "questions", "read", "chat", "did", "did"]

        told: list[str] = []

        def follow() -> None:
            nonlocal last
            while "did" not in told:
                names, last = come(page, session_id, last)
                told.extend(names)

        waiting = threading.Thread(target=follow)
        waiting.start()
        tell(link, session_id, 3, "three")
        waiting.join(wakeups.PATIENCE / 2)

        assert not waiting.is_alive()
        assert told.count("did") == 1
        assert last.startswith("3.")


def csrf(page: FlaskClient) -> dict[str, str]:
    shown = page.get("/console/").text
    return {"X-CSRF-Token": re.findall(r'name="csrf-token" content="([^"]+)"', shown)[0]}


def test_what_is_kept_for_later_is_seen_at_once_and_so_are_its_times(
    page: FlaskClient, router: RouterUnderTest
) -> None:
    session_id = router.session(router.machine(), label="api")
    first = page.get("/console/api/live?page=scheduled")
    last = first.text.rpartition("id: ")[2].splitlines()[0]
    told: list[str] = []

    def follow() -> None:
        nonlocal last
        while not any("event: scheduled" in each for each in told):
            told.append(page.get("/console/api/live?page=scheduled", headers={"Last-Event-ID": last}).text)
            last = told[-1].rpartition("id: ")[2].splitlines()[0] if "id: " in told[-1] else last

    waiting = threading.Thread(target=follow)
    waiting.start()
    asked = {"task": "TEXT", "when": "every day 9:00", "text": "sync", "session": session_id, "zone": "Europe/Berlin"}
    kept = page.application.test_client()
    kept.post("/console/login", data={"api_key": API_KEY})
    made = kept.post("/console/api/defer", json=asked | {"key": "k" * 8}, headers=csrf(kept)).json or {}
    waiting.join(wakeups.PATIENCE / 2)
    week = {"since": datetime.now(UTC).timestamp(), "until": (datetime.now(UTC) + timedelta(days=7)).timestamp()}
    times = kept.get("/console/api/occurrences", query_string=week).json

    assert not waiting.is_alive()
    assert made["deferred_id"] in told[-1]
    assert '"deferred":[]' in first.text
    assert len((times or {})["occurrences"]) == 7
    changed = {"deferred_id": made["deferred_id"], "change": "CANCEL", "key": "c" * 8}
    over = kept.post("/console/api/change-deferred", json=changed, headers=csrf(kept)).json or {}
    assert over["state"] == "cancelled"
