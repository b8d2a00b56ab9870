"""The HTTP process under real gunicorn, over real sockets."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from agentlink.v1.control_pb2 import GetNotificationRequest, GetStatsRequest
from agentlink.v1.types_pb2 import ChatRef

from tests.integration.router.harness import API_KEY
from tests.integration.router.let_in import let_follow
from tests.rigs.adapter import CHAT, PATH_SECRET, PATIENT_HEALTH, SECRET_HEADER, WEBHOOK, AdapterProcess, environment
from tests.rigs.faulty_router import FaultyRouter
from tests.waiting import wait_until

LIMIT = 1024 * 1024


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FaultyRouter, AdapterProcess]]:
    with FaultyRouter(tmp_path_factory.mktemp("router")) as router:
        router.add_session("s1")
        let_follow(router.real.write, "s1", ChatRef(transport="telegram", chat_id=str(CHAT)))
        folder = tmp_path_factory.mktemp("adapter")
        with AdapterProcess(environment(router.address), folder, first=PATIENT_HEALTH) as process:
            yield router, process


@pytest.fixture
def router(world: tuple[FaultyRouter, AdapterProcess]) -> FaultyRouter:
    return world[0]


@pytest.fixture
def process(world: tuple[FaultyRouter, AdapterProcess]) -> AdapterProcess:
    return world[1]


@pytest.fixture
def port(process: AdapterProcess) -> int:
    return process.port


def body(number: int) -> bytes:
    sender = {"id": CHAT, "is_bot": False, "first_name": "Ada"}
    message = {"message_id": number, "date": 1, "chat": {"id": CHAT}, "from": sender, "text": "hello"}
    return json.dumps({"update_id": number, "message": message}).encode()


def post(port: int, sent: bytes | Iterator[bytes], path: str = WEBHOOK) -> tuple[int, dict[str, str]]:
    """Status and headers; an iterator is sent in chunks that do not tell the length."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("POST", path, sent, SECRET_HEADER)
        answer = connection.getresponse()
        answer.read()
        return answer.status, dict(answer.getheaders())
    finally:
        connection.close()


def status(port: int, sent: bytes) -> int:
    return post(port, sent)[0]


def test_it_says_once_where_it_listens(process: AdapterProcess, port: int) -> None:
    assert process.stdout == f"ready adapter http://127.0.0.1:{port}\n"


def test_an_update_over_real_http(router: FaultyRouter, port: int) -> None:
    assert status(port, body(1)) == 200
    assert router.door.submitted["telegram:4711:1"].text == "hello"


def test_ten_copies_at_once_are_one(router: FaultyRouter, port: int) -> None:
    with ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(lambda _: status(port, body(2)), range(10)))

    assert statuses == [200] * 10
    assert router.door.submit_calls.count("telegram:4711:2") == 10
    assert "telegram:4711:2" in router.door.submitted


