"""The router's settings, read from an environment once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from router.domain.credentials import Role
from router.domain.gates import NOTHING_ASKED, Requirements
from router.domain.quick import FEW, Daily
from router.domain.quotas import MIB, USUAL, Quotas

SHORTEST_KEY = 43  # characters: so many have 256 bits, as `secrets.token_urlsafe(32)` or base64 writes them

AUDIT_DAYS, MOST_DAYS = 365, 36_500
MOST_QUOTA = 1_000_000
MOST_TOKENS = 1_000_000_000


class SettingsError(Exception):
    """A setting is missing or wrong; the text names it and says what it should be."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Certificate and key of the server, and the CA that clients must be signed by (mTLS) if there is one."""

    certificate: Path
    key: Path
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True)
class RouterConfig:
    """Everything the router can be told."""

    data_dir: Path
    listen: str = "127.0.0.1:7443"
    database: Path | None = None
    tls: Tls | None = None
    api_key: str = field(default="", repr=False)
    insecure_listen: bool = False
    audit_days: int = AUDIT_DAYS
    requirements: Requirements = NOTHING_ASKED
    risk_rules: Path | None = None
    adapter_key: str = field(default="", repr=False)
    quotas: Quotas = USUAL
    zone: str = "UTC"  # of times of day; empty: the machine's
    quick: Daily = FEW
    embeddings: str = ""  # the model that says what notes mean

    @property
    def keys(self) -> dict[Role, str]:
        """The secrets of those keys that the settings give."""
        given = {Role.ADMIN: self.api_key, Role.ADAPTER: self.adapter_key}
        return {role: secret for role, secret in given.items() if secret}

    @property
    def database_path(self) -> Path:
        return self.database or self.data_dir / "router.db"

    @property
    def events_path(self) -> Path:
        """What sessions do, beside it."""
        return self.data_dir / "events.db"

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "RouterConfig":
        """Raises SettingsError."""
        listen = environ.get("POINTSMAN_ROUTER_LISTEN") or "127.0.0.1:7443"
        config = cls(
            _folder(environ),
            listen,
            _database(environ.get("POINTSMAN_DATABASE", "")),
            _tls(environ),
            _api_key(environ, "POINTSMAN_API_KEY"),
            environ.get("POINTSMAN_INSECURE_LISTEN", "") == "1",
            _days(environ, "POINTSMAN_AUDIT_DAYS", AUDIT_DAYS),
            Requirements(
                environ.get("POINTSMAN_LEAST_AGENT", ""),
                _versions(environ.get("POINTSMAN_LEAST_PROGRAMS", "")),
                _days(environ, "POINTSMAN_CREDENTIAL_DAYS", 0),
            ),
            risk_rules=Path(path) if (path := environ.get("POINTSMAN_RISK_RULES", "")) else None,
            adapter_key=_api_key(environ, "POINTSMAN_ADAPTER_KEY"),
            quotas=_quotas(environ),
            zone=environ.get("TZ", ""),
            quick=_quick(environ.get("POINTSMAN_QUICK_DAILY", "")),
            embeddings=environ.get("POINTSMAN_EMBEDDINGS_MODEL", "").strip(),
        )
        # Refused, not warned of: every API key and every text would travel in the clear.
        if not (config.tls or config.insecure_listen or is_loopback(listen)):
            raise SettingsError(
                f"POINTSMAN_ROUTER_LISTEN={listen} is not loopback: set POINTSMAN_TLS_CERT and POINTSMAN_TLS_KEY, or"
                " start with --insecure-listen, which sends every key and text in the clear"
            )
        return config


def is_loopback(listen: str) -> bool:
    """Whether an address can be reached from this machine alone. No name is looked up: what it means may change."""
    host = listen.rpartition(":")[0].strip("[]")
    try:
        return listen.startswith("unix:") or host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # another name, and be it 127.example.org
        return False


def _api_key(environ: Mapping[str, str], name: str) -> str:
    key = environ.get(name, "")
    if key and len(key) < SHORTEST_KEY:
        raise SettingsError(
            f"{name} has {len(key)} characters, and whoever guesses it types into every session: "
            f"use {SHORTEST_KEY} or more that are random, such as `openssl rand -hex 32` prints"
        )
    return key


def _days(environ: Mapping[str, str], name: str, default: int) -> int:
    return _number(environ, name, default, MOST_DAYS, "number of days")


def _quotas(environ: Mapping[str, str]) -> Quotas:
    return Quotas(
        _number(environ, "POINTSMAN_MACHINE_SESSIONS", USUAL.sessions),
        _number(environ, "POINTSMAN_MACHINE_MESSAGES", USUAL.messages),
        _number(environ, "POINTSMAN_MACHINE_QUESTIONS", USUAL.questions),
        _number(environ, "POINTSMAN_MACHINE_FILES_MIB", USUAL.machine_bytes // MIB) * MIB,
        _number(environ, "POINTSMAN_ALL_FILES_MIB", USUAL.all_bytes // MIB) * MIB,
    )


def _quick(text: str) -> Daily:
    """What "100" or "100,50000" allows: questions, and tokens of their answers."""
    if not text:
        return FEW
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > 2 or not all(part.isascii() and part.isdigit() and int(part) <= MOST_TOKENS for part in parts):
        raise SettingsError(f"POINTSMAN_QUICK_DAILY={text} is not QUESTIONS or QUESTIONS,TOKENS, such as 100,100000")
    return Daily(*map(int, parts))


def _number(environ: Mapping[str, str], name: str, default: int, most: int = MOST_QUOTA, what: str = "number") -> int:
    if not (text := environ.get(name, "")):
        return default
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= most):
        raise SettingsError(f"{name}={text} is no {what} from 1 to {most}")
    return int(text)


def _versions(text: str) -> dict[str, str]:
    """What "claude=2.1.300,codex=1.2" asks for."""
    return {name: least for name, _, least in (each.strip().partition("=") for each in text.split(",")) if name}


def _folder(environ: Mapping[str, str]) -> Path:
    if not (folder := environ.get("POINTSMAN_DATA_DIR", "")):
        raise SettingsError("POINTSMAN_DATA_DIR is not set: name the folder for the database")
    return Path(folder)


def _database(url: str) -> Path | None:
    if not url:
        return None
    if not url.startswith("sqlite:///"):
        raise SettingsError("POINTSMAN_DATABASE must be sqlite:///<absolute path>")
    # As SQLAlchemy and peewee write it; three slashes or four mean the same file.
    return Path("/" + url.removeprefix("sqlite:///").lstrip("/"))


def _tls(environ: Mapping[str, str]) -> Tls | None:
    certificate, key = environ.get("POINTSMAN_TLS_CERT", ""), environ.get("POINTSMAN_TLS_KEY", "")
    client_ca = environ.get("POINTSMAN_TLS_CLIENT_CA", "")
    if not certificate and not key and not client_ca:
        return None
    if client_ca and not certificate:
        raise SettingsError("POINTSMAN_TLS_CLIENT_CA needs POINTSMAN_TLS_CERT and POINTSMAN_TLS_KEY: set all or none")
    if not certificate or not key:
        raise SettingsError("POINTSMAN_TLS_CERT and POINTSMAN_TLS_KEY belong together: set both or neither")
    return Tls(Path(certificate), Path(key), Path(client_ca) if client_ca else None)
