"""A mail server that holds one mailbox (RFC 3501 with IDLE), as kind or as rude as a test wants it."""

import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count

from tests.waiting import PATIENCE


@dataclass(slots=True)
class Held:
    """A mail in the mailbox."""

    raw: bytes
    flags: set[str] = field(default_factory=set)


class ImapServer:
    """`rude[verb]` says how often the next such commands end the connection in place of an answer."""

    def __init__(self, *, password: str = "letmein") -> None:
        self.mails: dict[int, Held] = {}
        self.validity = 7
        self.capabilities = "IMAP4rev1 IDLE"
        self.permanent = r"\Seen \Flagged \*"
        self.rude: dict[str, int] = {}
        self.chatter = b""  # said before each answer to FETCH: of other mails
        self.said: list[str] = []
        self.changed = threading.Condition(threading.RLock())
        self.waiting = 0  # clients in IDLE
        self.held = threading.Event()  # cleared: who wants to STORE is not served
        self.held.set()
        self._password = password
        self._uids = count(1)
        self._open: set[socket.socket] = set()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"imap://localhost:{self.port}"

    def put(self, raw: bytes) -> int:
        """A mail comes; its UID."""
        with self.changed:
            uid = next(self._uids)
            self.mails[uid] = Held(raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
            self.changed.notify_all()
            return uid

    def renumber(self) -> None:
        """The server has lost its numbers and flags: every mail has another UID under another UIDVALIDITY."""
        with self.changed:
            self.validity += 1
            self.mails = {next(self._uids): Held(each.raw) for each in self.mails.values()}

    def flags(self, uid: int) -> set[str]:
        return self.mails[uid].flags

    def is_done(self, uid: int) -> bool:
        return bool(self.mails[uid].flags & {"$Pointsman", "\\Seen"})

    def wait_for(self, found: Callable[[], object], deadline: float = PATIENCE) -> None:
        with self.changed:
            assert self.changed.wait_for(found, deadline), (self.mails, self.said[-20:])

    def drop(self) -> None:
        """All connections end."""
        for each in list(self._open):
            _end(each)

    def stop(self) -> None:
        self._socket.close()
        self.drop()

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
            peer.sendall(b"* OK mail.test ready\r\n")
            lines, known = peer.makefile("rb"), 0
            while line := lines.readline():
                tag, _, words = line.decode().strip().partition(" ")
                verb = words.removeprefix("UID ").split()[0].upper()
                with self.changed:
                    self.said.append(verb)
                    self.changed.notify_all()
                    if self.rude.get(verb, 0) > 0:
                        self.rude[verb] -= 1
                        return
                if verb == "STORE" and not self.held.is_set():
                    self.held.wait()
                    return  # whoever wanted it is gone
                if verb == "IDLE":
                    self._idle(peer, lines.readline, tag, known)
                    continue
                with self.changed:  # what has come since then is told in IDLE, at once
                    known = len(self.mails) if verb in ("SELECT", "SEARCH") else known
                    told, answer = self._answer(verb, words)
                with self.changed:
                    self.changed.notify_all()
                peer.sendall(told + f"{tag} {answer} (as asked)\r\n".encode())
        except (OSError, ValueError):
            pass
        finally:
            _end(peer)
            self._open.discard(peer)

    def _idle(self, peer: socket.socket, readline: Callable[[], bytes], tag: str, known: int) -> None:
        done = threading.Event()

        def until_done() -> None:
            with suppress(OSError, ValueError):  # the connection is closed
                readline()
            done.set()
            with self.changed:
                self.changed.notify_all()

        with self.changed:
            self.waiting += 1
            self.changed.notify_all()
        peer.sendall(b"+ idling\r\n")
        threading.Thread(target=until_done, daemon=True).start()
        with self.changed:
            self.changed.wait_for(lambda: done.is_set() or len(self.mails) != known)
            self.waiting -= 1
        if not done.is_set():
            peer.sendall(f"* {len(self.mails)} EXISTS\r\n".encode())
            done.wait(PATIENCE)
        peer.sendall(f"{tag} OK done\r\n".encode())

    def _answer(self, verb: str, words: str) -> tuple[bytes, str]:
        match verb:
            case "CAPABILITY":
                return f"* CAPABILITY {self.capabilities}\r\n".encode(), "OK"
            case "LOGIN":
                return b"", "OK" if f'"{self._password}"' in words else "NO [AUTHENTICATIONFAILED] wrong"
            case "SELECT" if "INBOX" in words:
                told = f"* {len(self.mails)} EXISTS\r\n* OK [UIDVALIDITY {self.validity}] ok\r\n"
                return f"{told}* OK [PERMANENTFLAGS ({self.permanent})] ok\r\n".encode(), "OK [READ-WRITE] done"
            case "SEARCH":
                unwanted = "$Pointsman" if "UNKEYWORD" in words else "\\Seen"
                with self.changed:
                    found = [str(uid) for uid, held in self.mails.items() if unwanted not in held.flags]
                return f"* SEARCH {' '.join(found)}\r\n".encode(), "OK done"
            case "FETCH":
                return self._fetch(words), "OK done"
            case "STORE":
                uid, flags = int(words.split()[2]), re.findall(r"[\\$]\w+", words)
                with self.changed:
                    self.mails[uid].flags |= set(flags)
                return b"", "OK done"
        return b"", "NO unknown"

    def _fetch(self, words: str) -> bytes:
        uid, most = int(words.split()[2]), int(re.findall(r"<0\.(\d+)>", words)[0])
        if uid not in self.mails:
            return b""
        raw, number = self.mails[uid].raw, list(self.mails).index(uid) + 1
        if "HEADER" in words:
            head = raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
            part = head[:most]
            prefix = f"* {number} FETCH (UID {uid} BODY[HEADER]<0> {{{len(part)}}}\r\n".encode()
            return self.chatter + prefix + part + f" RFC822.SIZE {len(raw)})\r\n".encode()
        part = raw[:most]
        return self.chatter + f"* {number} FETCH (UID {uid} BODY[]<0> {{{len(part)}}}\r\n".encode() + part + b")\r\n"


def _end(peer: socket.socket) -> None:
    with suppress(OSError):
        peer.shutdown(socket.SHUT_RDWR)
    peer.close()
