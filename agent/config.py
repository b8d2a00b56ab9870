"""The agent's settings, read from an environment in this one place."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agent.domain.errors import ConfigError
from agent.domain.session import MAX_HEADLESS
from agent.domain.workspace import NO_WORKSPACES, WorkspaceRules

APIS = ("anthropic", "openai")  # that endpoints speak
WAIT_MINUTES = 30
CLAUDE = "claude"  # in the place of an address: Claude Code is run for each answer, without tools


@dataclass(frozen=True, slots=True)
class Tls:
    """Files for TLS: the CA to trust, and a certificate of our own where the router asks for one."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """One that sessions may ask without a program between: where, which, how, and what opens it."""

    url: str  # https://… or, on this machine or without a key, http://…; or "claude" for Claude Code
    name: str
    api: str
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Config:
    """What two agents may need to have different. `router` is empty to use the one this machine enrolled at.

    `start_folders` are those in and below which sessions may be started from afar, `home` is what "~" stands for.
    `trusted_folders` are those whose own settings, hooks and MCP servers count for programs that the agent starts.
    """

    data_dir: Path
    router: str = ""
    tls: Tls = Tls()
    start_folders: tuple[Path, ...] = ()
    home: Path = Path("/")
    max_sessions: int = MAX_HEADLESS  # a small machine takes fewer
    trusted_folders: tuple[Path, ...] = ()  # none by itself: what lies in a folder may be a stranger's
    agents: str = ""  # beside those that are known: NAME[:MODE] = COMMAND; …
    masks: tuple[tuple[str, str], ...] = ()  # names and patterns of secrets, beside those that are known
    workspaces: WorkspaceRules = NO_WORKSPACES
    foreign_image: str = ""  # of the containers in which strangers' branches run
    environ: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)  # of which git sees a part
    model: Model | None = None
    prompts: Path | None = None  # a folder of Markdown files
    wait_minutes: int = WAIT_MINUTES  # for which a program without a terminal is kept that waits for a person

    @property
    def folder(self) -> Path:
        """Where the agent keeps what it owns; nobody else may read it."""
        return self.data_dir / "agent"

    @property
    def records(self) -> Path:
        """Where it writes down what sessions do whose programs keep no record that it reads."""
        return self.folder / "records"

    @property
    def histories(self) -> Path:
        """Where it keeps what was said in sessions with a model."""
        return self.folder / "histories"

    @property
    def workers(self) -> Path:
        """Where the programs of sessions find their tokens."""
        return self.folder / "workers"

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Config":
        """The settings in an environment. Raises ConfigError naming what is missing or wrong."""
        data_dir = environ.get("POINTSMAN_DATA_DIR") or _default_data_dir(environ)
        tls = Tls(*(_file(environ, f"POINTSMAN_TLS_{name}") for name in ("CA", "CERT", "KEY")))
        if (tls.cert is None) != (tls.key is None):  # gRPC would take one without the other, and fail at the handshake
            raise ConfigError("POINTSMAN_TLS_CERT and POINTSMAN_TLS_KEY go together: set both or neither.")
        home = Path(environ.get("HOME") or "/")
        return cls(
            Path(data_dir),
            _address(environ.get("POINTSMAN_ROUTER", "")),
            tls,
            _folders(environ, "POINTSMAN_START_FOLDERS", home),
            home,
            _number(environ, "POINTSMAN_MAX_SESSIONS", MAX_HEADLESS),
            _folders(environ, "POINTSMAN_TRUSTED_FOLDERS", home),
            environ.get("POINTSMAN_AGENTS", ""),
            _masks(environ.get("POINTSMAN_MASKS", "")),
            _workspaces(environ),
            environ.get("POINTSMAN_FOREIGN_IMAGE", ""),
            dict(environ),
            _model(environ),
            next(iter(_folders(environ, "POINTSMAN_PROMPTS", home)), None),
            _number(environ, "POINTSMAN_WAIT_MINUTES", WAIT_MINUTES, most=7 * 24 * 60),
        )


def _default_data_dir(environ: Mapping[str, str]) -> str:
    home = environ.get("XDG_DATA_HOME") or (f"{environ['HOME']}/.local/share" if environ.get("HOME") else "")
    if not home:
        raise ConfigError("POINTSMAN_DATA_DIR is not set, and neither is HOME: set one of them.")
    return f"{home}/pointsman"


def _file(environ: Mapping[str, str], name: str) -> Path | None:
    value = environ.get(name, "")
    if not value:
        return None
    path = Path(value)
    # Now, with its name; gRPC would say only that the handshake failed.
    if not os.path.isfile(path):  # noqa: PTH113 - pathlib raises for a name that is too long
        raise ConfigError(f"{name}: there is no file {value}.")
    return path


def _folders(environ: Mapping[str, str], name: str, home: Path) -> tuple[Path, ...]:
    """The folders of a list with commas. One that is not there is no mistake: it may come."""
    folders = []
    for item in filter(None, map(str.strip, environ.get(name, "").split(","))):
        path = home / item[2:] if item.startswith("~/") else home if item == "~" else Path(item)
        if not path.is_absolute():  # an agent has no folder of its own that it could be relative to
            raise ConfigError(f"{name}: {item!r} is neither an absolute path nor begins with ~/.")
        folders.append(path)
    return tuple(folders)


def _masks(value: str) -> tuple[tuple[str, str], ...]:
    """The lines of a file, each a name, " = " and a regular expression; empty ones and those with # are left out."""
    if not value:
        return ()
    try:
        lines = Path(value).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise ConfigError(f"POINTSMAN_MASKS={value} cannot be read: {error}") from None
    masks = []
    for line in filter(None, map(str.strip, lines)):
        name, separator, pattern = line.partition(" = ")
        try:
            found = None if line.startswith("#") else re.compile(pattern.strip())
        except re.error as error:
            raise ConfigError(f"POINTSMAN_MASKS={value}: {name} has a pattern that is none: {error}") from None
        if found is None:
            continue
        if not (separator and name.strip()) or found.match(""):
            raise ConfigError(f"POINTSMAN_MASKS={value}: write NAME = PATTERN, which matches something: {line[:40]!r}")
        masks.append((name.strip(), pattern.strip()))
    return tuple(masks)


