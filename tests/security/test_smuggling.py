"""Requests that two readers may cut in different places: the adapter reads one request, or refuses and hangs up."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rigs.adapter import NOWHERE, AdapterProcess, environment

POST = "POST /cleanup HTTP/1.1\r\nHost: a\r\n"
SMUGGLED = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"
REST = f"0\r\n\r\n{SMUGGLED}"
LENGTH = f"Content-Length: {len(REST)}\r\n"

# What stands behind the head counts as its body, by one reading, and as a request of its own, by the other.
SHAPES = {
    "length and chunks": f"{POST}{LENGTH}{CHUNKED}\r\n{REST}",
    "chunks and length": f"{POST}{CHUNKED}{LENGTH}\r\n{REST}",
    "two lengths": f"{POST}Content-Length: 0\r\n{LENGTH}\r\n{REST}",
    "two lengths the other way": f"{POST}{LENGTH}Content-Length: 0\r\n\r\n{REST}",
    "a list of lengths": f"{POST}Content-Length: 0, {len(REST)}\r\n\r\n{REST}",
    "a length with a sign": f"{POST}Content-Length: +0\r\n\r\n{REST}",
    "a negative length": f"{POST}Content-Length: -1\r\n\r\n{REST}",
    "a length in hex": f"{POST}Content-Length: 0x0\r\n\r\n{REST}",
    "a length with an underscore": f"{POST}Content-Length: 0_0\r\n\r\n{REST}",
    "a length in foreign digits": f"{POST}Content-Length: \u0660\r\n\r\n{REST}",
    "an empty length": f"{POST}Content-Length: \r\n\r\n{REST}",
    "chunked twice": f"{POST}{CHUNKED}{CHUNKED}\r\n{REST}",
    "chunked and identity": f"{POST}Transfer-Encoding: identity\r\n{CHUNKED}{LENGTH}\r\n{REST}",
    "chunked, identity": f"{POST}Transfer-Encoding: chunked, identity\r\n{LENGTH}\r\n{REST}",
    "xchunked": f"{POST}Transfer-Encoding: xchunked\r\n{LENGTH}\r\n{REST}",
    "chunked with a tab": f"{POST}Transfer-Encoding:\tchunked\r\n{LENGTH}\r\n{REST}",
    "chunked behind a vertical tab": f"{POST}Transfer-Encoding: \x0bchunked\r\n{LENGTH}\r\n{REST}",
    "blank before the colon": f"{POST}Transfer-Encoding : chunked\r\n{LENGTH}\r\n{REST}",
    "blank before the length's colon": f"{POST}Content-Length : {len(REST)}\r\n\r\n{REST}",
    "a folded line": f"{POST}Transfer-Encoding:\r\n chunked\r\n{LENGTH}\r\n{REST}",
    "an underscore for the hyphen": f"{POST}Transfer_Encoding: chunked\r\n{LENGTH}\r\n{REST}",
    "a bare line feed": f"{POST}X: y\n{CHUNKED}{LENGTH}\r\n{REST}",
    "a bare carriage return": f"{POST}X: y\r{CHUNKED}{LENGTH}\r\n{REST}",
    "a zero byte in a name": f"{POST}Transfer-Enc\0oding: chunked\r\n{LENGTH}\r\n{REST}",
    "a chunk size with a sign": f"{POST}{CHUNKED}\r\n+0\r\n\r\n{SMUGGLED}",
    "a chunk size in 0x": f"{POST}{CHUNKED}\r\n0x0\r\n\r\n{SMUGGLED}",
    "a chunk that ends by line feed": f"{POST}{CHUNKED}\r\n0\n\n{SMUGGLED}",
}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = Path(tmp_path_factory.mktemp("smuggling"))
    with AdapterProcess(environment(NOWHERE.removeprefix("http://")), folder) as process:
        yield process.port


def answers(port: int, sent: str) -> list[int]:
    """The status of each answer until the adapter hangs up, or waits for more."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(sent.encode("utf-8"))
        client.shutdown(socket.SHUT_WR)
        said = b""
        while data := client.recv(65536):
            said += data
    return [int(status) for status in re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", said)]


def test_there_are_twenty_seven() -> None:
    assert len(SHAPES) == 27


@pytest.mark.parametrize("sent", SHAPES.values(), ids=SHAPES)
def test_no_request_comes_out_of_anothers_body(port: int, sent: str) -> None:
    told = answers(port, sent)

    assert 200 not in told, "the smuggled request was answered"
    # A refusal, and another one of the rest that is no request, before it hangs up.
    assert all(400 <= status < 600 for status in told)


def test_two_honest_requests_are_two(port: int) -> None:
    """Else the test above would see nothing whatever happens."""
    assert answers(port, SMUGGLED + SMUGGLED) == [200, 200]
