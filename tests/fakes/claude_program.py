"""The real Claude Code, with no account and no internet: installed once, set up in a folder of its own.

`python -m tests.fakes.claude_program` installs it, before the tests: what may take minutes is no part of one.
"""

import json
import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.model_api import ModelApi

VERSION = "2.1.329"
_FOLDER = Path(__file__).resolve().parents[2] / ".claude-code" / VERSION  # ignored by git
_WHOLE = _FOLDER / "whole"
_KEY = "sk-ant-api03-no-account-needed-here"
_LATE = 0.3  # seconds, on busy cores
_INSTALL_LIMIT = 240.0  # seconds; it is 170 MB


def program() -> Path:
    """Where it is; TEST_CLAUDE names one that is there already. Skips the test where there is none."""
    if given := os.environ.get("TEST_CLAUDE"):
        return Path(given)
    if _WHOLE.exists():
        return _FOLDER / "node_modules" / _package() / "claude"
    if (there := shutil.which("claude")) and shutil.which("npm") is None:
        return Path(there)
    pytest.skip("Claude Code is not installed: python -m tests.fakes.claude_program, or set TEST_CLAUDE to its path")


def install() -> str:
    """Install it unless it is there. Why it could not be; empty when it is there."""
    if _WHOLE.exists() or "TEST_CLAUDE" in os.environ:
        return ""
    if shutil.which("npm") is None:
        return "" if shutil.which("claude") else "It is installed with npm, which is not here."
    _FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
    print("Installing Claude Code for the tests with it ...", flush=True)
    argv = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(_FOLDER)]
    try:
        done = subprocess.run([*argv, f"{_package()}@{VERSION}"], capture_output=True, timeout=_INSTALL_LIMIT)
    except subprocess.TimeoutExpired:
        return f"npm did not install it in {_INSTALL_LIMIT:.0f} s."
    if done.returncode:
        return f"npm cannot install it: {done.stderr.decode(errors='replace')[-200:]}"
    _WHOLE.touch()
    return ""


def _package() -> str:
    return f"@anthropic-ai/claude-code-{_platform()}"


def _platform() -> str:
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
    return f"{platform.system().lower()}-{machine.get(platform.machine().lower(), platform.machine())}"


class ClaudeHome:
    """A configuration in which it starts without asking anything, and a project that it trusts."""

    def __init__(self, folder: Path, api: ModelApi, *, subscribed: bool = False) -> None:
        self.program = program()
        self.config = folder / "config"
        self.project = folder / "project"
        self.config.mkdir()
        self.project.mkdir()
        self._home = folder
        self._api = api
        # What has limits of its own and tells of them is a subscription.
        self._account = {"CLAUDE_CODE_OAUTH_TOKEN": "no account needed"} if subscribed else {"ANTHROPIC_API_KEY": _KEY}
        state = {
            "hasCompletedOnboarding": True,
            "projects": {str(self.project.resolve()): {"hasTrustDialogAccepted": True}},
            "customApiKeyResponses": {"approved": [_KEY[-20:]], "rejected": []},
            "hasSeenAutoDefaultNotice": True,
            "hasSeenAutoDefaultNudge": True,
        }
        (self.config / ".claude.json").write_text(json.dumps(state))
        (self.config / "settings.json").write_text(json.dumps({"permissions": {"defaultMode": "default"}}))

    @property
    def environ(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._home),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "SHELL": "/bin/sh",
            "CLAUDE_CONFIG_DIR": str(self.config),
            "ANTHROPIC_BASE_URL": self._api.url,
            **self._account,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
        }

    @property
    def command(self) -> list[str]:
        """Starts it in the project, whatever environment and folder it is started from."""
        named = [f"{name}={value}" for name, value in self.environ.items()]
        return ["env", "-i", "-C", str(self.project), *named, str(self.program)]

    def records(self) -> list[dict[str, Any]]:
        """Its registry of running sessions."""
        found = []
        for file in (self.config / "sessions").glob("*.json"):
            try:
                found.append(json.loads(file.read_bytes()))
            except (OSError, ValueError):
                continue  # just being written, or gone
        return found

    def status(self) -> str:
        """What the only session does; empty when there is none."""
        return next((str(record.get("status", "")) for record in self.records()), "")

    def rests(self) -> bool:
        """Whether the only session has ended its turn. The registry is late, and leaves short turns out."""
        return self.status() == "idle" and self._api.silent() > _LATE


if __name__ == "__main__":
    if reason := install():
        print(f"Tests with the real Claude Code will be skipped. {reason}")
