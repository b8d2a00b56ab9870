"""Whoever comes to the HTTP door slowly, or never to an end, keeps nobody else out of it."""

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from agentlink.v1.control_pb2 import ROLE_VIEWER

from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.rigs.adapter import (
    CHAT,
    PATH_SECRET,
    PATIENT_HEALTH,
    SECRET_HEADER,
    WEBHOOK,
    AdapterProcess,
    environment,
)
from tests.rigs.slow_clients import Shape, SlowClients, shapes
from tests.waiting import wait_until

SHAPES = list(shapes("", ""))
SLOW = 60  # half as many again as made it stop, and four for each thread
TURNS = 5
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
MOST_GROWN = 32 * 1024 * 1024  # bytes


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RouterUnderTest]:
    with serving(config(Path(tmp_path_factory.mktemp("router")))) as router:
        yield router


@pytest.fixture(scope="module")
def adapter(router: RouterUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdapterProcess]:
    settings = environment(router.address, POINTSMAN_HTTP_RATE="1000")  # a test asks more often than people do
    with AdapterProcess(settings, tmp_path_factory.mktemp("adapter"), first=PATIENT_HEALTH) as process:
        yield process


@pytest.fixture(scope="module")
def kinds(router: RouterUnderTest) -> dict[str, Shape]:
    return shapes(router.key(ROLE_VIEWER), PATH_SECRET)


@pytest.fixture(scope="module")
def impatient(router: RouterUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdapterProcess]:
    folder = tmp_path_factory.mktemp("impatient")
    with AdapterProcess(environment(router.address), folder, is_patient=False) as process:
        yield process


def update(number: int) -> bytes:
    sender = {"id": CHAT, "is_bot": False, "first_name": "Ada"}
    message = {"message_id": number, "date": 1, "chat": {"id": CHAT}, "from": sender, "text": "/sessions"}
    return json.dumps({"update_id": number, "message": message}).encode()


def served(port: int, number: int) -> list[int]:
    """How somebody from each side is served: a chat platform, a script, a browser, a load balancer."""
    key = {"X-API-Key": API_KEY}
    asked = [
        ("POST", WEBHOOK, update(number), SECRET_HEADER),
        ("GET", "/sessions", b"", key),
        ("POST", "/commands", b" " * 100_000 + b"{}", key),
        ("GET", "/console/login", b"", {}),
        ("GET", "/health/ready", b"", {}),
    ]
    return [status(port, *request) for request in asked]


def status(port: int, method: str, path: str, body: bytes, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


EVERYBODY = [200, 200, 400, 200, 200]  # 400: the command lacks what it needs, and its body was read to the end


@pytest.mark.parametrize("shape", SHAPES)
def test_slow_clients_keep_nobody_out(adapter: AdapterProcess, kinds: dict[str, Shape], shape: str) -> None:
    with SlowClients(adapter.port, [kinds[shape]], SLOW) as slow:
        for turn in range(TURNS):
            slow.turn()
            assert served(adapter.port, hash(shape) % 1_000_000 + turn) == EVERYBODY

        assert slow.came >= SLOW


def test_a_crowd_of_all_kinds_costs_little_memory(adapter: AdapterProcess, kinds: dict[str, Shape]) -> None:
    assert served(adapter.port, 1_000_001) == EVERYBODY
    before = adapter.memory()

    with SlowClients(adapter.port, list(kinds.values()), 400) as slow:
        for turn in range(TURNS):
            slow.turn()
            assert served(adapter.port, 1_000_002 + turn) == EVERYBODY
        grown = adapter.memory() - before

    assert grown <= MOST_GROWN


@pytest.mark.parametrize(
    ("credential", "answers"),
    [
        ("X-API-Key: pmk_" + "w" * 43, {401, 429}),  # the latter where others here tried too many wrong ones before
        ("X-Other: none", {401}),
        (f"X-API-Key: {API_KEY}", {100}),
    ],
    ids=["a wrong key", "none", "a good key"],
)
def test_a_large_body_is_asked_for_where_its_sender_is_known(
    adapter: AdapterProcess, credential: str, answers: set[int]
) -> None:
    head = (
        f"POST /commands HTTP/1.1\r\nHost: x\r\n{credential}\r\nExpect: 100-continue\r\nContent-Length: 900000\r\n\r\n"
    )

    assert first_word(adapter.port, head.encode()) in answers


@pytest.mark.parametrize(
    ("secrets", "answers"),
    [({}, 401), ({"X-Telegram-Bot-Api-Secret-Token": "guessed"}, 401), (SECRET_HEADER, 100)],
    ids=["none", "a wrong one", "the right one"],
)
def test_a_large_update_is_asked_for_where_it_shows_its_secret(
    adapter: AdapterProcess, secrets: dict[str, str], answers: int
) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in secrets.items())
    head = f"POST {WEBHOOK} HTTP/1.1\r\nHost: x\r\n{lines}Expect: 100-continue\r\nContent-Length: 900000\r\n\r\n"

    assert first_word(adapter.port, head.encode()) == answers


