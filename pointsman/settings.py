"""Every setting: its name, what it means, what is a good value, and which programs read it. Pure."""

import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from pointsman import agent_checks, mail_checks
from pointsman.count_checks import count, days, networks, quick_daily, quota, seconds, version, versions


class Program(Enum):
    """A program that reads settings; the value names its command."""

    ROUTER = "router"
    AGENT = "agent"
    ADAPTER_HTTP = "adapter-http"
    COURIER = "courier"


class Source(Enum):
    """Where a value came from, strongest first."""

    FLAG = "flag"
    ENVIRONMENT = "environment"
    CREDENTIAL = "credential"  # a file for one secret alone
    FILE = "pointsman.toml"
    GENERATED = "data directory"
    ENROLLED = "enrolment"  # of this machine, at a router elsewhere
    DEFAULT = "default"
    UNSET = "not set"


# A check returns what is wrong with a value, or an empty string.
Check = Callable[[str], str]

_ID = re.compile(r"[A-Za-z0-9._:@/-]{1,128}\Z")
_WEBHOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}\Z")  # Telegram's own limits
# Telegram's own accounts: service messages, anonymous group admins, and posts linked from channels. Whoever allowed
# one of them would allow everybody who can make it speak.
NEVER_ALLOWED = frozenset({777000, 1087968824, 136817688})


def split_address(address: str) -> tuple[str, int]:
    """Host and port of "host:port" or "[v6]:port". Raises ValueError."""
    host, _, port = address.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(address)
    return host.removeprefix("[").removesuffix("]"), int(port)


def is_socket(address: str) -> bool:
    return address.startswith("unix:")


def is_loopback(address: str) -> bool:
    """Whether what is said there stays on this machine."""
    if is_socket(address):
        return True
    # No name is looked up: what it means may change, and whether TLS is used hangs on this.
    host, _ = split_address(address)
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _address(value: str) -> str:
    try:
        split_address(value)
    except ValueError:
        return "is not HOST:PORT, such as 127.0.0.1:7443"
    return ""


def _router(value: str) -> str:
    if not is_socket(value):
        return _address(value)
    good = value.startswith("unix:/") and value.isprintable()
    return "" if good else "is not unix: and the absolute path of a socket"


def reachable(listen: str) -> str:
    """Where clients on this machine find a program that listens there."""
    host, colon, port = listen.rpartition(":")
    if host in ("0.0.0.0", "[::]"):  # places to listen at, and none to connect to
        return f"127.0.0.1:{port}"
    return f"{host}{colon}{port}"


def _fingerprint(value: str) -> str:
    return "" if re.fullmatch(r"[A-Za-z0-9_-]{43}", value) else "is no fingerprint: 43 letters, digits, _ and -"


def _database(value: str) -> str:
    return "" if value.startswith("sqlite:///") else "is not sqlite:///PATH"


def _key(value: str) -> str:
    good = re.fullmatch(r"[\x21-\x7e]{1,256}", value)
    return "" if good else "must be 1 to 256 printable ASCII characters without blanks"


def _machine_id(value: str) -> str:
    return "" if _ID.match(value) else "may hold letters, digits and ._:@/- only, at most 128"


def _public_url(value: str) -> str:
    # Plain HTTP on loopback is for a Bot API server of one's own.
    good = re.match(r"(https://[^/\s]+|http://(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?(?=/|\Z))\S*\Z", value)
    return "" if good else "must be an https:// address: Telegram takes nothing else"


def _http_url(value: str) -> str:
    return "" if re.match(r"https?://[^/\s]+\S*\Z", value) else "must be an http:// or https:// address"


def _bot_token(value: str) -> str:
    return "" if re.match(r"\d+:[A-Za-z0-9_-]+\Z", value) else "is no bot token; @BotFather gives one like 123456:ABC…"


def _webhook_secret(value: str) -> str:
    return "" if _WEBHOOK_SECRET.match(value) else "may hold letters, digits, _ and - only, at most 256"


def _ids(value: str) -> str:
    for item in filter(None, map(str.strip, value.split(","))):
        try:
            number = int(item)
        except ValueError:
            return f"holds {item!r}, which is no numeric id; separate ids by commas"
        if number in NEVER_ALLOWED:
            return f"holds {number}, an account of Telegram itself that speaks for anybody"
    return ""


