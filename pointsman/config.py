"""Where settings come from: flags, the environment, files of secrets, pointsman.toml, defaults.

The only reader of the process environment in this package.
"""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pointsman import credentials
from pointsman.conflicts import TLS_FILES, conflicts
from pointsman.data_folder import GITHUB_APP, router_socket, trouble_with
from pointsman.errors import ExitCode, Failure
from pointsman.lifeline import SUPERVISOR_PID
from pointsman.settings import BY_KEY, BY_NAME, SETTINGS, Program, Setting, Source, is_socket, like, reachable

Sources = Mapping[Source, Mapping[str, str]]
"""What each source gives, by the names of settings; the strongest first."""

FILE_NAME = "pointsman.toml"
ROUTER_DATABASE = "router.db"
ROUTER_FINGERPRINT = "router.fingerprint"  # the router writes it at its start
_ENROLMENT = "agent/machine.json"


class BadSettings(Failure):
    """Settings that cannot be used; `problems` names each."""

    def __init__(self, problems: list[str]) -> None:
        cure = "Every setting and where its value comes from: pointsman doctor --settings"
        super().__init__("; ".join(problems), cure, ExitCode.USAGE)
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Value:
    """What a setting is, and why."""

    text: str
    source: Source


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one call."""

    values: Mapping[str, Value]
    environ: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.values[name].text

    @property
    def data_dir(self) -> Path:
        return Path(self["POINTSMAN_DATA_DIR"])

    @property
    def tmux(self) -> str:
        """The tmux server this process runs in; empty outside of one."""
        return self.environ.get("TMUX", "")

    @property
    def claude_folder(self) -> Path:
        """Where Claude Code has its user settings."""
        return Path(self.environ.get("CLAUDE_CONFIG_DIR") or "~/.claude").expanduser().absolute()

    @property
    def adapter_key_name(self) -> str:
        """The setting of the key that the adapter shows the router: its own, or the only one that there is."""
        return "POINTSMAN_ADAPTER_KEY" if self["POINTSMAN_ADAPTER_KEY"] else "POINTSMAN_API_KEY"

    @property
    def adapter_key(self) -> str:
        """That key."""
        return self[self.adapter_key_name]

    @property
    def shows_token(self) -> bool:
        """Whether commands show the token of the session that they run in: there is no key that opens more."""
        return bool(self["POINTSMAN_WORKER_TOKEN_FILE"] and not self["POINTSMAN_API_KEY"])

    def is_set(self, name: str) -> bool:
        return self.values[name].source not in (Source.DEFAULT, Source.ENROLLED, Source.UNSET)

    @property
    def router_is_elsewhere(self) -> bool:
        """Whether the router is another machine's, at which this one was enrolled: it has an agent and no more."""
        return self.values["POINTSMAN_ROUTER"].source is Source.ENROLLED

    def where(self, name: str) -> str:
        """The place that a value comes from, for whoever must change it there."""
        return _where(BY_NAME[name], self.values[name].source, self.data_dir)

    def agent_socket(self) -> Path:
        """Where the local agent listens."""
        from agent.local.client import socket_path

        return Path(socket_path(self.data_dir))


def _where(setting: Setting, source: Source, data_dir: Path) -> str:
    places = {
        Source.CREDENTIAL: f"the credential {setting.key}, or the file that {setting.name}_FILE names,",
        Source.FLAG: f"the flag {setting.flag}",
        Source.ENVIRONMENT: f"{setting.name} in the environment",
        Source.FILE: f"{setting.key} in {data_dir / FILE_NAME}",
        Source.GENERATED: str(data_dir / setting.file),
        Source.ENROLLED: str(data_dir / _ENROLMENT),
    }
    return places.get(source, source.value)


_PATHS = ("POINTSMAN_DATA_DIR", "POINTSMAN_WORKER_TOKEN_FILE", *TLS_FILES)  # programs may run in another folder
SESSION_VARIABLES = ("POINTSMAN_SESSION_ID", SUPERVISOR_PID)
"""What programs inside a session find in their environment; no settings."""


def read_settings(flags: Mapping[str, str]) -> Settings:
    """The settings of this process. Raises BadSettings naming every bad value and unknown key."""
    return resolve(flags, os.environ)


def read_data_dir(flags: Mapping[str, str]) -> Path:
    """The data directory alone, for what makes files that the other settings may name already. Raises BadSettings."""
    data_dir = _data_dir(flags, os.environ)
    if trouble := trouble_with(data_dir):
        raise BadSettings([trouble])
    return data_dir


