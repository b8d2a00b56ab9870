"""One request as it comes in: how much of it is there, when it is whole, and when it is refused unread. No I/O.

Where a request ends is said here alone. gunicorn, which then reads it, is given the bytes up to there and no more:
where its reading differs it finds too few or too many, and the connection ends. No request comes out of another's body.
"""

import io
import re
from enum import Enum, auto
from http import HTTPStatus

MAX_BODY = 1024 * 1024
"""Bytes: twice the largest that a platform is known to post."""
FREE_BODY = 16 * 1024
"""Bytes of a body that anybody may send; more is for senders whom the application knows."""

_MOST_HEAD = 16 * 1024  # bytes
_MOST_FRAMED = 2 * MAX_BODY  # bytes of a body in chunks, with what frames them
_MOST_SIZE_LINE = 256  # bytes
_MOST_TRAILERS = 4 * 1024  # bytes
_WITHIN = 30.0  # seconds for a request, and beside them
_LEAST_RATE = 16 * 1024  # a second for so many bytes of it

_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,15})[ \t]*\r\n", re.IGNORECASE)
_CODING = re.compile(rb"\r\ntransfer-encoding:[ \t]*([^\r\n]*?)[ \t]*\r\n", re.IGNORECASE)
_EXPECTS = re.compile(rb"\A[^\r\n]* HTTP/1\.1\r\n(?s:.*\r\n)?expect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?")


class WholeBody(io.BytesIO):
    """A body as it was sent, of a length that may be: there is nothing left to come, and nothing behind it."""


class Refused(Exception):
    """It is not read on."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status


class Progress(Enum):
    """How far a request has come."""

    COMING = auto()
    KNOWN_SENDER_WANTED = auto()  # its head is there, and more body than anybody may send is to come
    WHOLE = auto()


class Request:
    """The bytes of one request, and behind them those of the next one that came along."""

    def __init__(self, data: bytes, now: float) -> None:
        self._data = bytearray(data)
        self._began = now
        self._body_at = 0  # 0: its head has not come
        self._length: int | None = 0  # of its body; None where that comes in chunks
        self._ends_at = 0  # 0: it is not whole
        self._chunk_at = 0  # where the next chunk's size stands
        self._in_chunks = 0  # bytes of body in the chunks before it
        self._is_sender_known = False
        self._was_told = False  # that it may send its body

    @property
    def is_silent(self) -> bool:
        """Not a byte has come."""
        return not self._data

    @property
    def is_whole(self) -> bool:
        return self._ends_at > 0

    @property
    def is_small(self) -> bool:
        return self._ends_at - self._body_at <= FREE_BODY

    def begins_with(self, prefixes: tuple[bytes, ...]) -> bool:
        """Whether its first line does, with one of them."""
        return self._data.startswith(prefixes)

    def is_late(self, now: float) -> bool:
        """Whether it has taken longer than it may; what is longer may take longer."""
        return now > self._began + _WITHIN + len(self._data) / _LEAST_RATE

    def add(self, data: bytes) -> None:
        """More of it has come."""
        self._data += data

    def let_sender_go_on(self) -> None:
        """The application knows who sends it: all of its body may come. Raises Refused where that is too much."""
        self._is_sender_known = True
        if self._length is not None and self._length > MAX_BODY:
            raise _too_large()

    def progress(self) -> Progress:
        """Look at what has come. Raises Refused."""
        if not self._body_at:
            self._find_head()
        if not self._body_at:
            return Progress.COMING
        self._find_end()
        if self._ends_at:
            return Progress.WHOLE
        body = len(self._data) - self._body_at if self._length is None else self._length
        if body > FREE_BODY and not self._is_sender_known:
            return Progress.KNOWN_SENDER_WANTED
        return Progress.COMING

    def is_to_be_told(self) -> bool:
        """Whether its client waits for "100 Continue" before it sends the body. True once alone."""
        if self._was_told or not self._body_at:
            return False
        self._was_told = True
        return _EXPECTS.match(self._data, 0, self._body_at) is not None

    def head_and_body(self) -> tuple[bytes, bytes]:
        """For gunicorn; without a body where that is not whole."""
        return bytes(self._data[: self._body_at]), bytes(self._data[self._body_at : self._ends_at])

    def following(self, now: float) -> "Request":
        """The next one on this connection, with what of it came along."""
        return Request(bytes(self._data[self._ends_at :]), now)

    def _find_head(self) -> None:
        while self._data[:2] == b"\r\n":  # RFC 9112, 2.2: empty lines before a request are passed over
            del self._data[:2]
        found = self._data.find(_HEAD_END, 0, _MOST_HEAD)
        if found >= 0:
            self._body_at = self._chunk_at = found + len(_HEAD_END)
            self._read_head(bytes(self._data[: self._body_at]))
        elif len(self._data) >= _MOST_HEAD:
            raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the head of a request may have 16 KiB")

    def _read_head(self, head: bytes) -> None:
        """How its body is framed. What is malformed has none: gunicorn says what is wrong with it."""
        length = _LENGTH.search(head)
        self._length = int(length[1]) if length else 0
        if not length and (coding := _CODING.search(head)):
            if coding[1].lower() != b"chunked":
                raise Refused(HTTPStatus.NOT_IMPLEMENTED, "the only transfer coding that is known is chunked")
            self._length = None

    def _find_end(self) -> None:
        if self._length is None:
            self._walk_chunks()
        elif len(self._data) >= self._body_at + self._length:
            self._ends_at = self._body_at + self._length

    def _walk_chunks(self) -> None:
        """Go over the chunks that are whole, up to the end of the last one."""
        while (line := self._line_at(self._chunk_at)) is not None:
            size = _chunk_size(line)
            begins = self._chunk_at + len(line) + 2
            if size == 0:
                self._ends_at = self._trailers_end(begins)
                return
            if self._in_chunks + size > MAX_BODY or len(self._data) - self._body_at > _MOST_FRAMED:
                raise _too_large()
            if len(self._data) < begins + size + 2:
                return
            if self._data[begins + size : begins + size + 2] != b"\r\n":
                raise _malformed_chunk()
            self._chunk_at, self._in_chunks = begins + size + 2, self._in_chunks + size

    def _line_at(self, start: int) -> bytes | None:
        """Without its end; None where that has not come."""
        end = self._data.find(b"\r\n", start, start + _MOST_SIZE_LINE)
        if end < 0 and len(self._data) >= start + _MOST_SIZE_LINE:
            raise _malformed_chunk()
        return bytes(self._data[start:end]) if end >= 0 else None

    def _trailers_end(self, start: int) -> int:
        """Behind the empty line that ends a body in chunks; 0 where that has not come."""
        if self._data[start : start + 2] == b"\r\n":
            return start + 2
        found = self._data.find(_HEAD_END, start, start + _MOST_TRAILERS)
        if found < 0 and len(self._data) >= start + _MOST_TRAILERS:
            raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "what follows the chunks may have 4 KiB")
        return found + len(_HEAD_END) if found >= 0 else 0


def _chunk_size(line: bytes) -> int:
    known = _CHUNK_SIZE.fullmatch(line)
    if known is None:
        raise _malformed_chunk()
    return int(known[1], 16)


def _malformed_chunk() -> Refused:
    return Refused(HTTPStatus.BAD_REQUEST, "a chunk of the body is malformed")


def _too_large() -> Refused:
    return Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "a body may have 1 MiB")
