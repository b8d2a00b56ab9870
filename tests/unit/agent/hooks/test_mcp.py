"""Our MCP server into the settings of each coding agent, and out again byte for byte."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from agent.hooks import mcp
from agent.hooks.mcp import AGENTS, Agent
from agent.hooks.settings_file import SettingsRefused

ARGV = ["/opt/python", "-I", "-S", "/opt/pointsman/mcp/stdio.py", "/srv/me/agent.sock"]
JSON_TEXTS = [
    "{}",
    "{ }\n",
    '{\n  "theme": "dark"\n}\n',
    '{\r\n\t"theme": "dark",\r\n\t"list": [1, 2]\r\n}',
    '{"SECTION": {}}',
    '{"SECTION": {"other": {"command": "x", "args": ["/a/stdio.py"]}}, "z": 1}',
    '\ufeff{\n    "SECTION": {\n        "a": {}\n    },\n    "é": "\\u00e9"\n}\n',
]
TOML_TEXTS = ["", "\n", 'model = "x"', 'model = "x"\n', '[mcp_servers.other]\ncommand = "y"\n\n[tui]\nx = 1 # end']


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path)}


def there(agent: Agent, environ: Mapping[str, str], text: str) -> Path:
    path = agent.file(environ)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.replace("SECTION", agent.section).encode())
    return path


CASES = [
    pytest.param(agent, text, id=f"{agent.name} {text[:20]!r}")
    for agent in AGENTS
    for text in (JSON_TEXTS if agent.section else TOML_TEXTS)
]


@pytest.mark.parametrize(("agent", "text"), CASES)
def test_it_goes_in_once_and_out_byte_for_byte(agent: Agent, text: str, environ: dict[str, str]) -> None:
    path = there(agent, environ, text)
    before = path.read_bytes()
    changes = [agent.install(environ, ARGV), agent.install(environ, ARGV)]
    has_it = agent.has_it(environ)
    changes += [agent.uninstall(environ), agent.uninstall(environ)]

    assert (changes, has_it) == ([True, False, True, False], True)
    assert path.read_bytes() == before


@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.name)
def test_a_file_that_was_made_for_it_goes_too(agent: Agent, environ: dict[str, str]) -> None:
    agent.install(environ, ARGV)
    made = agent.file(environ).exists()
    agent.uninstall(environ)

    assert (made, agent.file(environ).exists()) == (True, False)


@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.name)
def test_one_of_before_is_replaced_and_what_came_behind_it_stays(agent: Agent, environ: dict[str, str]) -> None:
    agent.install(environ, ["/old/python", *ARGV[1:]])
    path = agent.file(environ)
    more = "[later]\nx = 1\n" if not agent.section else ""
    text = path.read_text() + more
    if agent.section:
        text = json.dumps(json.loads(text) | {"later": 1})  # as the program writes it anew
    path.write_text(text)
    agent.install(environ, ARGV)
    both = path.read_text()
    agent.uninstall(environ)

    assert ("/old/python" in both, "/opt/python" in both, "later" in both) == (False, True, True)
    assert "later" in path.read_text()
    assert "pointsman" not in path.read_text()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("claude", '{"mcpServers": {"pointsman": {"command": "mine"}}}'),
        ("claude", '{"mcpServers": []}'),
        ("opencode", '{"mcp": {} /* a comment */}'),
        ("codex", '[mcp_servers.pointsman]\ncommand = "mine"\n'),
        ("codex", 'mcp_servers = { other = { command = "x" } }\n'),
        ("codex", "no toml\n"),
    ],
)
def test_what_cannot_be_edited_without_harm_is_left_alone(name: str, text: str, environ: dict[str, str]) -> None:
    agent = next(one for one in AGENTS if one.name == name)
    path = there(agent, environ, text)
    with pytest.raises(SettingsRefused):
        agent.install(environ, ARGV)

    assert path.read_text() == text


def test_each_reads_its_own_form(environ: dict[str, str]) -> None:
    for agent in AGENTS:
        agent.install(environ, ARGV)
    claude, codex, opencode, gemini = (agent.file(environ).read_text() for agent in AGENTS)

    assert json.loads(claude)["mcpServers"]["pointsman"]["args"][:4] == ARGV[1:]
    assert tomllib.loads(codex)["mcp_servers"]["pointsman"]["tool_timeout_sec"] == 604_800
    assert json.loads(opencode)["mcp"]["pointsman"]["command"][:5] == ARGV
    assert json.loads(gemini)["mcpServers"]["pointsman"]["timeout"] == 604_800_000


@pytest.mark.parametrize(
    ("name", "variables", "file"),
    [
        ("claude", {}, ".claude.json"),
        ("claude", {"CLAUDE_CONFIG_DIR": "/c"}, "/c/.claude.json"),
        ("codex", {}, ".codex/config.toml"),
        ("codex", {"CODEX_HOME": "/c"}, "/c/config.toml"),
        ("opencode", {}, ".config/opencode/opencode.json"),
        ("opencode", {"XDG_CONFIG_HOME": "/c"}, "/c/opencode/opencode.json"),
        ("gemini", {}, ".gemini/settings.json"),
    ],
)
def test_where_each_has_its_settings(name: str, variables: dict[str, str], file: str, environ: dict[str, str]) -> None:
    agent = next(one for one in mcp.AGENTS if one.name == name)

    assert agent.file(environ | variables) == Path(environ["HOME"]) / file
