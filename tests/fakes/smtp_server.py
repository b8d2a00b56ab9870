"""A mail server that takes mail (RFC 5321), as kind or as rude as a test wants it."""

import base64
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import Enum, auto

from tests.waiting import PATIENCE

Sent = list[str]


class Rude(Enum):
    """What a server may do in place of an answer."""

    HANG = auto()  # say nothing
    LEAVE = auto()  # end the connection
    TAKE_AND_LEAVE = auto()  # keep the mail, and end the connection without a word


@dataclass(frozen=True, slots=True)
class Arrived:
    """A mail that it took."""

    sender: str
    recipient: str
    raw: bytes

    @property
    def mail(self) -> EmailMessage:
        read = message_from_bytes(self.raw, policy=policy.default)
        assert isinstance(read, EmailMessage)
        return read


class SmtpServer:
    """`answer[verb]` is what the next such lines get, in order, before it is kind again; DATA's end is called `.`."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, implicit: bool = False, password: str = "") -> None:
        self.arrived: list[Arrived] = []
        self.said: list[str] = []  # by clients, without mails and passwords
        self.answers: dict[str, list[str | Rude]] = {}
        self.changed = threading.Condition()
        self.met = threading.Event()  # something rude was done
        self.extensions = ["SIZE 10000000", "8BITMIME"]
        self._tls, self._implicit, self._password = tls, implicit, password
        self._free = threading.Event()
        self._open: set[socket.socket] = set()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"smtp{'s' if self._implicit else ''}://localhost:{self.port}"

    def rude(self, verb: str, *answers: str | Rude) -> None:
        self.answers.setdefault(verb, []).extend(answers)

    def heal(self) -> None:
        """Whoever hangs goes on."""
        self.answers.clear()
        self._free.set()

    def wait_for(self, found: Callable[[], object], deadline: float = PATIENCE) -> None:
        with self.changed:
            assert self.changed.wait_for(found, deadline), [each.mail["Subject"] for each in self.arrived]

    def stop(self) -> None:
        self._free.set()
        self._socket.close()
        for each in list(self._open):
            _end(each)

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            self._open.add(peer)
            threading.Thread(target=self._served, args=(peer,), daemon=True).start()

    def _served(self, peer: socket.socket) -> None:
        try:
            if self._implicit and self._tls:
                peer = self._tls.wrap_socket(peer, server_side=True)
            _Connection(self, peer).run()
        except (OSError, ValueError):
            pass
        finally:
            _end(peer)

    def answer(self, verb: str, usual: str) -> str:
        """What to say; raises ConnectionError where it is to end."""
        queued = self.answers.get(verb)
        said = queued.pop(0) if queued else usual
        if isinstance(said, str):
            return said
        self.met.set()
        if said is Rude.HANG:
            self._free.wait()
        raise ConnectionError

    def take(self, mail: Arrived) -> str:
        queued = self.answers.get(".")
        if queued and queued[0] is Rude.TAKE_AND_LEAVE:
            self._keep(mail)
        said = self.answer(".", "250 2.0.0 taken")
        if said.startswith("2"):
            self._keep(mail)
        return said

    def _keep(self, mail: Arrived) -> None:
        with self.changed:
            self.arrived.append(mail)
            self.changed.notify_all()


class _Connection:
    def __init__(self, server: SmtpServer, peer: socket.socket) -> None:
        self._server, self._peer, self._lines = server, peer, peer.makefile("rb")
        self._sender = self._recipient = ""
        self._secure = isinstance(peer, ssl.SSLSocket)
        self._known = not server._password

    def run(self) -> None:
        self._say(self._server.answer("CONNECT", "220 mail.test ESMTP"))
        while line := self._lines.readline():
            words = line.decode().strip()
            verb = words.split()[0].upper() if words else ""
            self._server.said.append(words if verb != "AUTH" else "AUTH")
            if verb == "QUIT":
                return
            self._say(self._server.answer(verb, self._usual(verb, words)))
            if verb == "STARTTLS" and self._server._tls:
                self._peer = self._server._tls.wrap_socket(self._peer, server_side=True)
                self._lines, self._secure = self._peer.makefile("rb"), True
            if verb == "DATA":
                self._data()

    def _usual(self, verb: str, words: str) -> str:
        extensions = list(self._server.extensions)
        if self._server._tls and not self._secure:
            extensions.append("STARTTLS")
        if self._server._password and (self._secure or not self._server._tls):
            extensions.append("AUTH PLAIN")
        if verb == "EHLO":
            return "\r\n".join(["250-mail.test", *(f"250-{each}" for each in extensions), "250 HELP"])
        if verb == "AUTH":
            self._known = base64.b64decode(words.split()[-1]).split(b"\0")[-1].decode() == self._server._password
            return "235 2.7.0 welcome" if self._known else "535 5.7.8 wrong"
        if not self._known:
            return "530 5.7.0 log in first"
        if verb == "MAIL":
            self._sender = words.partition("<")[2].partition(">")[0]
        if verb == "RCPT":
            self._recipient = words.partition("<")[2].partition(">")[0]
        return {"DATA": "354 go on", "STARTTLS": "220 go on"}.get(verb, "250 2.0.0 ok")

    def _data(self) -> None:
        lines = list[bytes]()
        while (line := self._lines.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        if line:
            self._say(self._server.take(Arrived(self._sender, self._recipient, b"".join(lines))))

    def _say(self, words: str) -> None:
        self._peer.sendall(words.encode() + b"\r\n")
        if words.startswith("421"):  # RFC 5321, 3.8: the server goes
            raise ConnectionError


def _end(peer: socket.socket) -> None:
    with suppress(OSError):
        peer.shutdown(socket.SHUT_RDWR)
    peer.close()