# Where gRPC 1.85 uses it. A version that knows one of them no more says so on stderr, which a test reads.
_EVENT_ENGINE = ("client", "listener", "callback_cq", "for_all_other_endpoints")
_GRPC = {
    "GRPC_VERBOSITY": "ERROR",
    "GRPC_ENABLE_FORK_SUPPORT": "0",
    "GRPC_EXPERIMENTS": ",".join(f"-event_engine_{part}" for part in _EVENT_ENGINE),
}


def tame_grpc() -> None:
    """Before gRPC is imported: no chatter on stderr, no fork handlers, which only get in the way of exec.

    And each read in the thread that polled for it: gRPC's event engine hands it to a pool of threads first, which
    costs a webhook on its way to the machine a tenth of its time (docs/performance.md).
    """
    for name, value in _GRPC.items():
        os.environ.setdefault(name, value)  # whoever looks for a fault in gRPC has set these, and wins


def restore_environment() -> None:
    """Before this process becomes, or starts, a person's own program: that one gets the environment as it came."""
    for name, value in _GRPC.items():
        if os.environ.get(name) == value:  # else it was a person's own
            del os.environ[name]


def unknown_names(environ: Mapping[str, str]) -> list[str]:
    """Names that look like ours and mean nothing."""
    known = {*BY_NAME, *SESSION_VARIABLES, *credentials.FILE_NAMES}
    return sorted(name for name in environ if name.startswith("POINTSMAN_") and name not in known)


def unknown_here() -> list[str]:
    """Those of this process; none in a program that a supervisor started, which has told them already."""
    return [] if SUPERVISOR_PID in os.environ else unknown_names(os.environ)


def resolve(flags: Mapping[str, str], environ: Mapping[str, str]) -> Settings:
    """The settings that result from these flags and this environment."""
    problems: list[str] = []
    data_dir = _data_dir(flags, environ)
    if trouble := trouble_with(data_dir):
        raise BadSettings([trouble])  # before anything in it is read
    from_file = _read_file(data_dir / FILE_NAME, problems)
    held = {setting.name: credentials.secret_of(setting, environ, problems) for setting in SETTINGS}
    sources = {Source.FLAG: flags, Source.ENVIRONMENT: environ, Source.CREDENTIAL: held, Source.FILE: from_file}
    values = {setting.name: _value(setting, sources, data_dir) for setting in SETTINGS}
    # All of them, not the first: else each start would show one more.
    for setting in SETTINGS:
        value = values[setting.name]
        wrong = setting.check(value.text) if value.text else ""
        if wrong:
            problems.append(f"{_where(setting, value.source, data_dir)} {wrong}")
    # Only among values that are good by themselves: one mistake is told once.
    problems += conflicts({name: value.text for name, value in values.items()}) if not problems else []
    if problems:
        raise BadSettings(problems)
    return Settings(values, environ)


def _data_dir(flags: Mapping[str, str], environ: Mapping[str, str]) -> Path:
    given = flags.get("POINTSMAN_DATA_DIR") or environ.get("POINTSMAN_DATA_DIR")
    if given:
        return _absolute(given)
    home = environ.get("XDG_DATA_HOME") or Path("~/.local/share").expanduser()
    return Path(home) / "pointsman"


def _absolute(text: str) -> Path:
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError:  # ~name, and there is no such account
        raise BadSettings([f"{text} lies in the home of an account that is not there"]) from None


def _read_file(path: Path, problems: list[str]) -> dict[str, str]:
    """The keys of pointsman.toml by the names of their settings."""
    import tomllib

    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, RecursionError) as error:
        problems.append(f"{path} cannot be read: {error}")
        return {}
    known = {}
    for key, value in content.items():
        setting = BY_KEY.get(key) or BY_NAME.get(key)
        if setting is None:
            near = like(key, [*BY_KEY, *BY_NAME])
            problems.append(f"{path}: unknown key {key!r}" + (f"; did you mean {near}?" if near else ""))
        elif setting.name == "POINTSMAN_DATA_DIR":
            problems.append(f"{path}: {key!r} cannot stand in the file that it locates")
        elif (text := _text(value)) is None:
            problems.append(f"{path}: {key!r} must be a text, a number or a list of those")
        else:
            known[setting.name] = text
    return known


def _text(value: object) -> str | None:
    match value:
        case bool():  # an int to Python; its text would be "True"
            return None
        case str() | int():
            return str(value)
        case list() if all(isinstance(item, str | int) and not isinstance(item, bool) for item in value):
            return ",".join(map(str, value))
    return None


