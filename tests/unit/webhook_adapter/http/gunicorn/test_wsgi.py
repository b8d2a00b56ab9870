"""A plain request is what gunicorn makes of it; what could be read in two ways is left to gunicorn."""

import io
from collections.abc import Callable, Iterable
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http import get_parser
from gunicorn.http import wsgi as gunicorn_wsgi

from webhook_adapter.http.gunicorn import wsgi

CLIENT, SERVER = ("203.0.113.5", 4711), ("127.0.0.1", 8080)
CFG = Config()
AROUND = wsgi.surroundings(CFG, SERVER)
HOST = b"Host: example.org\r\n"
HEAD = b"POST /webhook/telegram/a-b_c.d~e HTTP/1.1\r\n" + HOST
# What gunicorn adds for itself.
ITS_OWN = {"gunicorn.socket", "wsgi.early_hints", "wsgi.errors", "wsgi.input"}

PLAIN = {
    "a body": (HEAD + b"Content-Type: application/json\r\nContent-Length: 3\r\n\r\n", b"abc"),
    "the same with more of it": (HEAD + b"Content-Type: application/json\r\nContent-Length: 5\r\n\r\n", b"abcde"),
    "a length beside what looks like one": (HEAD + b"X-Content-Length: 3\r\nContent-Length: 3\r\n\r\n", b"abc"),
    "none": (HEAD + b"\r\n", b""),
    "a length of none": (HEAD + b"content-length:0\r\n\r\n", b""),
    "blanks and tabs": (HEAD + b"X-A: \t b c\td \t\r\nX-B:\r\n\r\n", b""),
    "a query": (HEAD.replace(b"~e", b"~e?x=team%2Fdocs&y=a+b&z") + b"\r\n", b""),
    "a query of nothing": (HEAD.replace(b"~e", b"~e?") + b"\r\n", b""),
    "kept": (HEAD + b"Connection: Keep-Alive\r\n\r\n", b""),
    "closed": (HEAD + b"connection: close\r\n\r\n", b""),
    "forwarded": (HEAD + b"X-Forwarded-For: 192.0.2.1, 192.0.2.2\r\nX-Forwarded-Proto: https\r\n\r\n", b""),
}
LEFT = {
    "an escaped path": (HEAD.replace(b"/a-b", b"/%61-b") + b"\r\n", b""),
    "a query with more in it": (HEAD.replace(b"~e", b"~e?x=y#z") + b"\r\n", b""),
    "two questions": (HEAD.replace(b"~e", b"~e?x=y?z") + b"\r\n", b""),
    "an empty step": (HEAD.replace(b"/a-b", b"//a-b") + b"\r\n", b""),
    "a whole address": (HEAD.replace(b" /", b" http://x/") + b"\r\n", b""),
    "another version": (HEAD.replace(b"1.1", b"1.0") + b"\r\n", b""),
    "no host": (HEAD.replace(HOST, b"X: y\r\n") + b"\r\n", b""),
    "two hosts": (HEAD + HOST + b"\r\n", b""),
    "a name twice": (HEAD + b"X-A: b\r\nx-a: c\r\n\r\n", b""),
    "a name with _": (HEAD + b"Content_Length: 3\r\n\r\n", b""),
    "a blank before the colon": (HEAD + b"X-A : b\r\n\r\n", b""),
    "a folded line": (HEAD + b"X-A: b\r\n c\r\n\r\n", b""),
    "a bare end of line": (HEAD + b"X-A: b\nX-C: d\r\n\r\n", b""),
    "a null": (HEAD + b"X-A: b\x00\r\n\r\n", b""),
    "beyond ASCII": (HEAD + b"X-A: \xe4\r\n\r\n", b""),
    "chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0\r\n\r\n"),
    "an expectation": (HEAD + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n", b"abc"),
    "an upgrade": (HEAD + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n", b""),
    "a length in two ways": (HEAD + b"Content-Length: 3\r\ncontent-length: 3\r\n\r\n", b"abc"),
    "its length behind another": (HEAD + b"Content-Length: 4\r\nContent-Length: 3\r\n\r\n", b"abc"),
    "another length": (HEAD + b"Content-Length: 4\r\n\r\n", b"abc"),
    "a length with a sign": (HEAD + b"Content-Length: +3\r\n\r\n", b"abc"),
    "a length with a zero": (HEAD + b"Content-Length: 03\r\n\r\n", b"abc"),
    "a length of nothing": (HEAD + b"Content-Length:\r\n\r\n", b""),
    "a body without a length": (HEAD + b"\r\n", b"abc"),
    "a short method": (HEAD.replace(b"POST", b"T") + b"\r\n", b""),
    "a long head": (HEAD + b"X-A: " + b"b" * 4096 + b"\r\n\r\n", b""),
    "many lines": (HEAD + b"".join(b"X-%d: b\r\n" % number for number in range(64)) + b"\r\n", b""),
    "two lengths": (HEAD + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\n", b"abc"),
}


@pytest.mark.parametrize("request_", PLAIN.values(), ids=PLAIN)
def test_it_is_what_gunicorn_makes_of_it(request_: tuple[bytes, bytes]) -> None:
    made = wsgi.environ(*request_, CLIENT, AROUND)
    read = next(get_parser(CFG, iter(request_), CLIENT))
    _, theirs = gunicorn_wsgi.create(read, None, CLIENT, SERVER, CFG)

    assert made is not None
    assert made["wsgi.input"].read() == read.body.read() == request_[1]
    assert {k: v for k, v in made.items() if k not in ITS_OWN} == {
        **{k: v for k, v in theirs.items() if k not in ITS_OWN},
        "wsgi.multithread": True,  # as its worker says
    }
    assert wsgi.is_kept(made) is not read.should_close()


@pytest.mark.parametrize("request_", LEFT.values(), ids=LEFT)
def test_what_is_not_plain_is_left_to_gunicorn(request_: tuple[bytes, bytes]) -> None:
    assert wsgi.environ(*request_, CLIENT, AROUND) is None


def application(*parts: bytes, headers: Iterable[tuple[str, str]] = ()) -> Callable[..., Iterable[bytes]]:
    def serve(_: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", list(headers))
        return parts

    return serve


@pytest.mark.parametrize(("is_kept", "said"), [(True, "keep-alive"), (False, "close")])
def test_an_answer_is_whole(is_kept: bool, said: str) -> None:
    told = wsgi.answer(application(b"a", b"b", headers=[("X-A", "é")]), {}, is_kept=is_kept)

    head, _, body = told.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert (status, body) == ("HTTP/1.1 200 OK", b"ab")
    assert parsedate_to_datetime(headers.pop("Date"))
    assert headers == {"Server": "gunicorn", "Connection": said, "X-A": "é", "Content-Length": "2"}


def test_what_is_done_to_one_requests_environ_is_not_seen_in_the_next() -> None:
    head = HEAD + b"Content-Length: 3\r\n\r\n"
    first = wsgi.environ(head, b"abc", CLIENT, AROUND)
    assert first is not None
    first["HTTP_HOST"] = "example.com"

    second = wsgi.environ(head, b"def", ("203.0.113.6", 1), AROUND)

    assert second is not None
    assert (second["HTTP_HOST"], second["REMOTE_ADDR"]) == ("example.org", "203.0.113.6")
    assert second["wsgi.input"].read() == b"def"


def test_a_length_that_was_said_is_said_once() -> None:
    told = wsgi.answer(application(b"ab", headers=[("content-length", "2")]), {}, is_kept=True)

    assert told.lower().count(b"content-length") == 1


def test_what_the_application_gave_is_closed() -> None:
    body = io.BytesIO(b"ab")

    assert wsgi.answer(lambda _, start: start("200 OK", []) or body, {}, is_kept=True).endswith(b"ab")
    assert body.closed
