"""The coding agents that are known to speak ACP, and in what they differ: data, as seen with the real programs."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType

from agent.domain.control import ACCEPT_EDITS, DEFAULT, PLAN
from agent.domain.errors import ConfigError

NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")


class Busy(Enum):
    """What a text does that comes in a turn: why texts wait on our side."""

    STOPS = "stops the turn"
    QUEUES = "waits in the program"
    JOINS = "joins the turn"
    REFUSED = "is refused"
    UNKNOWN = "is anybody's guess"


class Load(Enum):
    """How a conversation is taken up again."""

    RESUME = "session/resume"  # nothing is replayed
    LOAD = "session/load"  # what was said comes again, up to the answer
    NEXT_MINUTE = "session/load, not in the minute of the last one"  # else it destroys the conversation
    OFFERED = "what it offers"


class LastWords(Enum):
    """Which of its words are the answer of a turn."""

    MESSAGE = "the last message by id"  # what has no id are warnings and errors
    BEHIND_TOOLS = "what comes behind the last tool"  # its words have no ids


@dataclass(frozen=True, slots=True)
class Kind:
    """One coding agent.

    `mode` is set after every new, load and resume, so that people are asked; empty where that is all there is, or
    `environ` says it. `modes` are those that can be chosen from afar: our names, and its own. `logins` are where its
    login may be: files in a home, and variables, as "$NAME". `brings` are files and folders of a project that it would
    use before anybody is asked: commands to run, or where its key is sent; None where nobody knows. `leaves` is where a
    load leaves files that would take the conversation away, as a glob below the person's home (retention.py).
    """

    name: str
    title: str
    argv: tuple[str, ...]
    install: str = ""  # the command that does
    mode: str = ""
    modes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    environ: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    busy: Busy = Busy.UNKNOWN
    load: Load = Load.OFFERED
    leaves: str = ""
    late_replay: bool = False  # old words come also behind the answer, up to the list of its commands
    words: LastWords = LastWords.BEHIND_TOOLS
    brings: tuple[str, ...] | None = None
    logins: tuple[str, ...] = ()
    is_listed: bool = False  # in Claude Code's registry of what runs
    version: int = 1  # of the protocol that is spoken with it; 2 is a draft

    @property
    def program(self) -> str:
        """What must be on the PATH."""
        return self.argv[0]


# It allows everything unless it is told otherwise; said here, a person's own files stay as they are.
_OPENCODE = {"bash": "ask", "edit": "ask", "webfetch": "ask"}

_COPILOT_MODES = "https://agentclientprotocol.com/protocol/session-modes#"

_ALL = (
    Kind(
        "gemini", "Gemini CLI", ("gemini", "--acp"), "npm install -g @google/gemini-cli", "default",
        MappingProxyType({DEFAULT: "default", ACCEPT_EDITS: "autoEdit", PLAN: "plan"}),
        MappingProxyType({"GEMINI_CLI_NO_RELAUNCH": "true", "NO_BROWSER": "1"}),
        Busy.STOPS, Load.NEXT_MINUTE, leaves=".gemini/tmp/*/chats/session-*-{id}.jsonl", late_replay=True,
        brings=(".gemini", ".env"),
        logins=(".gemini/oauth_creds.json", "$GEMINI_API_KEY", "$GOOGLE_API_KEY", "$GOOGLE_GENAI_USE_VERTEXAI"),
    ),
    Kind(
        "opencode", "OpenCode", ("opencode", "acp"), "npm install -g opencode-ai", "",
        MappingProxyType({DEFAULT: "build", PLAN: "plan"}),
        MappingProxyType({
            "OPENCODE_CONFIG_CONTENT": json.dumps({"permission": _OPENCODE}),
            "OPENCODE_PERMISSION": json.dumps(_OPENCODE),  # what is in there has the last word
            "OPENCODE_DISABLE_AUTOUPDATE": "1",
        }),
        busy=Busy.JOINS, load=Load.RESUME, words=LastWords.MESSAGE,
        brings=("opencode.json", "opencode.jsonc", ".opencode"),
    ),
    Kind(
        "codex", "Codex", ("codex-acp",), "npm install -g @agentclientprotocol/codex-acp", "read-only",
        # In the second it writes and runs what its sandbox lets it, in the folder alone.
        MappingProxyType({DEFAULT: "read-only", ACCEPT_EDITS: "workspace-write"}),
        MappingProxyType({"INITIAL_AGENT_MODE": "read-only", "NO_BROWSER": "1"}),
        busy=Busy.QUEUES, load=Load.RESUME, words=LastWords.MESSAGE, brings=(".codex",),
        logins=(".codex/auth.json", "$OPENAI_API_KEY", "$CODEX_API_KEY"),
    ),
    Kind(
        "claude-acp", "Claude Code (ACP)", ("claude-agent-acp",),
        # Of no named version Node 20 gets a very old one.
        "npm install -g @agentclientprotocol/claude-agent-acp@0.101.0", "default",
        MappingProxyType({DEFAULT: DEFAULT, ACCEPT_EDITS: ACCEPT_EDITS, PLAN: PLAN}),
        busy=Busy.QUEUES, load=Load.RESUME, words=LastWords.MESSAGE, brings=(".claude", ".mcp.json"), is_listed=True,
    ),
    Kind(
        "qwen", "Qwen Code", ("qwen", "--acp"), "npm install -g @qwen-code/qwen-code", "default",
        MappingProxyType({DEFAULT: "default", ACCEPT_EDITS: "auto-edit", PLAN: "plan"}),
        MappingProxyType({"QWEN_CODE_NO_RELAUNCH": "true"}),
        busy=Busy.STOPS, load=Load.RESUME, brings=(".qwen", ".env"),
    ),
    Kind(
        "copilot", "Copilot CLI", ("copilot", "--acp"), "npm install -g @github/copilot", f"{_COPILOT_MODES}agent",
        MappingProxyType({DEFAULT: f"{_COPILOT_MODES}agent", PLAN: f"{_COPILOT_MODES}plan"}),
        # Where that is set it asks nobody, and tells whoever asks it that it would.
        MappingProxyType({"COPILOT_ALLOW_ALL": "false"}),
        busy=Busy.STOPS, load=Load.LOAD, brings=(".mcp.json", ".vscode", ".github/hooks", ".copilot"),
    ),
    Kind(
        "vibe", "Vibe", ("vibe-acp",), "pip install mistral-vibe",
        busy=Busy.REFUSED, load=Load.LOAD, words=LastWords.MESSAGE, brings=(".vibe", ".env"),
    ),
)  # fmt: skip
KNOWN: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in _ALL})


def table(setting: str = "") -> Mapping[str, Kind]:
    """Those that are known, with what a person added or changed: `NAME[@2][:MODE] = COMMAND; …`. Raises ConfigError."""
    kinds = dict(KNOWN)
    for item in filter(None, map(str.strip, setting.split(";"))):
        kind = _read(item)
        kinds[kind.name] = kind
    return MappingProxyType(kinds)


def _read(item: str) -> Kind:
    head, separator, command = item.partition("=")
    named, _, mode = map(str.strip, head.partition(":"))
    name, at, version = named.partition("@")
    try:
        argv = tuple(shlex.split(command))
    except ValueError:
        argv = ()
    sound = NAME.fullmatch(name) and name != "claude" and (not at or version == "2")
    if not separator or not argv or not sound:
        raise ConfigError(
            f"POINTSMAN_AGENTS: {item[:60]!r} is not NAME = COMMAND or NAME:MODE = COMMAND; a name has up to 32 of a-z,"
            " 0-9 and -, and claude is taken. With NAME@2 it is spoken to in version 2 of the protocol, a draft."
        )
    known = KNOWN.get(name)
    if known is None:
        return Kind(name, name, argv, mode=mode, version=2 if at else 1)
    modes = MappingProxyType({**known.modes, DEFAULT: mode}) if mode else known.modes
    return replace(known, argv=argv, mode=mode or known.mode, modes=modes, version=2 if at else 1)
