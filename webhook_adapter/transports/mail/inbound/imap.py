"""Python's IMAP client, which can also wait: IDLE (RFC 2177), which it has by itself from Python 3.14 on.

It reads from the socket by itself. Else a line that came with another one would lie in a buffer that nobody can ask,
and the mail that it tells of would wait for the next.
"""

import imaplib
import select
import ssl
from collections.abc import Callable

MOST_LITERAL = 64 * 1024 * 1024
"""Bytes that a server may send at once: we ask for less."""

_LONGEST_LINE = 1024 * 1024
_BLOCK = 64 * 1024


class Imap(imaplib.IMAP4):
    """A connection. Without TLS, until `starttls`."""

    _held = b""
    _source: object = None  # the socket that it came from

    def read(self, size: int) -> bytes:
        """So many bytes; fewer where the connection ended."""
        if size > MOST_LITERAL:
            raise self.abort(f"the server sends {size} bytes at once")
        self._forget_what_is_not_encrypted()
        parts = [self._taken(size)]
        missing = size - len(parts[0])
        while missing and (got := self.sock.recv(min(missing, _BLOCK))):
            parts.append(got)
            missing -= len(got)
        return b"".join(parts)

    def readline(self) -> bytes:
        """A line with its end; empty where the connection ended."""
        self._forget_what_is_not_encrypted()
        while b"\n" not in self._held:
            if len(self._held) > _LONGEST_LINE:
                raise self.abort("the server sends a line without an end")
            if not (got := self.sock.recv(_BLOCK)):
                return self._taken(len(self._held))
            self._held += got
        return self._taken(self._held.index(b"\n") + 1)

    def idle(self, look: float, stopped: Callable[[], bool]) -> None:
        """Wait until the server says anything, or `stopped`, which is asked every `look` seconds."""
        tag = self._new_tag()
        self.send(tag + b" IDLE\r\n")
        self._read_until(tag, b"+")
        while not self._has_word(look) and not stopped():
            pass
        self.send(b"DONE\r\n")
        self._read_until(tag, tag)

    def _read_until(self, tag: bytes, wanted: bytes) -> None:
        while not (line := self.readline()).startswith(wanted):
            if not line or line.startswith((b"* BYE", tag)):
                raise self.abort(f"the server does not wait with us: {line.decode(errors='replace').strip()}")

    def _has_word(self, look: float) -> bool:
        pending = isinstance(self.sock, ssl.SSLSocket) and self.sock.pending() > 0
        return bool(self._held or pending or select.select([self.sock], [], [], look)[0])

    def _forget_what_is_not_encrypted(self) -> None:
        """What came before TLS and was not read by then, anybody may have put there."""
        if self._source is not self.sock:
            self._source, self._held = self.sock, b""

    def _taken(self, size: int) -> bytes:
        taken, self._held = self._held[:size], self._held[size:]
        return taken


class ImapOverTls(Imap, imaplib.IMAP4_SSL):
    """A connection with TLS from its first byte."""
