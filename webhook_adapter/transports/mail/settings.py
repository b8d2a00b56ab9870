"""Which mailbox is ours, the servers that it has, and who may write to it."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from webhook_adapter.config import ConfigError

LONGEST_LOCAL = 18
"""Letters before the @ of our address: with "+" and a token there are 64, which is all that mail has room for."""

_ADDRESS = re.compile(r"[a-z0-9!#$%&'*/=?^_`{|}~.-]{1,64}@[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?")
_PERSON = re.compile(_ADDRESS.pattern.replace("~.-", "~.+-"))
_PORTS = {"smtp": 587, "smtps": 465, "imap": 143, "imaps": 993}
_MOST = 128  # characters of a chat's id


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server listens. `implicit`: TLS from the first byte; else with STARTTLS."""

    host: str
    port: int
    implicit: bool

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class MailSettings:
    """One mailbox, and who may use it."""

    address: str
    smtp: Server
    imap: Server | None  # None: nobody is heard
    user: str
    password: str = field(repr=False)
    token_key: bytes = field(repr=False)
    folder: str
    allowed: tuple[str, ...]
    plain: bool  # no TLS: something else encrypts
    ca: Path | None

    @property
    def local(self) -> str:
        return self.address.rpartition("@")[0]

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]

    def tls(self) -> ssl.SSLContext:
        """Certificates are checked, and so are the names in them."""
        return ssl.create_default_context(cafile=str(self.ca) if self.ca else None)


def person_address(text: str) -> str:
    """Somebody's address as it names their chat; empty where it is none that we write to."""
    address = text.strip().lower()
    return address if len(address) <= _MOST and _PERSON.fullmatch(address) else ""


def from_environ(environ: Mapping[str, str]) -> MailSettings | None:
    """None where mail is off. Raises ConfigError."""
    address = _given(environ, "POINTSMAN_MAIL_ADDRESS").lower()
    if not address:
        return None
    if not _ADDRESS.fullmatch(address) or address.index("@") > LONGEST_LOCAL:
        raise ConfigError(
            f"POINTSMAN_MAIL_ADDRESS must be NAME@HOST, with at most {LONGEST_LOCAL} letters before the @"
        )
    if (smtp := _server(environ, "POINTSMAN_MAIL_SMTP", "smtp")) is None:
        raise ConfigError("POINTSMAN_MAIL_SMTP is missing: the server that takes our mails, as smtps://HOST")
    key = _given(environ, "POINTSMAN_MAIL_TOKEN_KEY")
    if len(key) < 32:  # 192 bits in base 64, and whoever guesses it answers in anybody's name
        raise ConfigError("POINTSMAN_MAIL_TOKEN_KEY is missing, or has less than 32 characters")
    return MailSettings(
        address=address,
        smtp=smtp,
        imap=_server(environ, "POINTSMAN_MAIL_IMAP", "imap"),
        user=_given(environ, "POINTSMAN_MAIL_USER") or address,
        password=_given(environ, "POINTSMAN_MAIL_PASSWORD"),
        token_key=key.encode(),
        folder=_given(environ, "POINTSMAN_MAIL_FOLDER") or "INBOX",
        allowed=_addresses(environ, "ALLOWED_MAIL_ADDRESSES"),
        plain=_given(environ, "POINTSMAN_MAIL_PLAIN") == "1",
        ca=_ca(environ, "POINTSMAN_MAIL_CA"),
    )


def _given(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, "").strip()


def _server(environ: Mapping[str, str], name: str, protocol: str) -> Server | None:
    value = _given(environ, name)
    if not value:
        return None
    try:
        url = urlsplit(value)
        port = url.port or _PORTS[url.scheme]
        sound = url.scheme in (protocol, f"{protocol}s") and not url.username and url.path in ("", "/")
    except (ValueError, KeyError):
        sound, port = False, 0
    if not sound or not url.hostname or url.query or url.fragment or re.search(r"\s", value):
        raise ConfigError(f"{name} must be {protocol}s://HOST[:PORT], or {protocol}://HOST[:PORT] for STARTTLS")
    return Server(url.hostname, port, url.scheme.endswith("s"))


def _addresses(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    words = [word.strip() for word in _given(environ, name).split(",") if word.strip()]
    for word in words:
        if not person_address(word):
            raise ConfigError(f"{name} must be a comma list of mail addresses; {word!r} is none")
    return tuple(dict.fromkeys(map(person_address, words)))


def _ca(environ: Mapping[str, str], name: str) -> Path | None:
    value = _given(environ, name)
    if value and not Path(value).is_file():
        raise ConfigError(f"{name} names no file: {value}")
    return Path(value) if value else None
