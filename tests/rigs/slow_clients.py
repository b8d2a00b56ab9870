"""Clients that would keep a server waiting for ever: each begins a request, and goes on by a byte, or not at all."""

import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

_STYLE = b"GET /console/static/console.css HTTP/1.1\r\nHost: x\r\n\r\n"
_CHUNKED = b"Transfer-Encoding: chunked\r\n"


@dataclass(frozen=True)
class Shape:
    """What a client says at first, and then again and again."""

    begins: bytes = b""
    goes_on: bytes = b""
    reads: bool = True


def shapes(api_key: str, path_secret: str) -> dict[str, Shape]:
    """What each kind is called, and does; some of them know a good key."""
    update = f"POST /webhook/telegram/{path_secret} HTTP/1.1\r\nHost: x\r\n".encode()
    command = b"POST /commands HTTP/1.1\r\nHost: x\r\n"
    stranger, known = command + b"X-API-Key: pmk_" + b"s" * 43 + b"\r\n", command + f"X-API-Key: {api_key}\r\n".encode()
    large = b"Content-Length: 900000\r\n\r\n"
    first_chunk = b"4400\r\n" + b" " * 0x4400 + b"\r\n"  # more than strangers may send
    return {
        "half open": Shape(),
        "slow head": Shape(b"GET /health HTTP/1.1\r\n", b"X-A: b\r\n"),
        "slow body": Shape(update + b"Content-Length: 500\r\n\r\n", b" "),
        "large body": Shape(stranger + large, b" "),
        "large body of a known sender": Shape(known + large, b" "),
        "chunks": Shape(stranger + _CHUNKED + b"\r\n", b"1\r\n \r\n"),
        "chunks of a known sender": Shape(known + _CHUNKED + b"\r\n" + first_chunk, b"1\r\n \r\n"),
        "half a chunk": Shape(update + _CHUNKED + b"\r\n500\r\n", b" "),
        "go-ahead": Shape(known + b"Expect: 100-continue\r\nContent-Length: 500\r\n\r\n"),
        "never reading": Shape(_STYLE * 150, _STYLE, reads=False),  # more than the kernel keeps for a client
        "never closing": Shape(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
    }


class SlowClients:
    """A crowd of them; whoever is sent away comes back at its next turn."""

    def __init__(self, port: int, kinds: list[Shape], number: int) -> None:
        self._port = port
        self._shapes = [kinds[each % len(kinds)] for each in range(number)]
        self._sockets: list[socket.socket | None] = [None] * number
        self.came = 0  # connections that were begun

    def turn(self, pause: Callable[[], object] = lambda: None) -> None:
        """Each says a little more, or comes back; `pause` comes between two of them."""
        for number, shape in enumerate(self._shapes):
            pause()
            if (client := self._sockets[number]) is None:
                self._sockets[number] = self._come(shape)
                continue
            try:
                if shape.goes_on:
                    client.send(shape.goes_on)
                gone = _has_gone(client, reads=shape.reads)
            except BlockingIOError:
                gone = False  # it does not read either
            except OSError:
                gone = True
            if gone:
                client.close()
                self._sockets[number] = None

    def _come(self, shape: Shape) -> socket.socket | None:
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            client.connect(("127.0.0.1", self._port))
            client.setblocking(False)
            with suppress(BlockingIOError):
                client.send(shape.begins)
        except OSError:
            client.close()
            return None
        self.came += 1
        return client

    def __enter__(self) -> "SlowClients":
        self.turn()
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._sockets:
            if client is not None:
                client.close()


def _has_gone(client: socket.socket, *, reads: bool) -> bool:
    """Whether the server has hung up."""
    try:
        return reads and not client.recv(4096)
    except BlockingIOError:
        return False
