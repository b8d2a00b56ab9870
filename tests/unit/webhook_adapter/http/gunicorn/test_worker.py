"""When a thread may begin to read a request."""

import pytest

from webhook_adapter.http.gunicorn.worker import is_readable

POST = b"POST / HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    "seen",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        POST + b"Content-Length: 3\r\n\r\nabc",
        POST + b"content-length:3\r\n\r\nabc",
        POST + b"Content-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n",
        POST + b"Content-Length: 0\r\n\r\n",
        POST + b"Content-Length: 2000000\r\n\r\n",
        POST + b"Content-Length: nonsense\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n",
        POST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n",
        b"x" * 16384,
    ],
)
def test_what_is_whole_or_cannot_be_waited_for_is_read(seen: bytes) -> None:
    assert is_readable(seen)


@pytest.mark.parametrize(
    "seen",
    [
        b"G",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        POST + b"Content-Length: 3\r\n\r\nab",
        POST + b"Content-Length: 10000\r\n\r\n" + b"x" * 9999,
    ],
)
def test_what_is_not_whole_waits_without_a_thread(seen: bytes) -> None:
    assert not is_readable(seen)