@pytest.mark.parametrize(
    "body", [b"zz\r\n", b"1\r\nxy\r\n0\r\n\r\n", b"-1\r\n", b"1" * 300, b"1;\x00\r\nx\r\n0\r\n\r\n"]
)
def test_a_malformed_chunk_is_the_clients_mistake(adapter: AdapterProcess, body: bytes) -> None:
    key = f"X-API-Key: {API_KEY}\r\n".encode()
    head = b"POST /commands HTTP/1.1\r\nHost: x\r\n" + key + b"Transfer-Encoding: chunked\r\n\r\n"

    assert first_word(adapter.port, head + body) == 400


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"", b""),
        (b"GET /health HTTP/1.1\r\n", b"HTTP/1.1 408 "),
        (b"POST /commands HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12", b"HTTP/1.1 408 "),
        (b"POST /commands HTTP/1.1\r\nHost: x\r\n" + CHUNKED + b"5\r\n12", b"HTTP/1.1 408 "),
    ],
    ids=["nothing", "half a head", "half a body", "half a chunk"],
)
def test_who_does_not_come_to_an_end_is_sent_away(impatient: AdapterProcess, sent: bytes, answer: bytes) -> None:
    with socket.create_connection(("127.0.0.1", impatient.port), timeout=20) as client:
        client.sendall(sent)

        said = told(client)

    assert said[: len(answer)] == answer
    assert bool(said) == bool(answer)


def test_so_is_who_does_not_take_the_answer(impatient: AdapterProcess) -> None:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(20)
        client.connect(("127.0.0.1", impatient.port))
        client.sendall(b"GET /console/static/console.css HTTP/1.1\r\nHost: x\r\n\r\n" * 300)
        ours = client.getsockname()[1]
        # What the kernel still holds for such a client it may drop without a word, so that nothing is read here.
        assert wait_until(lambda: ours not in impatient.ports_of_clients())


def test_it_stops_though_slow_clients_are_there(router: RouterUnderTest, tmp_path: Path) -> None:
    crowd = list(shapes(API_KEY, PATH_SECRET).values())
    with (
        AdapterProcess(environment(router.address), tmp_path) as adapter,
        SlowClients(adapter.port, crowd, 2 * len(crowd)) as slow,
    ):
        slow.turn()

        assert adapter.end() == 0


def test_one_too_many_ends_the_one_that_has_waited_longest(adapter: AdapterProcess) -> None:
    with ExitStack() as crowd:
        first = crowd.enter_context(socket.create_connection(("127.0.0.1", adapter.port), timeout=20))
        others = [
            crowd.enter_context(socket.create_connection(("127.0.0.1", adapter.port), timeout=20)) for _ in range(256)
        ]

        assert first.recv(1) == b""
        others[-1].sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert others[-1].recv(1000).startswith(b"HTTP/1.1 200")


def test_what_a_client_does_not_read_is_kept_for_it(adapter: AdapterProcess) -> None:
    asked = b"GET /console/static/console.css HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(20)
        client.connect(("127.0.0.1", adapter.port))
        client.sendall(asked * 299 + asked.replace(b"Host: x", b"Host: x\r\nConnection: close"))
        assert served(adapter.port, 2_000_000) == EVERYBODY

        said = told(client)

    assert said.count(b"HTTP/1.1 200 OK") == 300


def test_a_login_takes_no_large_form(adapter: AdapterProcess) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    assert status(adapter.port, "POST", "/console/login", b"api_key=" + b"x" * 100_000, form) == 413


def told(client: socket.socket) -> bytes:
    """All that comes until the adapter hangs up."""
    return b"".join(iter(lambda: client.recv(65536), b""))


def first_word(port: int, sent: bytes) -> int:
    """The status of the first answer, interim or not."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(sent)
        return int(client.recv(1000).split()[1])