def test_a_connection_serves_many_updates(router: FaultyRouter, port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.connect()
    first = connection.sock.getsockname()
    statuses = []
    for number in range(100, 120):
        connection.request("POST", WEBHOOK, body(number), SECRET_HEADER)
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    last = connection.sock.getsockname()
    connection.close()

    assert statuses == [200] * 20
    assert first == last
    assert "telegram:4711:119" in router.door.submitted


def test_while_the_router_is_away_updates_are_asked_for_again(router: FaultyRouter, port: int) -> None:
    router.stop()
    away, headers = post(port, body(3))
    router.start()

    wait_until(lambda: status(port, body(3)) == 200)

    assert (away, headers["Retry-After"]) == (503, "2")
    assert "telegram:4711:3" in router.door.submitted


@pytest.mark.parametrize("size", [LIMIT + 1, 3 * LIMIT])
def test_a_body_that_is_too_large_is_413(port: int, size: int) -> None:
    assert status(port, b"x" * size) == 413


@pytest.mark.parametrize("chunks", [17, 40])
def test_a_body_that_does_not_tell_its_length_is_measured(port: int, chunks: int) -> None:
    assert post(port, iter([b"x" * 65536] * chunks))[0] == 413


def test_a_body_in_chunks_of_just_the_limit_is_taken(port: int) -> None:
    whole = body(10)

    assert post(port, iter([whole, b" " * (LIMIT - len(whole))]))[0] == 200
    assert post(port, iter([whole, b" " * (LIMIT - len(whole) + 1)]))[0] == 413


def test_a_body_in_chunks_is_taken(router: FaultyRouter, port: int) -> None:
    whole = body(4)

    assert post(port, iter([whole[:20], whole[20:]]))[0] == 200
    assert "telegram:4711:4" in router.door.submitted


def test_a_large_update_is_taken(router: FaultyRouter, port: int) -> None:
    padded = json.dumps({**json.loads(body(5)), "padding": "x" * 500_000}).encode()

    assert status(port, padded) == 200
    assert "telegram:4711:5" in router.door.submitted


HEAD = f"POST {WEBHOOK} HTTP/1.1\r\nHost: x\r\nX-Telegram-Bot-Api-Secret-Token: header-secret\r\n".encode()


@pytest.mark.parametrize(
    "sent",
    [b"", b"P", HEAD, HEAD + b"Content-Length: 500\r\n\r\n", HEAD + b"Content-Length: 500\r\n\r\n" + b"x" * 499],
    ids=["nothing", "a byte", "half a head", "a head", "almost all"],
)
def test_slow_clients_block_nobody(port: int, sent: bytes) -> None:
    with ExitStack() as slow:
        for _ in range(40):
            client = slow.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(sent)

        assert status(port, body(6)) == 200


@pytest.mark.parametrize("sent", [b"P", HEAD, HEAD + b"Content-Length: 500\r\n\r\nx"], ids=["a byte", "a head", "more"])
def test_a_client_that_hangs_up_in_the_middle_is_let_go_at_once(port: int, sent: bytes) -> None:
    """Its end makes the connection readable for ever: waiting for the rest would turn in a circle."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)

        assert b" 200 " not in client.recv(1000)  # the time for a whole request is longer than our patience


def test_a_slow_client_is_served_in_the_end(router: FaultyRouter, port: int) -> None:
    whole = body(7)
    request = HEAD + f"Content-Length: {len(whole)}\r\nConnection: close\r\n\r\n".encode() + whole
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        for start in range(0, len(request), 40):
            client.sendall(request[start : start + 40])
            assert status(port, body(8)) == 200  # others are served between its pieces
        answer = client.recv(1000)

    assert answer.startswith(b"HTTP/1.1 200")
    assert "telegram:4711:7" in router.door.submitted


@pytest.mark.parametrize("padding", [0, 100_000])
def test_a_client_that_waits_for_a_word_before_its_body_gets_it(router: FaultyRouter, port: int, padding: int) -> None:
    whole = body(20 + padding) + b" " * padding
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(HEAD + f"Expect: 100-continue\r\nContent-Length: {len(whole)}\r\n\r\n".encode())
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(whole)
        assert client.recv(1000).startswith(b"HTTP/1.1 200")

    assert f"telegram:4711:{20 + padding}" in router.door.submitted


def test_a_client_that_does_not_hang_up_after_its_answer_blocks_nobody(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 200")

        assert status(port, body(9)) == 200


def test_waiting_for_deliveries_leaves_threads_for_updates(router: FaultyRouter, port: int) -> None:
    gate = router.door.gate  # also what holds the fate of notifications back, below
    gate.clear()
    router.door.changes["GetNotification"] = lambda _: gate.wait(20)
    notice = json.dumps({"sessionId": "s1", "chatId": CHAT, "text": "done"}).encode()

    def send(_: int) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("POST", "/notifications/send", notice, {"X-API-Key": API_KEY})
        found = connection.getresponse().status
        connection.close()
        return found

    with ThreadPoolExecutor(10) as pool:
        waiting = [pool.submit(send, number) for number in range(10)]
        wait_until(lambda: len(router.door.asked(GetNotificationRequest)) == 10)
        health = http.client.HTTPConnection("127.0.0.1", port, timeout=15)  # those before it wait for 20
        health.request("GET", "/health")
        assert health.getresponse().status == 200
        health.close()
        gate.set()
        assert {each.result(20) for each in waiting} == {202}
    router.door.changes.clear()


LARGE = f"POST /commands HTTP/1.1\r\nHost: x\r\nX-API-Key: {API_KEY}\r\nContent-Length: 900000\r\n\r\n"
AHEAD = "GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize("sent", [LARGE, AHEAD], ids=["large bodies", "asked ahead"])
def test_what_crowds_do_holds_few_threads_however_long_the_router_takes(
    router: FaultyRouter, process: AdapterProcess, port: int, sent: str
) -> None:
    gate = threading.Event()
    router.door.changes["GetStats"] = lambda _: gate.wait(20)
    before = len(router.door.asked(GetStatsRequest))
    with ExitStack() as crowd:
        crowd.callback(gate.set)
        each = [crowd.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(40)]
        ports = {one.getsockname()[1] for one in each}
        for one in each:
            one.sendall(sent.encode())
        wait_until(lambda: len(router.door.asked(GetStatsRequest)) >= before + 2)

        assert status(port, body(30)) == 200
        assert len(router.door.asked(GetStatsRequest)) < before + 16  # as many as there are threads
    wait_until(lambda: not ports & process.ports_of_clients())  # else the next test counts what they asked for
    router.door.changes.clear()


def test_who_reads_nothing_is_served_little_of_what_it_asks_for_ahead(tmp_path: Path) -> None:
    page = b"GET /console/static/console.css HTTP/1.1\r\nHost: x\r\n\r\n"
    with (
        FaultyRouter(tmp_path) as router,
        AdapterProcess(environment(router.address), tmp_path, is_patient=False) as process,
        socket.socket() as client,
    ):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", process.port))
        ours, before = client.getsockname()[1], len(router.door.asked(GetStatsRequest))
        client.sendall((b"GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n" + page) * 100)
        wait_until(lambda: ours not in process.ports_of_clients())  # it was waited for, and sent away

        assert 1 <= len(router.door.asked(GetStatsRequest)) - before <= 5


def test_malformed_http_shows_no_secret(process: AdapterProcess, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(f"POST {WEBHOOK} HTTP/9.9\r\n\r\n".encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 4")

    assert PATH_SECRET not in process.log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_and_answers_what_it_began(tmp_path: Path, number: signal.Signals) -> None:
    with FaultyRouter(tmp_path) as router, AdapterProcess(environment(router.address), tmp_path) as process:
        port = process.port
        router.door.gate.clear()
        with ThreadPoolExecutor(2) as pool:
            waiting = pool.submit(status, port, body(1))
            wait_until(lambda: router.door.frames)
            stopped = pool.submit(process.end, number)
            wait_until(lambda: "Handling signal" in process.log)
            router.door.gate.set()

            assert waiting.result(20) == 200
            assert stopped.result(20) == 0


def test_it_starts_in_a_folder_with_hostile_names(tmp_path: Path) -> None:
    for name in ("router", "agent", "agentlink", "webhook_adapter", "flask", "gunicorn", "json"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('imported from the working folder')")
    environ: dict[str, Any] = {**environment("127.0.0.1:9"), "PYTHONPATH": "."}

    with AdapterProcess(environ, tmp_path) as process:
        assert process.port
        assert status(process.port, body(1)) == 503
        assert process.end() == 0
    assert not (tmp_path / "gunicorn.ctl").exists()


def test_a_bad_setting_is_named_and_nothing_starts(tmp_path: Path) -> None:
    with AdapterProcess(environment("127.0.0.1:9", TELEGRAM_WEBHOOK_SECRET=""), tmp_path) as process:
        assert process.wait() == 2
        assert "TELEGRAM_WEBHOOK_SECRET" in process.log
        assert process.stdout == ""


def test_a_taken_port_is_a_failure(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with AdapterProcess(environment("127.0.0.1:9", POINTSMAN_HTTP_LISTEN=address), tmp_path) as process:
            assert process.wait() == 1
            assert process.stdout == ""


def test_a_gunicorn_of_ones_own_can_serve_it(router: FaultyRouter, tmp_path: Path) -> None:
    start = [sys.executable, "-I", "-m", "gunicorn", "-b", "127.0.0.1:0"]
    start += ["-c", "python:webhook_adapter.http.gunicorn.conf"]
    environ = {"PATH": os.environ["PATH"], **environment(router.address)}
    log = tmp_path / "log"
    with log.open("w") as out:
        process = subprocess.Popen([*start, "webhook_adapter.wsgi"], env=environ, cwd=tmp_path, stderr=out)
    try:
        found = wait_until(lambda: re.search(r"Listening at: http://127.0.0.1:(\d+)", log.read_text()), 30)
        assert status(int(found[1]), body(11)) == 200
    finally:
        process.terminate()
        process.wait(30)