def _folders(value: str) -> str:
    for item in filter(None, map(str.strip, value.split(","))):
        if not item.startswith(("/", "~/")) and item != "~":
            return f"holds {item!r}, which is no absolute path; separate folders by commas"
    return _any(value)


def _switch(value: str) -> str:
    return "" if value in ("0", "1") else "must be 1 or 0"


def _any(value: str) -> str:
    return "" if value.isprintable() else "holds control characters"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `readers` get it in their environment; nobody else sees it."""

    name: str
    meaning: str
    check: Check
    readers: frozenset[Program]
    default: str = ""
    secret: bool = False
    switch: bool = False  # its flag takes no value
    file: str = ""  # in the data directory: holds the value that was generated once

    @property
    def key(self) -> str:
        """Its name in pointsman.toml."""
        return self.name.lower().removeprefix("pointsman_")

    @property
    def flag(self) -> str:
        return "--" + self.key.replace("_", "-")


_R, _A, _H, _C = Program.ROUTER, Program.AGENT, Program.ADAPTER_HTTP, Program.COURIER
_ALL = frozenset({_R, _A, _H, _C})
_CLIENTS = frozenset({_A, _H, _C})
_ADAPTER = frozenset({_H, _C})
_ROUTER = frozenset({_R})
_HTTP = frozenset({_H})
_COURIER = frozenset({_C})

SETTINGS: tuple[Setting, ...] = (
    Setting("POINTSMAN_DATA_DIR", "database, generated secrets, sockets", _any, _ALL),
    Setting("POINTSMAN_DATABASE", "the router's SQLite file, as sqlite:///PATH", _database, _ROUTER),
    Setting("POINTSMAN_ROUTER_LISTEN", "the router's gRPC address", _address, _ROUTER, "127.0.0.1:7443"),
    Setting(
        "POINTSMAN_INSECURE_LISTEN", "1 lets the router listen anywhere without TLS", _switch, _ROUTER, switch=True
    ),
    Setting("POINTSMAN_RISK_RULES", "TOML file with rules for what is risky in questions", _any, _ROUTER),
    Setting("POINTSMAN_AUDIT_DAYS", "days that the audit is kept", days, _ROUTER, "365"),
    Setting("POINTSMAN_LEAST_AGENT", "the oldest version of agents that may connect", version, _ROUTER),
    Setting(
        "POINTSMAN_LEAST_PROGRAMS", "the oldest versions of programs that are started from afar", versions, _ROUTER
    ),
    Setting("POINTSMAN_CREDENTIAL_DAYS", "days for which a machine's key is good", days, _ROUTER),
    Setting("POINTSMAN_MACHINE_SESSIONS", "sessions of a machine that live at once", quota, _ROUTER, "1000"),
    Setting("POINTSMAN_MACHINE_MESSAGES", "messages of a machine or key that wait for people", quota, _ROUTER, "2000"),
    Setting("POINTSMAN_MACHINE_QUESTIONS", "questions of a machine that are open at once", quota, _ROUTER, "200"),
    Setting("POINTSMAN_MACHINE_FILES_MIB", "MiB of a machine's files that no message names yet", quota, _ROUTER, "48"),
    Setting("POINTSMAN_QUICK_DAILY", "what a chat may ask models a day", quick_daily, _ROUTER, "100,100000"),
    Setting("POINTSMAN_ALL_FILES_MIB", "MiB of all such files together", quota, _ROUTER, "512"),
    Setting("POINTSMAN_ROUTER", "where agents, adapter and commands find the router", _router, _CLIENTS),
    Setting("POINTSMAN_ROUTER_FINGERPRINT", "fingerprint of the router's key", _fingerprint, _ADAPTER),
    Setting(
        "POINTSMAN_TLS_CERT", "the router's certificate; where it asks clients for one, theirs (PEM file)", _any, _ALL
    ),
    Setting("POINTSMAN_TLS_KEY", "its private key (PEM file)", _any, _ALL),
    Setting("POINTSMAN_TLS_CLIENT_CA", "asks clients for certificates of this CA (PEM file)", _any, _ROUTER),
    Setting("POINTSMAN_TLS_CA", "the CA that clients trust (PEM file)", _any, _CLIENTS),
    Setting(
        "POINTSMAN_API_KEY",
        "opens REST (X-API-Key) and Control",
        _key,
        _ROUTER,  # no other program needs a key to everything
        secret=True,
        file="api_key",
    ),
    Setting(
        "POINTSMAN_ADAPTER_KEY",
        "the adapter's own key, of the role adapter",
        _key,
        frozenset({_R, _H, _C}),
        secret=True,
        file="adapter_key",
    ),
    # Only the command line reads it, at each call: programs of a session find it in their environment.
    Setting("POINTSMAN_WORKER_TOKEN_FILE", "file with the worker token of a session", _any, frozenset()),
    Setting("POINTSMAN_MACHINE_ID", "this machine's name", _machine_id, frozenset({_A})),
    Setting(
        "POINTSMAN_START_FOLDERS",
        "folders in and below which sessions may be started from afar; empty: nowhere",
        _folders,
        frozenset({_A}),
    ),
    Setting(
        "POINTSMAN_TRUSTED_FOLDERS",
        "folders in and below which started sessions run the folder's own hooks and MCP servers; empty: nowhere",
        _folders,
        frozenset({_A}),
    ),
    Setting(
        "POINTSMAN_AGENTS",
        "more coding agents that may be started, as NAME = COMMAND or NAME:MODE = COMMAND; separated by semicolons",
        agent_checks.agents,
        frozenset({_A}),
    ),
    Setting(
        "POINTSMAN_MODEL_URL",
        "the model that /ask asks: an http(s) address, or claude",
        agent_checks.model_address,
        frozenset({_A}),
    ),
    Setting("POINTSMAN_MODEL", "its name there", _any, frozenset({_A})),
    Setting("POINTSMAN_MODEL_API", "what it speaks: anthropic or openai", agent_checks.model_api, frozenset({_A})),
    Setting("POINTSMAN_PROMPTS", "folder of what models are told first", _folders, frozenset({_A})),
    Setting("POINTSMAN_MODEL_KEY", "its key", _key, frozenset({_A}), secret=True),
    Setting("POINTSMAN_MASKS", "file with more patterns of secrets that are masked", _any, frozenset({_A})),
    Setting("POINTSMAN_REPOSITORIES", "what workspaces may be clones of; empty: nothing", _any, frozenset({_A})),
    Setting("POINTSMAN_WORKSPACE_MAX_GB", "GB that workspaces may take of the disk", count, frozenset({_A}), "20"),
    Setting("POINTSMAN_FOREIGN", "runs strangers' branches: never, container", _any, frozenset({_A}), "never"),
    Setting("POINTSMAN_FOREIGN_IMAGE", "image of those containers, with claude in it", _any, frozenset({_A})),
    Setting("POINTSMAN_MAX_SESSIONS", "sessions without a terminal at once", count, frozenset({_A}), "32"),
    Setting("POINTSMAN_WAIT_MINUTES", "minutes after which a program that asks is ended", count, frozenset({_A}), "30"),
    Setting("POINTSMAN_HTTP_LISTEN", "the adapter's address", _address, _ADAPTER, "127.0.0.1:8080"),
    Setting("POINTSMAN_HTTP_PLAIN", "1 lets the adapter listen anywhere without TLS", _switch, _ADAPTER, switch=True),
    Setting("POINTSMAN_HTTP_RATE", "calls a second that an API key or a browser may make", count, _HTTP, "50"),
    Setting("POINTSMAN_TRUSTED_PROXIES", "proxies that are believed for whom they speak; empty: none", networks, _HTTP),
    Setting("POINTSMAN_PUBLIC_URL", "https address of the adapter; turns the webhook on", _public_url, _ADAPTER),
    # Only the command line reads it.
    Setting("POINTSMAN_CONSOLE_URL", "address at which people reach the console", _http_url, frozenset()),
    Setting("POINTSMAN_FLY_TOKEN", "of an app of Fly.io, for machines there", _key, frozenset(), secret=True),
    Setting("POINTSMAN_FLY_API", "Fly's Machines API", _http_url, frozenset(), "https://api.machines.dev"),
    Setting("TELEGRAM_BOT_TOKEN", "the bot; Telegram is off without it", _bot_token, _ADAPTER, secret=True),
    Setting(
        "TELEGRAM_WEBHOOK_SECRET",
        "proves that a webhook call comes from Telegram",
        _webhook_secret,
        _ADAPTER,
        secret=True,
        file="telegram_webhook_secret",
    ),
    Setting(
        "TELEGRAM_WEBHOOK_PATH_SECRET",
        "last part of the webhook's path",
        _webhook_secret,
        _ADAPTER,
        secret=True,
        file="telegram_webhook_path_secret",
    ),
    Setting("TELEGRAM_API_BASE", "Telegram's Bot API", _http_url, _ADAPTER, "https://api.telegram.org"),
    Setting("POINTSMAN_TRANSCRIBER", "command that turns a recording into text", _any, _ADAPTER),
    Setting("POINTSMAN_TRANSCRIBER_URL", "endpoint that does, as OpenAI's", _http_url, _ADAPTER),
    Setting("POINTSMAN_TRANSCRIBER_KEY", "its key", _key, frozenset({_C}), secret=True),
    Setting("POINTSMAN_TRANSCRIBER_MODEL", "its model", _any, _ADAPTER, "whisper-1"),
    Setting("POINTSMAN_TRANSCRIBER_SECONDS", "seconds that one recording may take", seconds, _ADAPTER, "60"),
    Setting("POINTSMAN_EMBEDDINGS_URL", "endpoint that says what notes mean, as OpenAI's", _http_url, _COURIER),
    Setting("POINTSMAN_EMBEDDINGS_KEY", "its key", _key, _COURIER, secret=True),
    Setting("POINTSMAN_EMBEDDINGS_MODEL", "its model; without one no note is sent anywhere", _any, _ROUTER),
    Setting("ALLOWED_CHAT_IDS", "chats that may write; empty: nobody", _ids, _ADAPTER),
    Setting("ALLOWED_USER_IDS", "people who may write; both must match where both are given", _ids, _ADAPTER),
    Setting("POINTSMAN_MAIL_ADDRESS", "our mail address; mail is off without it", mail_checks.own_address, _COURIER),
    Setting("POINTSMAN_MAIL_SMTP", "takes our mails: smtps://HOST or smtp://HOST", mail_checks.smtp_server, _COURIER),
    Setting("POINTSMAN_MAIL_IMAP", "holds our mailbox: imaps://HOST or imap://HOST", mail_checks.imap_server, _COURIER),
    Setting("POINTSMAN_MAIL_FOLDER", "the folder that is read", _any, _COURIER, "INBOX"),
    Setting("POINTSMAN_MAIL_USER", "logs in at both servers; else the address does", _any, _COURIER),
    Setting("POINTSMAN_MAIL_PASSWORD", "of that account", _any, _COURIER, secret=True),
    Setting("POINTSMAN_MAIL_TOKEN_KEY", "signs reply addresses", _key, _COURIER, secret=True, file="mail_token_key"),
    Setting("POINTSMAN_MAIL_CA", "the CA of these servers (PEM file), where no system knows it", _any, _COURIER),
    Setting("POINTSMAN_MAIL_PLAIN", "1 lets both servers be asked without TLS", _switch, _COURIER),
    Setting("POINTSMAN_GITHUB_APP", "file with the GitHub App's keys; GitHub is off without it", _any, _ADAPTER),
    Setting("POINTSMAN_GITHUB_MENTION", "the word that comments call us by; else the App's own name", _any, _ADAPTER),
    Setting("POINTSMAN_GITHUB_API", "GitHub's API", _http_url, _ADAPTER, "https://api.github.com"),
    Setting("ALLOWED_MAIL_ADDRESSES", "people who may write by mail; empty: nobody", mail_checks.addresses, _COURIER),
)

BY_NAME = {setting.name: setting for setting in SETTINGS}
BY_KEY = {setting.key: setting for setting in SETTINGS}


def like(name: str, words: Iterable[str]) -> str:
    """The word that the name may be a slip of; empty where none is near."""
    from difflib import get_close_matches

    spelt = {word.casefold(): word for word in words}
    # 0.7 lets one slip through in a short word, and another word not.
    near = get_close_matches(name.casefold(), spelt, n=1, cutoff=0.7)
    return spelt[near[0]] if near else ""


def masked(setting: Setting, value: str) -> str:
    """A value as it may be shown to anybody who looks over a shoulder."""
    if setting.secret and value:
        return "********"  # whatever its length is, which would tell something
    # An address may hold a password of its own.
    return re.sub(r"://[^/@\s]+@", "://********@", value)
