"""What the loop serves without a thread, over real HTTP: what one waits for keeps nobody else waiting."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from agentlink.v1.control_pb2 import SendCommandRequest

from tests.integration.router.harness import API_KEY
from tests.rigs.adapter import CHAT, SECRET_HEADER, WEBHOOK, AdapterProcess, environment
from tests.rigs.faulty_router import FaultyRouter
from tests.waiting import wait_until

THREADS = 16
PERSON = {"id": CHAT, "is_bot": False, "first_name": "Ada"}


@pytest.fixture
def router(tmp_path: Path) -> Iterator[FaultyRouter]:
    with FaultyRouter(tmp_path / "router") as router:
        router.add_session("s1")
        yield router


@pytest.fixture
def port(router: FaultyRouter, tmp_path: Path) -> Iterator[int]:
    with AdapterProcess(environment(router.address), tmp_path) as process:
        yield process.port


def post(port: int, body: dict[str, object], path: str = WEBHOOK) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", path, json.dumps(body), {**SECRET_HEADER, "X-API-Key": API_KEY})
        return connection.getresponse().status
    finally:
        connection.close()


def submissions_waiting(port: int) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/metrics", headers={"X-API-Key": API_KEY})
    told = connection.getresponse().read().decode()
    connection.close()
    return float(told.partition("\npointsman_submissions_waiting ")[2].split()[0])


def update(number: int, chat: int = CHAT, **more: object) -> dict[str, object]:
    message = {"message_id": number, "date": 1, "chat": {"id": chat}, "from": PERSON | {"id": chat}, "text": "hello"}
    return {"update_id": number, "message": message | more}


@contextmanager
def posting(port: int, bodies: list[dict[str, object]], path: str = WEBHOOK) -> Iterator[list[Future[int]]]:
    with ThreadPoolExecutor(len(bodies)) as pool:
        yield [pool.submit(post, port, body, path) for body in bodies]


@contextmanager
def held(router: FaultyRouter, method: str) -> Iterator[threading.Event]:
    """The router takes long to answer this."""
    gate = threading.Event()
    router.door.changes[method] = lambda _: gate.wait(20)
    try:
        yield gate
    finally:
        gate.set()


def test_more_updates_wait_for_the_router_than_there_are_threads(router: FaultyRouter, port: int) -> None:
    router.door.gate.clear()
    with posting(port, [update(number) for number in range(3 * THREADS)]) as waiting:
        wait_until(lambda: submissions_waiting(port) == 3 * THREADS)
        assert not any(each.done() for each in waiting)
        router.door.gate.set()

        assert {each.result(30) for each in waiting} == {200}
    assert len(router.door.submitted) == 3 * THREADS


def test_a_stranger_who_is_asked_about_keeps_nobody_waiting(router: FaultyRouter, port: int) -> None:
    asked = threading.Event()
    gate = threading.Event()
    router.door.changes["ReportStranger"] = lambda _: (asked.set(), gate.wait(20))
    with posting(port, [update(1, chat=CHAT + 1)]) as waiting:
        assert asked.wait(20)
        assert post(port, update(2)) == 200
        gate.set()

        assert waiting[0].result(30) == 200
    assert list(router.door.submitted) == ["telegram:4711:2"]


def test_a_file_that_is_brought_keeps_nobody_waiting(router: FaultyRouter, tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,  # it takes connections, and says nothing
        AdapterProcess(environment(router.address, f"http://127.0.0.1:{silent.getsockname()[1]}"), tmp_path) as process,
        posting(process.port, [update(1, document={"file_id": "f"})]) as waiting,
    ):
        assert post(process.port, update(2)) == 200
        assert not waiting[0].done()
        silent.close()

        assert waiting[0].result(30) == 200
    assert list(router.door.submitted) == ["telegram:4711:2", "telegram:4711:1"]


def test_commands_over_rest_wait_beside_updates(router: FaultyRouter, port: int) -> None:
    commands: list[dict[str, object]] = [{"sessionId": "s1", "text": f"go {number}"} for number in range(THREADS)]
    with held(router, "SendCommand") as gate, posting(port, commands, "/commands") as waiting:
        wait_until(lambda: len(router.door.asked(SendCommandRequest)) == THREADS)
        assert post(port, update(1)) == 200
        gate.set()

        assert {each.result(30) for each in waiting} == {202}
