"""Which coding agents a machine has: their versions, in which mode they run, and what is missing."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import Result

from tests.integration.pointsman.conftest import Run


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


def program(folder: Path, name: str, first: str = "#!/bin/sh", version: str = "1.2.3") -> None:
    (folder / name).write_text(f"{first}\necho {version}\n")
    (folder / name).chmod(0o755)


def told(done: Result) -> Sequence[tuple[str, str]]:
    return [(one["level"], one["found"]) for one in json.loads(done.stdout) if one["check"] == "agents"]


def test_what_is_there_is_told_with_its_version_and_mode(run: Run, bin_folder: Path) -> None:
    package = bin_folder.parent / "package"
    package.mkdir()
    program(package, "gemini.js")
    (package / "package.json").write_text('{"name": "gemini", "version": "0.61.0"}')
    (bin_folder / "gemini").symlink_to(package / "gemini.js")
    program(bin_folder, "opencode")
    program(bin_folder, "kimi", version="9.9")

    home = {"HOME": str(bin_folder.parent)}
    found = told(run("doctor", "--json", PATH=str(bin_folder), POINTSMAN_AGENTS="kimi:ask = kimi --acp", **home))

    assert [words.partition(". To log in")[0] for _, words in found[:3]] == [
        "Gemini CLI 0.61.0, in its mode default, set at each start; no login was found",
        "OpenCode 1.2.3, asks people, as it is told in its environment",
        "kimi 9.9, in its mode ask, set at each start; runs in and below POINTSMAN_TRUSTED_FOLDERS alone",
    ]
    assert {level for level, _ in found} == {"OK"}
    assert "codex (npm install -g @agentclientprotocol/codex-acp)" in found[3][1]


def test_one_that_has_no_node_to_run_it_is_told(run: Run, bin_folder: Path) -> None:
    program(bin_folder, "qwen", first="#!/usr/bin/env node")

    [found, _] = told(run("doctor", "--json", PATH=str(bin_folder)))

    assert found[0] == "WARN"
    assert "there is no node to run it" in found[1]
