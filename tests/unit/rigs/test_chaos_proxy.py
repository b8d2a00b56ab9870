"""The proxy does to bytes what it says, and nothing when nothing was asked."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.rigs.chaos_proxy import ChaosProxy, Wire
from tests.waiting import wait_until

PATIENCE = 10.0  # seconds


class Echo:
    """A server that sends back what it gets."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        try:
            while data := connection.recv(65536):
                connection.sendall(data)
        except OSError:
            return


@pytest.fixture
def proxy() -> Iterator[ChaosProxy]:
    echo = Echo()
    with ChaosProxy(echo.port) as one:
        yield one
    echo.close()


@contextmanager
def connected(proxy: ChaosProxy) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", proxy.port), PATIENCE) as client:
        wait_until(proxy.live)
        yield client


def answer(client: socket.socket, data: bytes) -> bytes:
    """What comes back for these bytes, as many as were sent."""
    client.sendall(data)
    got = b""
    while len(got) < len(data) and (more := client.recv(65536)):
        got += more
    return got


def corrupt(wire: Wire) -> None:
    wire.up.corrupt = True


def cut_after_four(wire: Wire) -> None:
    wire.up.cut_after = 4


def swallow_up(wire: Wire) -> None:
    wire.up.swallow = True


def crawl(wire: Wire) -> None:
    wire.down.rate = 50.0


def test_in_calm_weather_bytes_arrive_as_they_were(proxy: ChaosProxy) -> None:
    with connected(proxy) as client:
        assert answer(client, b"x" * 300_000) == b"x" * 300_000


def test_a_corrupted_byte_is_one_byte(proxy: ChaosProxy) -> None:
    with connected(proxy) as client:
        proxy.each(corrupt)

        assert answer(client, b"abcd") == b"abct"
        assert answer(client, b"abcd") == b"abcd"


def test_a_cut_lets_so_many_bytes_through_and_resets(proxy: ChaosProxy) -> None:
    with connected(proxy) as client:
        (wire,) = proxy.each(cut_after_four)
        client.sendall(b"abcdefgh")

        wait_until(lambda: wire.over)
        with pytest.raises(ConnectionResetError):
            client.recv(100)


def test_a_reset_is_seen_as_one(proxy: ChaosProxy) -> None:
    with connected(proxy) as client:
        proxy.each(Wire.reset)

        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_what_is_swallowed_never_arrives_and_the_sender_is_not_told(proxy: ChaosProxy) -> None:
    with connected(proxy) as client:
        (wire,) = proxy.each(swallow_up)
        client.sendall(b"into the void")
        client.settimeout(0.3)

        with pytest.raises(TimeoutError):
            client.recv(1)
        assert (wire.client_gone_at, wire.server_gone_at) == (None, None)


def test_the_end_of_a_swallowed_side_is_swallowed_too_and_noted(proxy: ChaosProxy) -> None:
    with connected(proxy) as client:
        (wire,) = proxy.each(swallow_up)
        client.shutdown(socket.SHUT_WR)

        wait_until(lambda: wire.client_gone_at)
        assert wire.server_gone_at is None


def test_a_half_closed_link_still_brings_what_comes_back(proxy: ChaosProxy) -> None:
    with connected(proxy) as client:
        assert answer(client, b"first") == b"first"
        proxy.each(Wire.half_close)

        assert client.recv(1) == b""


def test_a_slow_link_brings_every_byte(proxy: ChaosProxy) -> None:
    with connected(proxy) as client:
        proxy.each(crawl)

        assert answer(client, b"drop by drop") == b"drop by drop"


def test_new_connections_go_to_the_new_upstream(proxy: ChaosProxy) -> None:
    other = Echo()
    proxy.upstream = other.port
    with connected(proxy) as client:
        assert answer(client, b"hello") == b"hello"
    proxy.each(Wire.reset)
    other.close()
