"""Real coding agents that speak ACP, with no account and no internet: installed once, set up in a folder of their own.

`python -m tests.fakes.acp_programs` installs them, before the tests: what may take minutes is no part of one. Each is
left out by name where npm cannot be had, or does not bring it.
"""

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

_FOLDER = Path(__file__).resolve().parents[2] / ".coding-agents"  # ignored by git
_INSTALL_LIMIT = 240.0  # seconds; they have 100 to 460 MB
EVERY = "TEST_EVERY_AGENT" in os.environ  # a night's work
_ARCH = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}.get(platform.machine().lower(), platform.machine())


@dataclass(frozen=True)
class Program:
    """One of them: what npm brings, and where it is then."""

    name: str
    package: str
    version: str
    file: str
    bin_name: str
    in_terminal: str = ""  # what people run in a terminal, where that is another one
    is_short: bool = True  # else installed with TEST_EVERY_AGENT=1 alone

    @property
    def folder(self) -> Path:
        return _FOLDER / f"{self.name}-{self.version}"

    @property
    def is_installed(self) -> bool:
        return (self.folder / "whole").exists()

    @property
    def path(self) -> Path:
        """Where it is. Skips the test where there is none."""
        if not self.is_installed:
            pytest.skip(f"{self.name} is not installed: python -m tests.fakes.acp_programs")
        return self.folder / "node_modules" / self.file

    @property
    def terminal(self) -> Path:
        """What people run in a terminal."""
        return self.path.parents[len(Path(self.file).parents) - 1] / (self.in_terminal or self.file)

    def install(self) -> str:
        """Install it unless it is there. Why it could not be; empty when it is there."""
        if self.is_installed:
            return ""
        if shutil.which("npm") is None or shutil.which("node") is None:
            return "It is installed with npm, and run by node; one of them is not here."
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        print(f"Installing {self.name} for the tests with it ...", flush=True)
        argv = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(self.folder)]
        try:
            done = subprocess.run(
                [*argv, f"{self.package}@{self.version}"], capture_output=True, timeout=_INSTALL_LIMIT
            )
        except subprocess.TimeoutExpired:
            return f"npm did not install it in {_INSTALL_LIMIT:.0f} s."
        if done.returncode:
            return f"npm cannot install it: {done.stderr.decode(errors='replace')[-200:]}"
        (self.folder / "whole").touch()
        return ""


_OPENCODE = f"opencode-{platform.system().lower()}-{_ARCH}"
_CODEX = f"@openai/codex-{platform.system().lower()}-{_ARCH}/vendor/{platform.machine()}-unknown-linux-musl/bin/codex"
PROGRAMS = {
    one.name: one
    for one in (
        Program("gemini", "@google/gemini-cli", "0.61.0", ".bin/gemini", "gemini"),
        Program("opencode", _OPENCODE, "1.18.33", f"{_OPENCODE}/bin/opencode", "opencode"),
        Program("codex", "@agentclientprotocol/codex-acp", "2.6.0", ".bin/codex-acp", "codex-acp", _CODEX),
        # Newer ones need Node 22.
        Program("qwen", "@qwen-code/qwen-code", "0.15.10", ".bin/qwen", "qwen"),
        Program("copilot", "@github/copilot", "1.0.102", ".bin/copilot", "copilot", is_short=False),
    )
}


def wanted(short: Sequence[str]) -> Sequence[str]:
    """The names of those to be tested with: these, or with TEST_EVERY_AGENT=1 all of them."""
    return tuple(PROGRAMS) if EVERY else short


class AcpHome:
    """A home in which one of them starts without asking anything, and knows one model: the stand-in at `url`."""

    def __init__(self, name: str, folder: Path, url: str) -> None:
        self.program = PROGRAMS[name]
        self.home, self.bin = folder / "home", folder / "bin"
        for each in (self.home, self.bin, self.home / "tmp"):
            each.mkdir(parents=True)
        (self.bin / self.program.bin_name).symlink_to(self.program.path)
        self._more = _SET_UP[name](self.home, folder / "project", url)

    @property
    def environ(self) -> dict[str, str]:
        paths = f"{self.bin}:{os.environ['PATH']}"
        return {"PATH": paths, "HOME": str(self.home), "LANG": "C.UTF-8", "SHELL": "/bin/sh", **self._more}


