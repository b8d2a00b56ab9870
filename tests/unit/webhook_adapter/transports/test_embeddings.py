"""What says what notes mean may be slow, silent, endless or rude: then there is no vector, and the router is told."""

import gzip
import itertools
import json
import logging
import random
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from webhook_adapter.backoff import Backoff
from webhook_adapter.model import Text
from webhook_adapter.transports import model_endpoint
from webhook_adapter.transports.embeddings import MOST_DIMENSIONS, Embeddings, vector_of
from webhook_adapter.transports.model_endpoint import ModelEndpoint, NoAnswer

KEY = "sk-secret"
TEXT = Text("note-1-abc", "use tabs", "small", 30.0)


def answer(embedding: object) -> bytes:
    return json.dumps({"data": [{"embedding": embedding}]}).encode()


class Rude(BaseHTTPRequestHandler):
    """Answers as the test says, and remembers what it was asked."""

    status, body = 200, b""
    ended = threading.Event()
    drips = 0
    asked: ClassVar[list[tuple[str, dict[str, object]]]] = []

    def do_POST(self) -> None:
        given = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append((self.headers.get("Authorization", ""), json.loads(given)))
        self.send_response(self.status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(self.body)
        for _ in range(self.drips):
            if self.ended.wait(0.02):
                return
            self.wfile.write(b" ")

    def do_GET(self) -> None:
        raise AssertionError("it was followed")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def endpoint() -> Iterator[ModelEndpoint]:
    Rude.asked.clear()
    Rude.status, Rude.drips = 200, 0
    Rude.ended.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Rude) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield ModelEndpoint(f"http://127.0.0.1:{server.server_port}/v1/embeddings", KEY)
        Rude.ended.set()
        server.shutdown()
        thread.join()


class Router:
    """Has one text."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Sequence[float]]] = []

    def take_text(self, _wait: float) -> Text | None:
        return None if self.told else TEXT

    def put_embedding(self, text: Text, values: Sequence[float]) -> None:
        self.told.append((text.text_id, values))


def asking(router: Router, endpoint: ModelEndpoint) -> Embeddings:
    return Embeddings(router, endpoint, threading.Event(), Backoff(1.0, 2.0, random.Random(1)))


def test_it_is_asked_with_model_and_key_and_the_router_has_the_answer(endpoint: ModelEndpoint) -> None:
    Rude.body = answer([0.5, -1, 2e-3])
    router = Router()

    assert [asking(router, endpoint).one(0.0) for _ in range(2)] == [True, False]
    assert router.told == [("note-1-abc", [0.5, -1, 2e-3])]
    assert Rude.asked == [
        (f"Bearer {KEY}", {"model": "small", "input": "use tabs", "encoding_format": "float"}),
    ]


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (500, b"oops", "HTTP 500"),
        (302, b"", "HTTP 302"),
        (200, b"", "its answer is not"),
        (200, b"<html>", "its answer is not"),
        (200, b'{"data": []}', "its answer is not"),
        (200, answer("words"), "its answer is not"),
        (200, answer([]), "its answer is not"),
        (200, answer([True]), "its answer is not"),
        (200, answer([float("nan")]), "its answer is not"),
        (200, answer([float("inf")]), "its answer is not"),
        (200, answer([1e200]), "its answer is not"),
        (200, answer([10**400]), "its answer is not"),
        (200, answer([1] * (MOST_DIMENSIONS + 1)), "its answer is not"),
        (200, b"[" * 100_000, "its answer is not"),
        (200, b"[" * 300_000, "too long"),
    ],
)
def test_a_rude_one_costs_a_try_and_the_router_is_told(
    endpoint: ModelEndpoint, status: int, body: bytes, why: str
) -> None:
    Rude.status, Rude.body = status, body
    router = Router()

    with pytest.raises(NoAnswer, match=why) as failed:
        asking(router, endpoint).one(0.0)
    assert router.told == [("note-1-abc", ())]
    assert not any(secret in str(failed.value) for secret in (KEY, TEXT.text))


def test_one_that_sends_a_byte_at_a_time_is_not_waited_for(
    endpoint: ModelEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    Rude.body, Rude.drips = b"{", 500
    looks = itertools.count(0.0, 0.6 * TEXT.seconds)  # so the second look is too late
    monkeypatch.setattr(model_endpoint, "monotonic", looks.__next__)

    with pytest.raises(NoAnswer, match="it took too long"):
        vector_of(endpoint, TEXT)


class InPieces(BaseHTTPRequestHandler):
    """As OpenAI's own answers: compressed, in chunks."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        whole = gzip.compress(answer([0.25] * 1536))
        for part in (whole[:7], whole[7:50], whole[50:], b""):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_an_answer_may_be_compressed_and_come_in_chunks() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), InPieces) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            there = ModelEndpoint(f"http://127.0.0.1:{server.server_port}/", KEY)
            assert vector_of(there, TEXT) == [0.25] * 1536
        finally:
            server.shutdown()
            thread.join()


def test_one_that_says_nothing_or_is_not_there() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Rude) as silent:
        there, text = ModelEndpoint(f"http://127.0.0.1:{silent.server_port}/", KEY), Text("query-1", "tabs", "m", 0.1)
        with pytest.raises(NoAnswer, match="too long"):
            vector_of(there, text)
    with pytest.raises(NoAnswer, match="ConnectionError"):
        vector_of(ModelEndpoint("http://127.0.0.1:1/", KEY), TEXT)


def test_neither_key_nor_text_stands_in_what_is_logged(
    endpoint: ModelEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    class Stops(Router):
        def put_embedding(self, text: Text, values: Sequence[float]) -> None:
            super().put_embedding(text, values)
            asker.stop.set()

    Rude.status = 500
    asker = asking(Stops(), endpoint)
    with caplog.at_level(logging.DEBUG):
        asker.run()

    assert "HTTP 500" in caplog.text
    assert not any(secret in caplog.text + repr(asker) + repr(TEXT) for secret in (KEY, "use tabs"))
