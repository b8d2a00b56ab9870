"""The console's stream over real HTTP: pages that wait keep no thread, and all hear of what happens."""

import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.integration.router.harness import API_KEY
from tests.rigs.adapter import AdapterProcess, environment
from tests.rigs.faulty_router import FaultyRouter

PAGES = 40  # more than the server has threads


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    with FaultyRouter(tmp_path / "router") as router:
        router.add_session("s1")
        with AdapterProcess(environment(router.address), tmp_path) as process:
            yield process.port


def asked(port: int, method: str, path: str, body: str = "", **headers: str) -> tuple[http.client.HTTPResponse, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        return answer, answer.read().decode()
    finally:
        connection.close()


def logged_in(port: int) -> str:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer, _ = asked(port, "POST", "/console/login", urlencode({"api_key": API_KEY}), **form)
    return str(answer.headers["Set-Cookie"]).partition(";")[0]


def followed(port: int, cookie: str, last: str = "") -> str:
    more = {"Last-Event-ID": last} if last else {}
    answer, told = asked(port, "GET", "/console/api/live?session=s1", Cookie=cookie, **more)
    assert answer.status == 200
    return told


def last_id(told: str) -> str:
    return [line.removeprefix("id: ") for line in told.splitlines() if line.startswith("id: ")][-1]


def test_pages_that_wait_leave_the_threads_to_others_and_all_hear_of_a_command(port: int) -> None:
    cookie = logged_in(port)
    last = last_id(followed(port, cookie))

    with ThreadPoolExecutor(PAGES) as pool:
        waiting = [pool.submit(followed, port, cookie, last) for _ in range(PAGES)]
        # With all of them there, others are served at once: a page, and a command, which they hear of.
        page, shown = asked(port, "GET", "/console/api/overview", Cookie=cookie)
        sent, _ = asked(
            port, "POST", "/commands", json.dumps({"sessionId": "s1", "text": "hello"}), **{"X-API-Key": API_KEY}
        )
        told = [each.result() for each in waiting]

    assert (page.status, sent.status) == (200, 202)
    assert json.loads(shown)["sessions"][0]["session_id"] == "s1"
    assert all("event: chat" in each and "hello" in each for each in told)
