"""Our mailbox (RFC 9051, and RFC 3501 before it): what has come, and a mark on what is done.

The mark is the state, and it lies at the server: a keyword of ours, so that whoever looks into the mailbox takes
nothing from us by reading. Where a server has no keywords it is "seen".
"""

import imaplib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import count
from typing import TypeVar

from webhook_adapter.transports.mail.inbound.imap import Imap, ImapOverTls
from webhook_adapter.transports.mail.settings import MailSettings, Server

T = TypeVar("T")

KEYWORD = "$Pointsman"
PATIENCE_S = 30.0
"""Seconds for each answer of the server."""
IDLE_S = 540.0
"""Servers end an IDLE after half an hour, and what stands between forgets a connection that rests for ten minutes."""
POLL_S = 20.0
"""Between looks, where the server cannot tell by itself."""

_LOOK_S = 1.0  # how soon a waiting one mails that it is to stop
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
# What imaplib raises: its own, the socket's, and what it stumbles over in nonsense.
_TROUBLES = (imaplib.IMAP4.error, OSError, ValueError, IndexError, TypeError, KeyError, AttributeError)


class MailboxError(Exception):
    """The server could not be asked. `is_refusal`: it spoke, and will not have us."""

    def __init__(self, words: str, *, is_refusal: bool = False) -> None:
        super().__init__(words)
        self.is_refusal = is_refusal


@dataclass(frozen=True, slots=True)
class Head:
    """A mail's size in bytes, and its headers."""

    size: int
    headers: bytes


class Mailbox:
    """One connection, with our folder open. An error ends it: open another one."""

    def __init__(self, settings: MailSettings, patience: float = PATIENCE_S) -> None:
        """Connects and logs in. Raises MailboxError."""
        if settings.imap is None:
            raise MailboxError("POINTSMAN_MAIL_IMAP is not set", is_refusal=True)
        self._settings = settings
        self._where: Server = settings.imap
        self.validity = 0  # the server's word for how it numbers mails; another one: they have other numbers now
        self._imap: Imap = self._asked(lambda: self._connected(patience))
        try:
            self._asked(self._encrypted)
            self._log_in()
            self.has_keywords = self._asked(self._opened)  # else what is seen is done
        except MailboxError:
            self.close()
            raise

    def fresh(self, since: date) -> list[int]:
        """The UIDs of what has come since that day and is not done, oldest first. Raises MailboxError."""
        day = f"{since.day}-{_MONTHS[since.month - 1]}-{since.year}"
        done = f"UNKEYWORD {KEYWORD}" if self.has_keywords else "UNSEEN"
        lines = self._asked(lambda: self._uid("SEARCH", f"{done} SINCE {day}"))
        return sorted({int(uid) for line in lines if isinstance(line, bytes) for uid in line.split() if uid.isdigit()})

    def head(self, uid: int, most: int) -> Head | None:
        """Size and headers, that many bytes at most; None where it is gone. Raises MailboxError."""
        wanted = f"(RFC822.SIZE BODY.PEEK[HEADER]<0.{most}>)"
        answers = self._asked(lambda: self._uid("FETCH", str(uid), wanted))
        said = b" ".join(each[0] if isinstance(each, tuple) else each for each in answers if each)
        size, headers = _SIZE.search(said), _literal(answers)
        return Head(int(size[1]), headers) if size and headers is not None else None

    def body(self, uid: int, most: int) -> bytes | None:
        """All of it, that many bytes at most; None where it is gone. Raises MailboxError."""
        return _literal(self._asked(lambda: self._uid("FETCH", str(uid), f"(BODY.PEEK[]<0.{most}>)")))

    def mark(self, uid: int, *, for_people: bool = False) -> None:
        """It is done; `for_people`: they should look at it. Raises MailboxError."""
        flags = [KEYWORD] if self.has_keywords else ["\\Seen"]
        flags.append("\\Flagged" if for_people else "\\Seen")
        self._asked(lambda: self._uid("STORE", str(uid), "+FLAGS.SILENT", f"({' '.join(dict.fromkeys(flags))})"))

    def wait(self, stopped: Callable[[float], bool]) -> None:
        """Until something came, or a while has passed; `stopped` waits that many seconds and says whether to stop.

        Raises MailboxError.
        """
        looks = count(1)
        if "IDLE" in self._imap.capabilities:
            self._asked(lambda: self._imap.idle(_LOOK_S, lambda: stopped(0.0) or next(looks) * _LOOK_S >= IDLE_S))
            return
        while next(looks) * _LOOK_S <= POLL_S and not stopped(_LOOK_S):
            pass

    def close(self) -> None:
        """End the connection; the server is not waited for."""
        try:
            self._imap.shutdown()
        except _TROUBLES:
            return

    def _connected(self, patience: float) -> Imap:
        where = self._where
        if where.implicit:
            return ImapOverTls(where.host, where.port, ssl_context=self._settings.tls(), timeout=patience)
        return Imap(where.host, where.port, timeout=patience)

    def _encrypted(self) -> None:
        if self._where.implicit or self._settings.plain:
            return
        # Never without: the password would be read on the way.
        if "STARTTLS" not in self._imap.capabilities:
            raise MailboxError(f"{self._where} offers no STARTTLS, and without TLS nobody logs in", is_refusal=True)
        self._imap.starttls(self._settings.tls())

    def _log_in(self) -> None:
        try:
            self._imap.login(self._settings.user, self._settings.password)
        except imaplib.IMAP4.abort as error:
            raise MailboxError(f"{self._where}: {_text(error)}") from None
        except imaplib.IMAP4.error as error:
            raise MailboxError(f"{self._where} does not let us in: {_text(error)}", is_refusal=True) from None
        except _TROUBLES as error:
            raise MailboxError(f"{self._where}: {_text(error)}") from None

    def _opened(self) -> bool:
        """Open the folder; whether it can keep keywords of ours."""
        folder = self._settings.folder.replace("\\", "\\\\").replace('"', '\\"')
        kind, told = self._imap.select(f'"{folder}"')
        if kind != "OK":
            raise MailboxError(f"no folder {self._settings.folder}: {_said(told)}", is_refusal=True)
        kept = self._imap.response("PERMANENTFLAGS")[1]
        validity = _said(self._imap.response("UIDVALIDITY")[1])
        self.validity = int(validity) if validity.isdigit() else 0
        # They may be others once we are logged in.
        self._imap.capabilities = tuple(_said(self._imap.capability()[1]).upper().split())
        return any("\\*" in flags or KEYWORD.lower() in flags.lower() for flags in map(_text, kept or ()))

    def _uid(self, command: str, *arguments: str) -> list[bytes | tuple[bytes, bytes] | None]:
        kind, told = self._imap.uid(command, *arguments)
        if kind != "OK":
            raise MailboxError(f"{self._where} refuses {command}: {_said(told)}")
        return list(told)

    def _asked(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except _TROUBLES as error:
            raise MailboxError(f"{self._where}: {_text(error) or type(error).__name__}") from None


def _literal(answers: Sequence[bytes | tuple[bytes, bytes] | None]) -> bytes | None:
    """What came as BODY; a server may tell of other mails' flags in between."""
    return next((bytes(each[1]) for each in answers if isinstance(each, tuple) and b"BODY[" in each[0].upper()), None)


def _said(told: Sequence[object] | None) -> str:
    return " ".join(_text(each) for each in told or () if each)


def _text(words: object) -> str:
    """What a server or an error says, in one line."""
    said = words.decode(errors="replace") if isinstance(words, bytes) else str(words)
    return " ".join("".join(c if c.isprintable() else " " for c in said).split())[:300]
