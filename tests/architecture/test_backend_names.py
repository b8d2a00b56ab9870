"""Only the table in agent/backends/registry.py knows backends by name: all that matters of one is among its traits."""

import ast

from agent.backends.registry import backends
from tests.architecture.source import PACKAGES, modules, tree

NAMES = frozenset(backends().table)
COMMON = {"command", "hooks"}  # outside the agent these are words like any other

OPTION = "a person's option, and what becomes of it on the local socket"
SETTINGS = "a key of Claude Code's settings"
MODEL = "which model something is, and not the backend"
OTHERS = "a key of coding agents' settings"

ALLOWED = {
    ("pointsman/local.py", "tmux"): OPTION,
    ("pointsman/local.py", "nvim"): OPTION,
    ("pointsman/commands/sessions.py", "headless"): OPTION,
    ("router/services/starts.py", "headless"): "goes out before its machine has said what the session will be",
    ("pointsman/commands/completion.py", "tmux"): "the program",
    ("pointsman/commands/hook_programs.py", "codex"): "the program",
    ("agent/hooks/mcp.py", "codex"): "the program",
    ("agent/hooks/mcp.py", "opencode"): "the program",
    ("pointsman/commands/hook_programs.py", "opencode"): "the program, and its folder",
    ("webhook_adapter/transports/embeddings.py", "model"): "what an endpoint as OpenAI's is asked for",
    ("agent/hooks/claude_code.py", "hooks"): SETTINGS,
    ("agent/hooks/claude_code.py", "command"): SETTINGS,
    ("agent/hooks/installer.py", "hooks"): SETTINGS,
    ("agent/hooks/mcp.py", "command"): OTHERS,
    ("agent/hooks/mcp_json.py", "command"): OTHERS,
    ("agent/domain/claude_tool.py", "command"): "what a tool of Claude Code's is given",
    ("agent/domain/gemini_hook.py", "command"): "what a tool of Gemini CLI's is given",
    ("agent/domain/codex_hook.py", "command"): "what a tool of Codex's is given",
    ("agent/domain/codex_hook.py", "codex"): "whose settings the hooks are in",
    ("agent/link/convert.py", "command"): "a frame of the link",
    **dict.fromkeys(
        [
            (path, "model")
            for path in (
                "agent/services/sessions.py",
                "agent/services/states.py",
                "agent/store/sessions.py",
                "agent/domain/session_event.py",
                "agent/domain/control.py",
                "router/domain/machine.py",
                "router/domain/routing.py",
                "router/domain/router_buttons.py",
                "router/domain/control.py",
                "webhook_adapter/http/bodies.py",
                "webhook_adapter/transports/telegram/menu.py",
                "webhook_adapter/transports/transcription.py",
                "webhook_adapter/console/api.py",
                "pointsman/commands/controls.py",
            )
        ],
        MODEL,
    ),
}
"""Why the name stands in a module all the same."""


def test_no_module_names_a_backend() -> None:
    named = {
        (path, node.value): f"{path}:{node.lineno}: {node.value!r} names a backend: ask for one of its traits"
        for path in modules(*PACKAGES)
        if not path.startswith("agent/backends/")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and node.value in (NAMES if path.startswith("agent/") else NAMES - COMMON)
    }

    assert not [words for key, words in named.items() if key not in ALLOWED]
    assert not ALLOWED.keys() - named.keys()