def _gemini(home: Path, _project: Path, url: str) -> dict[str, str]:
    settings = {
        "security": {"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": False}},
        "privacy": {"usageStatisticsEnabled": False},
        "general": {"enableAutoUpdate": False, "enableAutoUpdateNotification": False},
        "model": {"name": "gemini-2.5-pro"},  # else a second request decides which
    }
    (home / ".gemini").mkdir()
    (home / ".gemini" / "settings.json").write_text(json.dumps(settings))
    return {"GEMINI_API_KEY": "none", "GOOGLE_GEMINI_BASE_URL": url}


def _opencode(home: Path, _project: Path, url: str) -> dict[str, str]:
    model = {"name": "stub", "tool_call": True, "limit": {"context": 100000, "output": 8000}}
    options = {"baseURL": f"{url}/v1", "apiKey": "none"}
    provider = {"npm": "@ai-sdk/openai-compatible", "name": "stub", "options": options, "models": {"stub": model}}
    settings = {"model": "stub/stub", "small_model": "stub/stub", "share": "disabled", "provider": {"stub": provider}}
    (home / ".config" / "opencode").mkdir(parents=True)
    (home / ".config" / "opencode" / "opencode.json").write_text(json.dumps(settings))
    names = ("MODELS_FETCH", "LSP_DOWNLOAD", "DEFAULT_PLUGINS")
    return {f"OPENCODE_DISABLE_{name}": "1" for name in names}


def _codex(home: Path, project: Path, url: str) -> dict[str, str]:
    (home / ".codex").mkdir()
    (home / ".codex" / "config.toml").write_text(f"""\
model = "gpt-6.1-sol"
model_provider = "stub"
check_for_update_on_startup = false
[model_providers.stub]
name = "stub"
base_url = "{url}/v1"
wire_api = "responses"
env_key = "STUB_KEY"
request_max_retries = 0
stream_max_retries = 0
[projects."{project}"]
trust_level = "trusted"
[analytics]
enabled = false
""")
    return {"STUB_KEY": "none", "TMPDIR": str(home / "tmp")}


def _qwen(home: Path, _project: Path, url: str) -> dict[str, str]:
    settings = {
        "security": {"auth": {"selectedType": "openai"}},
        "model": {"name": "stub"},
        "privacy": {"usageStatisticsEnabled": False},
        "general": {"disableAutoUpdate": True},
    }
    (home / ".qwen").mkdir()
    (home / ".qwen" / "settings.json").write_text(json.dumps(settings))
    return {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": f"{url}/v1", "OPENAI_MODEL": "stub"}


def _copilot(_home: Path, _project: Path, url: str) -> dict[str, str]:
    provider = {"BASE_URL": f"{url}/v1", "TYPE": "openai", "API_KEY": "none"}
    named = {f"COPILOT_PROVIDER_{name}": value for name, value in provider.items()}
    return {**named, "COPILOT_MODEL": "stub", "COPILOT_OFFLINE": "true"}


_SET_UP: dict[str, Callable[[Path, Path, str], dict[str, str]]] = {
    "gemini": _gemini,
    "opencode": _opencode,
    "codex": _codex,
    "qwen": _qwen,
    "copilot": _copilot,
}


if __name__ == "__main__":
    short = [program for program in PROGRAMS.values() if EVERY or program.is_short]
    with ThreadPoolExecutor(2) as at_once:
        for program, reason in zip(short, at_once.map(Program.install, short), strict=True):
            if reason:
                print(f"Tests with the real {program.name} will be skipped. {reason}")