def _model(environ: Mapping[str, str]) -> Model | None:
    """None where the owner names none."""
    url, name = environ.get("POINTSMAN_MODEL_URL", "").strip(), environ.get("POINTSMAN_MODEL", "").strip()
    api, key = environ.get("POINTSMAN_MODEL_API", "").strip(), environ.get("POINTSMAN_MODEL_KEY", "").strip()
    if not url:
        return None
    if url == CLAUDE:
        return Model(url, name or "haiku", CLAUDE)
    match = re.fullmatch(r"(https?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::[0-9]{1,5})?(?:/[!-~]*)?", url)
    if match is None or "@" in url or "?" in url or "#" in url:
        raise ConfigError(f"POINTSMAN_MODEL_URL must be http(s)://HOST[:PORT][/PATH], or {CLAUDE}; got {url[:80]!r}.")
    if not name:
        raise ConfigError("POINTSMAN_MODEL_URL is set, and POINTSMAN_MODEL is not: name the model that is asked there.")
    if api not in ("", *APIS):
        raise ConfigError(f"POINTSMAN_MODEL_API must be one of {', '.join(APIS)}; got {api[:40]!r}.")
    if key and not re.fullmatch(r"[!-~]{1,1024}", key):
        raise ConfigError("POINTSMAN_MODEL_KEY must be printable ASCII without blanks.")  # it is not shown
    if key and match[1] == "http" and not _is_here(match[2]):
        raise ConfigError(
            "POINTSMAN_MODEL_URL is http, and there is a key, which anybody on the way could read: use https."
        )
    return Model(url, name, api or (APIS[0] if match[2].endswith("anthropic.com") else APIS[1]), key)


def _is_here(host: str) -> bool:
    """Whether what is said there stays on this machine."""
    return host in ("localhost", "[::1]") or re.fullmatch(r"127(?:\.[0-9]{1,3}){3}", host) is not None


def _workspaces(environ: Mapping[str, str]) -> WorkspaceRules:
    """Which repositories may be cloned here, and what they may take of the disk."""
    repositories = tuple(filter(None, map(str.strip, environ.get("POINTSMAN_REPOSITORIES", "").split(","))))
    for each in repositories:
        if not re.fullmatch(r"(?:https|ssh)://[^/\s:@]\S*|[A-Za-z0-9._-]+@[A-Za-z0-9]\S*:\S*|/\S+", each):
            text = "neither an address such as https://github.com/acme/ or git@github.com:acme/, nor an absolute path"
            raise ConfigError(f"POINTSMAN_REPOSITORIES: {each!r} is {text}.")
    foreign = environ.get("POINTSMAN_FOREIGN", "") or "never"
    if foreign not in ("never", "container"):
        raise ConfigError(f"POINTSMAN_FOREIGN must be never or container; got {foreign!r}.")
    if foreign == "container" and not environ.get("POINTSMAN_FOREIGN_IMAGE"):
        raise ConfigError("POINTSMAN_FOREIGN is container: name an image that has claude in POINTSMAN_FOREIGN_IMAGE.")
    most = _number(environ, "POINTSMAN_WORKSPACE_MAX_GB", 20, most=100_000)
    return WorkspaceRules(repositories, most * 1e9, takes_foreign=foreign == "container")


def _number(environ: Mapping[str, str], name: str, default: int, most: int = 1000) -> int:
    value = environ.get(name, "") or str(default)
    if not (re.fullmatch(r"[0-9]{1,6}", value) and 0 < int(value) <= most):
        raise ConfigError(f"{name} must be a number from 1 to {most}; got {value!r}.")
    return int(value)


def _address(value: str) -> str:
    if value.startswith("unix:/"):
        return value
    host, separator, port = value.rpartition(":")
    if value and not (host and separator and re.fullmatch(r"[0-9]{1,5}", port) and 0 < int(port) < 65536):
        raise ConfigError(f"POINTSMAN_ROUTER must be HOST:PORT, such as 127.0.0.1:7443, or unix:PATH; got {value!r}.")
    return value
