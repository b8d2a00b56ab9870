"""`pointsman hooks` and `pointsman hook`, with a claude that only knows its version."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pointsman.group import pointsman
from tests.rigs.agent_socket import listening


class Person:
    """Runs commands in a home of its own."""

    def __init__(self, home: Path, data_dir: Path) -> None:
        self.home = home
        self.file = home / ".claude" / "settings.json"
        self._environ = {
            "HOME": str(home),
            "PATH": f"{home}/bin:/usr/bin:/bin",
            "POINTSMAN_DATA_DIR": str(data_dir),
            "CLAUDE_CONFIG_DIR": None,
        }
        (home / "bin").mkdir()

    def has_claude(self, version: str) -> None:
        claude = self.home / "bin" / "claude"
        claude.write_text(f"#!/bin/sh\necho '{version}'\n")
        claude.chmod(0o755)

    def runs(self, *arguments: str, stdin: str | None = None, **environ: str) -> Result:
        return CliRunner().invoke(pointsman, arguments, input=stdin, env={**self._environ, **environ})


@pytest.fixture
def person(tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Person:
    monkeypatch.chdir(tmp_path)
    return Person(tmp_path, data_dir)


def events(file: Path) -> set[str]:
    return set(json.loads(file.read_text())["hooks"])


def test_hooks_come_and_go_without_a_trace(person: Person) -> None:
    person.has_claude("2.1.329 (Claude Code)")
    person.file.parent.mkdir()
    person.file.write_text('{"model":   "opus"}')

    installed = person.runs("hooks", "install")

    assert installed.exit_code == 0
    assert "Claude Code 2.1.329" in installed.output
    assert "SessionStart" in events(person.file)
    assert person.runs("hooks", "uninstall").exit_code == 0
    assert person.file.read_text() == '{"model":   "opus"}'


def test_installing_twice_says_that_nothing_was_to_be_done(person: Person) -> None:
    person.has_claude("2.1.329 (Claude Code)")
    person.runs("hooks", "install")

    again = person.runs("hooks", "install")

    assert again.exit_code == 0
    assert again.output.startswith("already installed")


def test_an_older_claude_is_not_given_events_that_it_would_complain_about(person: Person) -> None:
    person.has_claude("2.1.50 (Claude Code)")

    person.runs("hooks", "install")

    assert "Stop" in events(person.file)
    assert "StopFailure" not in events(person.file)


def test_without_claude_nothing_is_written(person: Person) -> None:
    refused = person.runs("hooks", "install")

    assert refused.exit_code == 5
    assert "--claude" in refused.output
    assert not person.file.exists()


def test_a_claude_that_does_not_say_its_version_is_not_trusted(person: Person) -> None:
    person.has_claude("Welcome!")

    refused = person.runs("hooks", "install")

    assert refused.exit_code == 1
    assert not person.file.exists()


@pytest.mark.parametrize(("scope", "name"), [("project", "settings.json"), ("local", "settings.local.json")])
def test_hooks_can_be_for_one_folder(person: Person, scope: str, name: str) -> None:
    person.has_claude("2.1.329 (Claude Code)")
    folder = person.home / "work"
    folder.mkdir()

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        person.runs("hooks", "install", "--scope", scope)

    assert "Stop" in events(folder / ".claude" / name)
    assert not person.file.exists()


def test_the_settings_are_where_claude_code_looks_for_them(person: Person) -> None:
    person.has_claude("2.1.329 (Claude Code)")

    person.runs("hooks", "install", CLAUDE_CONFIG_DIR=str(person.home / "elsewhere"))

    assert "Stop" in events(person.home / "elsewhere" / "settings.json")


def test_the_status_says_what_an_upgrade_has_brought(person: Person) -> None:
    person.has_claude("2.1.50 (Claude Code)")
    person.runs("hooks", "install")
    person.has_claude("2.1.329 (Claude Code)")

    shown = {row["scope"]: row for row in json.loads(person.runs("hooks", "status", "--json").stdout)}

    assert (shown["user"]["state"], shown["user"]["missing"]) == ("outdated", ["StopFailure"])
    assert shown["local"]["state"] == "absent"
    person.runs("hooks", "install")
    assert json.loads(person.runs("hooks", "status", "--json").stdout)[0]["state"] == "installed"


def test_a_broken_settings_file_is_named_and_left_alone(person: Person) -> None:
    person.has_claude("2.1.329 (Claude Code)")
    person.file.parent.mkdir()
    person.file.write_text('{"model": ')

    refused = person.runs("hooks", "install")

    assert refused.exit_code == 1
    assert str(person.file) in refused.output
    assert person.file.read_text() == '{"model": '
    assert "unreadable" in person.runs("hooks", "status").stdout


def test_a_hook_called_by_name_hands_its_input_to_the_agent(data_dir: Path) -> None:
    with listening(data_dir) as agent:
        ended = subprocess.run(
            [sys.executable, "-I", "-m", "pointsman", "hook", "Stop"],
            input=b'{"session_id": "t"}',
            env={**os.environ, "POINTSMAN_DATA_DIR": str(data_dir)},
            capture_output=True,
        )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
    assert [(one["op"], one["event"], one["payload"]) for one in agent.requests] == [
        ("hook", "Stop", {"session_id": "t"})
    ]


def test_a_hook_called_by_name_is_silent_without_an_agent(person: Person) -> None:
    ended = person.runs("hook", "Stop", stdin="{}", POINTSMAN_ROUTER="nonsense")

    assert (ended.exit_code, ended.output) == (0, "")


def has(person: Person, *names: str) -> None:
    for name in names:
        program = person.home / "bin" / name
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)


GEMINI = b'{\n\t"security": {"auth": {"selectedType": "gemini-api-key"}},\r\n\t"hooks": {"AfterAgent": []}\n}'


def test_all_programs_that_are_here_get_what_they_take_and_give_it_back(person: Person) -> None:
    person.has_claude("2.1.329 (Claude Code)")
    has(person, "gemini", "opencode", "codex")
    settings, plugin = person.home / ".gemini" / "settings.json", person.home / ".config/opencode/plugin/pointsman.js"
    settings.parent.mkdir()
    settings.write_bytes(GEMINI)
    (person.home / ".config" / "opencode").mkdir(parents=True)

    installed, again = person.runs("hooks", "install"), person.runs("hooks", "install")
    there = {one["scope"]: one["state"] for one in json.loads(person.runs("hooks", "status", "--json").output)}
    hooks, is_there = events(settings), plugin.exists()
    removed = person.runs("hooks", "uninstall")

    assert all(title in installed.output for title in ("Claude Code", "Gemini CLI", "OpenCode", "Codex"))
    assert again.output.count("already installed") == 3
    assert (there["user"], there["gemini"], there["opencode"]) == ("installed",) * 3
    assert (hooks >= {"BeforeAgent", "AfterAgent", "Notification"}, is_there) == (True, True)
    assert removed.exit_code == 0
    assert settings.read_bytes() == GEMINI
    assert list((person.home / ".config" / "opencode").iterdir()) == []
    assert not person.file.exists()


def test_codex_gets_hooks_for_whoever_wants_them_and_gives_them_back(person: Person) -> None:
    has(person, "codex", "gemini")
    file = person.home / ".codex" / "hooks.json"
    file.parent.mkdir()

    plain, is_there = person.runs("hooks", "install"), file.exists()
    wanted = person.runs("hooks", "install", "--codex")
    hooks, state = events(file), json.loads(person.runs("hooks", "status", "--json").output)
    removed = person.runs("hooks", "uninstall")

    assert (plain.exit_code, is_there) == (0, False)
    assert f"installed: Codex in {file}; at its next start, trust them on the page that it shows\n" in wanted.output
    assert hooks == {"SessionStart", "UserPromptSubmit", "PermissionRequest", "Stop", "Interrupt", "SessionEnd"}
    assert {one["scope"]: one["state"] for one in state}["codex"] == "installed"
    assert removed.exit_code == 0
    assert not file.exists()


def test_without_claude_the_others_are_served(person: Person) -> None:
    has(person, "gemini")

    installed = person.runs("hooks", "install")

    assert installed.exit_code == 0
    assert "Gemini CLI" in installed.output
    assert not (person.home / ".config").exists()


def test_a_plugin_of_somebody_else_stays(person: Person) -> None:
    has(person, "opencode")
    plugin = person.home / ".config/opencode/plugin/pointsman.js"
    plugin.parent.mkdir(parents=True)
    plugin.write_text("export const Mine = 1\n")

    refused, removed = person.runs("hooks", "install"), person.runs("hooks", "uninstall")

    assert (refused.exit_code, removed.exit_code) == (1, 0)
    assert plugin.read_text() == "export const Mine = 1\n"