def _value(setting: Setting, sources: Sources, data_dir: Path) -> Value:
    """The strongest value of one setting. An empty one counts as not given: compose files pass `${NAME:-}`."""
    name = setting.name
    for source, given in sources.items():
        if text := given.get(name, "").strip():
            return Value(str(_absolute(text)) if name in _PATHS else text, source)
    # Below the file: who writes a secret there replaces the one that was generated.
    if setting.file and (text := _generated(data_dir / setting.file)):
        return Value(text, Source.GENERATED)
    if name == "POINTSMAN_ROUTER" and (text := _enrolled_at(sources, data_dir)):
        return Value(text, Source.ENROLLED)
    if name == "POINTSMAN_ROUTER_FINGERPRINT":
        return _pinned(sources, data_dir)
    text = _default(setting, sources, data_dir)
    return Value(text, Source.DEFAULT if text else Source.UNSET)


def _enrolled_at(sources: Sources, data_dir: Path) -> str:
    """The router that this machine was enrolled at; empty where it never was, or the router is here itself."""
    if any(given.get("POINTSMAN_ROUTER_LISTEN") for given in sources.values()):
        return ""
    # Whoever has a router here means that one, whatever was enrolled at before.
    if any((data_dir / name).exists() for name in (ROUTER_DATABASE, ROUTER_FINGERPRINT)):
        return ""
    return enrolled(data_dir, "router")


def _pinned(sources: Sources, data_dir: Path) -> Value:
    """What is known of the key of the router that the settings name; nothing where it is any other one."""
    router = _value(BY_NAME["POINTSMAN_ROUTER"], sources, data_dir)
    if router.source is Source.ENROLLED:
        text = enrolled(data_dir, "router_fingerprint")
        return Value(text, Source.ENROLLED if text else Source.UNSET)
    here = (_default(BY_NAME["POINTSMAN_ROUTER"], sources, data_dir), _listening(sources, data_dir))
    text = _generated(data_dir / ROUTER_FINGERPRINT) if router.text in here else ""
    return Value(text, Source.GENERATED if text else Source.UNSET)


def enrolled(data_dir: Path, fact: str) -> str:
    """What this machine was enrolled with, by its name in that file; empty where it never was."""
    import json

    try:
        return str(json.loads((data_dir / _ENROLMENT).read_text(encoding="utf-8"))[fact])
    # As if it never was: the agent says what is wrong with its own file.
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _generated(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""  # `doctor` says why; most commands can do without


def _default(setting: Setting, sources: Sources, data_dir: Path) -> str:
    match setting.name:
        case "POINTSMAN_DATA_DIR":
            return str(data_dir)
        case "POINTSMAN_DATABASE":
            return f"sqlite:///{data_dir / ROUTER_DATABASE}"
        case "POINTSMAN_GITHUB_APP":
            return str(app) if (app := data_dir / GITHUB_APP).exists() else ""
        case "POINTSMAN_ROUTER":
            return router_socket(data_dir) or _listening(sources, data_dir)
        case "POINTSMAN_MACHINE_ID":
            # A host's name may have letters that no id has.
            return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in socket.gethostname())
    return setting.default


def _listening(sources: Sources, data_dir: Path) -> str:
    # A router moved to another port is found there without being told twice.
    return reachable(_value(BY_NAME["POINTSMAN_ROUTER_LISTEN"], sources, data_dir).text)


def child_environment(settings: Settings, program: Program, changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """A complete environment for a program: ours, with exactly the settings that it may read."""
    # All of ours go, and what the program may read comes back: it must not inherit another's secret.
    ours = {*BY_NAME, SUPERVISOR_PID, *credentials.NAMES}
    environ = {name: value for name, value in settings.environ.items() if name not in ours}
    resolved = {name: value.text for name, value in settings.values.items() if value.text}
    if program is Program.AGENT and not settings.is_set("POINTSMAN_ROUTER") and not _has_socket_of_its_router(settings):
        del resolved["POINTSMAN_ROUTER"]  # it uses the router that its machine was enrolled at
    if program in (Program.ADAPTER_HTTP, Program.COURIER):
        resolved["POINTSMAN_ADAPTER_KEY"] = settings.adapter_key
    resolved.update(changes or {})
    return environ | {name: text for name, text in resolved.items() if program in BY_NAME[name].readers}


def _has_socket_of_its_router(settings: Settings) -> bool:
    """Whether the router of this data directory, whose socket is there, is the one that its machine was enrolled at."""
    pinned = enrolled(settings.data_dir, "router_fingerprint")
    return is_socket(settings["POINTSMAN_ROUTER"]) and pinned == settings["POINTSMAN_ROUTER_FINGERPRINT"] != ""


def plain_environment() -> dict[str, str]:
    """The environment as it came, for a person's own programs."""
    return {name: value for name, value in os.environ.items() if _GRPC.get(name) != value}


def demo_plays_the_person() -> bool:
    return os.environ.get("DEMO_AUTO", "") not in ("", "0")
