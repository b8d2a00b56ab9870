"""The adapter's settings: read once, from an environment; a bad value is refused by the name of its setting."""

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

NEVER_ALLOWED = frozenset({777000, 1087968824, 136817688})
"""Telegram's stand-ins: service messages, every anonymous admin of every group, every channel."""

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})

OUR_OWN = ("POINTSMAN_", "TELEGRAM_", "ALLOWED_")
"""How the names of all settings begin: what we run for somebody else sees none of them."""

_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")  # what setWebhook takes as a secret_token; safe in a path too
_BOT_TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{1,128}")
API_KEY = re.compile(r"[\x21-\x7e]{1,256}")  # what gRPC metadata and an HTTP header can both carry
_CHAT_ID = re.compile(r"-?[0-9]{1,16}")


class ConfigError(Exception):
    """A setting is missing or bad; the message names it and never shows a secret's value."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where something listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Only this machine can reach it. No name is looked up: what it means may change."""
        try:
            return self.host in LOOPBACK_HOSTS or ip_address(self.host).is_loopback
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class SocketAddress:
    """A Unix socket of this machine."""

    path: str

    def __str__(self) -> str:
        return f"unix:{self.path}"

    @property
    def is_loopback(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Tls:
    """Files for the channel to the router: the CA it is checked against, and our own certificate where it wants one."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class TelegramConfig:
    """One bot, and who may use it."""

    bot_token: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    path_secret: str = field(repr=False)
    api_base: str
    allowed_chat_ids: tuple[int, ...]
    allowed_user_ids: tuple[int, ...]

    @property
    def bot_id(self) -> str:
        """The bot's own user id: what stands before the colon of its token."""
        return self.bot_token.partition(":")[0]

    @property
    def webhook_path(self) -> str:
        """The path Telegram posts to. Secret: never logged."""
        return f"/webhook/telegram/{self.path_secret}"


@dataclass(frozen=True, slots=True)
class TranscriberConfig:
    """What turns recordings into text: a command, or an address with its key and model."""

    command: tuple[str, ...]
    url: str
    key: str = field(repr=False)
    model: str
    seconds: int  # for one


@dataclass(frozen=True, slots=True)
class EmbeddingsConfig:
    """What says what notes mean: an address, and its key."""

    url: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AdapterConfig:
    """Everything the HTTP process and the courier need."""

    router_address: Address | SocketAddress
    api_key: str = field(repr=False)
    tls: Tls
    listen: Address
    public_url: str | None  # without a slash at its end; set means webhooks, None means polling
    telegram: TelegramConfig | None
    router_fingerprint: str = ""  # fingerprint that the router has to prove; empty: it need not
    calls_a_second: int = 50  # that an API key may make over HTTP
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()  # they are believed for whom they speak
    private_push: bool = False  # browsers' push services may be on this machine or network
    transcriber: TranscriberConfig | None = None
    embeddings: EmbeddingsConfig | None = None
    environ: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """All settings as they were given, secrets too: platforms from elsewhere read their own."""

    @property
    def router(self) -> str:
        """The router's address, HOST:PORT or unix:PATH."""
        return str(self.router_address)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no log line may show."""
        names = ("POINTSMAN_MAIL_PASSWORD", "POINTSMAN_MAIL_TOKEN_KEY")
        own = (
            self.api_key,
            *(secret for name in names if (secret := _given(self.environ, name))),
            *(asked.key for asked in (self.transcriber, self.embeddings) if asked and asked.key),
        )
        if self.telegram is None:
            return own
        return (*own, self.telegram.bot_token, self.telegram.webhook_secret, self.telegram.path_secret)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "AdapterConfig":
        """Read the settings. ConfigError names the first that is missing or bad."""
        return cls(
            router_address=_router(environ),
            api_key=_matching(environ, _key_name(environ), API_KEY, "printable ASCII without blanks"),
            tls=_tls(environ),
            listen=_listen(environ),
            public_url=_public_url(environ),
            telegram=_telegram(environ) if _given(environ, "TELEGRAM_BOT_TOKEN") else None,
            router_fingerprint=_given(environ, "POINTSMAN_ROUTER_FINGERPRINT"),
            calls_a_second=_rate(environ),
            trusted_proxies=_networks(environ, "POINTSMAN_TRUSTED_PROXIES"),
            private_push=_given(environ, "POINTSMAN_PUSH_PRIVATE") == "1",
            transcriber=_transcriber(environ),
            embeddings=_embeddings(environ),
            environ=environ,
        )

    @classmethod
    def from_process(cls) -> "AdapterConfig":
        """Read the settings of this process, for servers that import the WSGI application themselves."""
        return cls.from_environ(os.environ)


def _key_name(environ: Mapping[str, str]) -> str:
    # Its own, where it has one; else the only one that there is.
    own, everything = "POINTSMAN_ADAPTER_KEY", "POINTSMAN_API_KEY"
    return everything if _given(environ, everything) and not _given(environ, own) else own


def _given(environ: Mapping[str, str], name: str) -> str:
    # What is empty counts as missing: compose files pass `${NAME:-}`.
    return environ.get(name, "").strip()


def _matching(environ: Mapping[str, str], name: str, pattern: re.Pattern[str], wanted: str) -> str:
    value = _given(environ, name)
    if not value:
        raise ConfigError(f"{name} is missing")
    if not pattern.fullmatch(value):
        raise ConfigError(f"{name} is malformed: it must be {wanted}")
    return value


def _address(environ: Mapping[str, str], name: str, default: str, *, lowest_port: int) -> Address:
    value = _given(environ, name) or default
    host, colon, port = value.rpartition(":")
    # RFC 3986, 3.2.2: an IPv6 address stands in brackets; without them its last group would be taken for the port.
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not colon or not host or "/" in host or not re.fullmatch(r"[0-9]{1,5}", port):
        raise ConfigError(f"{name} must be HOST:PORT, not {value!r}")
    # Port 0 means any free one: for what listens, nothing to call.
    if not lowest_port <= int(port) <= 65535:
        raise ConfigError(f"{name} has a port out of range: {port}")
    return Address(host, int(port))


def _listen(environ: Mapping[str, str]) -> Address:
    address = _address(environ, "POINTSMAN_HTTP_LISTEN", "127.0.0.1:8080", lowest_port=0)
    # Refused, not warned of: logins, API keys and texts would travel in the clear.
    if not address.is_loopback and _given(environ, "POINTSMAN_HTTP_PLAIN") != "1":
        raise ConfigError(
            f"POINTSMAN_HTTP_LISTEN={address} is not loopback, and this is plain HTTP: put a proxy with TLS before it,"
            " or say with POINTSMAN_HTTP_PLAIN=1 that a VPN, or a proxy on another machine, encrypts what comes there"
        )
    return address


def _router(environ: Mapping[str, str]) -> Address | SocketAddress:
    if (value := _given(environ, "POINTSMAN_ROUTER")).startswith("unix:/"):
        return SocketAddress(value.removeprefix("unix:"))
    return _address(environ, "POINTSMAN_ROUTER", "127.0.0.1:7443", lowest_port=1)


def _rate(environ: Mapping[str, str]) -> int:
    value = _given(environ, "POINTSMAN_HTTP_RATE") or "50"
    if not re.fullmatch(r"[1-9][0-9]{0,3}", value) or int(value) > 1000:
        raise ConfigError("POINTSMAN_HTTP_RATE must be a number from 1 to 1000")
    return int(value)


def _networks(environ: Mapping[str, str], name: str) -> tuple[IPv4Network | IPv6Network, ...]:
    words = [word.strip() for word in _given(environ, name).split(",") if word.strip()]
    try:
        return tuple(map(ip_network, words))
    except ValueError:
        raise ConfigError(f"{name} must be a comma list of addresses and networks") from None


def _tls(environ: Mapping[str, str]) -> Tls:
    cert, key = _file(environ, "POINTSMAN_TLS_CERT"), _file(environ, "POINTSMAN_TLS_KEY")
    if (cert is None) != (key is None):
        missing = "POINTSMAN_TLS_CERT" if cert is None else "POINTSMAN_TLS_KEY"
        raise ConfigError(f"{missing} is missing: certificate and key go together")
    return Tls(_file(environ, "POINTSMAN_TLS_CA"), cert, key)


def _file(environ: Mapping[str, str], name: str) -> Path | None:
    value = _given(environ, name)
    if not value:
        return None
    path = Path(value)
    # Now, and not when the first call fails with words about TLS.
    if not os.path.isfile(path):  # noqa: PTH113 - pathlib raises for a name that is too long
        raise ConfigError(f"{name} names no file: {value}")
    return path


def _public_url(environ: Mapping[str, str]) -> str | None:
    name = "POINTSMAN_PUBLIC_URL"
    value = _given(environ, name).rstrip("/")
    if not value:
        return None
    url = _url(name, value)
    # On loopback nothing leaves the machine: tests, and what stands before a tunnel.
    if url.scheme != "https" and url.hostname not in LOOPBACK_HOSTS:
        raise ConfigError(f"{name} must start with https://: Telegram takes nothing else")
    return value


def _url(name: str, value: str) -> SplitResult:
    try:
        url = urlsplit(value)
        sound = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        sound = False
    # Paths are put behind it, which a query or fragment would swallow; a user's name would go into logs.
    if not sound or url.query or url.fragment or url.username or re.search(r"\s", value):
        raise ConfigError(f"{name} must be a plain http or https address")
    return url


def _transcriber(environ: Mapping[str, str]) -> TranscriberConfig | None:
    command, address = "POINTSMAN_TRANSCRIBER", "POINTSMAN_TRANSCRIBER_URL"
    try:
        argv = tuple(shlex.split(_given(environ, command)))
    except ValueError:
        raise ConfigError(f"{command} is no command line: a quote is not closed") from None
    url, key = _given(environ, address), _given(environ, "POINTSMAN_TRANSCRIBER_KEY")
    if argv and url:
        raise ConfigError(f"{command} and {address} are both given: which shall it be?")
    if not argv and not url:
        return None
    if url:
        _url(address, url)
    if key and not API_KEY.fullmatch(key):
        raise ConfigError("POINTSMAN_TRANSCRIBER_KEY is malformed: it must be printable ASCII without blanks")
    seconds = _given(environ, "POINTSMAN_TRANSCRIBER_SECONDS") or "60"
    if not re.fullmatch(r"[1-9][0-9]{0,2}", seconds) or int(seconds) > 600:
        raise ConfigError("POINTSMAN_TRANSCRIBER_SECONDS must be a number from 1 to 600")
    model = _given(environ, "POINTSMAN_TRANSCRIBER_MODEL") or "whisper-1"
    return TranscriberConfig(argv, url, key, model, int(seconds))


def _embeddings(environ: Mapping[str, str]) -> EmbeddingsConfig | None:
    address = "POINTSMAN_EMBEDDINGS_URL"
    if not (url := _given(environ, address)):
        return None
    _url(address, url)
    key = _given(environ, "POINTSMAN_EMBEDDINGS_KEY")
    if key and not API_KEY.fullmatch(key):
        raise ConfigError("POINTSMAN_EMBEDDINGS_KEY is malformed: it must be printable ASCII without blanks")
    return EmbeddingsConfig(url, key)


def _telegram(environ: Mapping[str, str]) -> TelegramConfig:
    secret = "1 to 256 of A-Z, a-z, 0-9, _ and -"  # noqa: S105
    return TelegramConfig(
        bot_token=_matching(environ, "TELEGRAM_BOT_TOKEN", _BOT_TOKEN, "as BotFather gave it (DIGITS:LETTERS)"),
        webhook_secret=_matching(environ, "TELEGRAM_WEBHOOK_SECRET", _SECRET, secret),
        path_secret=_matching(environ, "TELEGRAM_WEBHOOK_PATH_SECRET", _SECRET, secret),
        api_base=_api_base(environ),
        allowed_chat_ids=_ids(environ, "ALLOWED_CHAT_IDS"),
        allowed_user_ids=_ids(environ, "ALLOWED_USER_IDS"),
    )


def _api_base(environ: Mapping[str, str]) -> str:
    name = "TELEGRAM_API_BASE"
    value = (_given(environ, name) or "https://api.telegram.org").rstrip("/")
    value = value.removesuffix("/bot")  # the way python-telegram-bot writes it
    _url(name, value)
    return value


def _ids(environ: Mapping[str, str], name: str) -> tuple[int, ...]:
    words = [word.strip() for word in _given(environ, name).split(",") if word.strip()]
    for word in words:
        if not _CHAT_ID.fullmatch(word) or int(word) == 0:
            raise ConfigError(f"{name} must be a comma list of numbers; {word!r} is none")
        if int(word) in NEVER_ALLOWED:
            raise ConfigError(f"{name} may not hold {word}: anyone can write under that id")
    # Each once: a chat that is named twice would get every message twice.
    return tuple(dict.fromkeys(int(word) for word in words))
