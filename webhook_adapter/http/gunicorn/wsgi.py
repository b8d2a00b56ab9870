"""A plain request as an application of WSGI wants it, and its answer as bytes: a seventh of gunicorn's work.

Plain is what can be read in one way alone. All else is left to gunicorn, so that nothing is decided here about what is
malformed, or unusual.
"""

import functools
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gunicorn import SERVER
from gunicorn.config import Config
from gunicorn.http.wsgi import base_environ
from gunicorn.util import http_date

from webhook_adapter.http.gunicorn.request import WholeBody

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_PLAIN = re.compile(
    # A path in which nothing is escaped, and what stands behind its question mark as it is: the application reads that.
    rb"([A-Z]{3,20}) ((?:/[A-Za-z0-9._~-]+)+)(?:\?([A-Za-z0-9._~=&%+-]*))? HTTP/1\.1\r\n"
    rb"((?:[A-Za-z0-9-]+:[ \t]*(?:[!-~][ -~\t]*)?\r\n)+)\r\n"
)
_MOST_HEAD, _MOST_LINES = 4 * 1024, 64  # below what gunicorn takes
# What says how the message is framed, or asks for more than an answer.
_UNUSUAL = frozenset({"HTTP_TRANSFER_ENCODING", "HTTP_EXPECT", "HTTP_UPGRADE", "HTTP_TE", "HTTP_TRAILER"})
_KEPT = {"keep-alive": True, "close": False}


def surroundings(cfg: Config, server: tuple[Any, ...]) -> dict[str, Any]:
    """What is the same in the environ of each request."""
    fixed = {"wsgi.multithread": True, "wsgi.url_scheme": "http", "SERVER_PROTOCOL": "HTTP/1.1"}
    here = {"SERVER_NAME": server[0], "SERVER_PORT": str(server[1]), "SCRIPT_NAME": "", "QUERY_STRING": ""}
    return {**base_environ(cfg), **fixed, **here}


def environ(head: bytes, body: bytes, client: tuple[Any, ...], around: Mapping[str, Any]) -> dict[str, Any] | None:
    """For the application, as gunicorn makes it; None where the request is not plain."""
    if len(head) > _MOST_HEAD:
        return None
    # Without its body's length a client's head is mostly the one that it sent before.
    known = head.replace(b"\r\nContent-Length: %d\r\n" % len(body), b"\r\n", 1)
    said, is_length_told = _read(known), len(known) < len(head)
    if said is None:
        return None
    if (length := said.get("CONTENT_LENGTH")) is not None:
        if is_length_told or length != str(len(body)):
            return None
    elif body and not is_length_told:
        return None
    made = {**around, **said}
    made["REMOTE_ADDR"], made["REMOTE_PORT"] = client[0], str(client[1])
    made["wsgi.input"] = WholeBody(body)
    if is_length_told:
        made["CONTENT_LENGTH"] = str(len(body))
    return made


@functools.lru_cache(maxsize=256)
def _read(head: bytes) -> Mapping[str, str] | None:
    """What it says; None where that is not plain."""
    plain = _PLAIN.fullmatch(head)
    if plain is None or plain[4].count(b"\n") > _MOST_LINES:
        return None
    lines = plain[4].decode("ascii").split("\r\n")[:-1]
    told = {_name(name): value.strip(" \t") for name, _, value in [line.partition(":") for line in lines]}
    if len(told) < len(lines):  # one stands there twice
        return None
    if "HTTP_HOST" not in told or not _UNUSUAL.isdisjoint(told):
        return None
    if told.get("HTTP_CONNECTION", "close").lower() not in _KEPT:
        return None
    path, asked = plain[2].decode("ascii"), plain[3]
    made = {**told, "REQUEST_METHOD": plain[1].decode("ascii"), "PATH_INFO": path, "RAW_URI": path}
    if asked is not None:
        made |= {"QUERY_STRING": asked.decode("ascii"), "RAW_URI": f"{path}?{asked.decode('ascii')}"}
    for name in ("CONTENT_LENGTH", "CONTENT_TYPE"):
        if (value := made.pop(f"HTTP_{name}", None)) is not None:
            made[name] = value
    return made


@functools.lru_cache(maxsize=256)
def _name(of_header: str) -> str:
    return f"HTTP_{of_header.upper().replace('-', '_')}"


def is_kept(environ: Mapping[str, Any]) -> bool:
    """Whether the client wants to send more on its connection."""
    return _KEPT[environ.get("HTTP_CONNECTION", "keep-alive").lower()]


@functools.lru_cache(maxsize=16)
def _first_lines(status: str, now: int, *, is_kept: bool) -> str:
    """What became of it, who answers, and when: the same for a second."""
    connection = "keep-alive" if is_kept else "close"
    return f"HTTP/1.1 {status}\r\nServer: {SERVER}\r\nDate: {http_date(now)}\r\nConnection: {connection}"


def answer(application: Application, environ: dict[str, Any], *, is_kept: bool) -> bytes:
    """What the application says, whole."""
    began: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None) -> None:  # noqa: ANN401
        began[:] = status, headers

    parts = application(environ, start_response)
    try:
        body = b"".join(parts)
    finally:
        getattr(parts, "close", lambda: None)()
    status, headers = began
    said = "".join([f"\r\n{name}: {value}" for name, value in headers])
    if "\r\ncontent-length: " not in said.lower():
        said += f"\r\nContent-Length: {len(body)}"
    begins = _first_lines(status, int(time.time()), is_kept=is_kept)
    return f"{begins}{said}\r\n\r\n".encode("latin-1") + body
