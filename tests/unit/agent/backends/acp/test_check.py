"""What is known of a coding agent before it is run."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from agent.backends.acp.check import asks, has_login, lacking, too_old
from agent.backends.acp.table import KNOWN, Kind

GEMINI = KNOWN["gemini"]
STRANGE = Kind("goose", "goose", ("goose",))


def script(path: Path, first: str, says: str = "") -> str:
    path.write_text(f"#!{first}\necho {says}\n")
    path.chmod(0o755)
    return str(path)


def lacks(program: str, environ: dict[str, str]) -> str:
    return asyncio.run(lacking(program, environ))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (GEMINI, "in its mode default, set at each start"),
        (KNOWN["opencode"], "asks people, as it is told in its environment"),
        (STRANGE, "in its own default mode"),
        (KNOWN["copilot"], "in its mode agent, set at each start"),
    ],
)
def test_how_it_asks_people(kind: Kind, words: str) -> None:
    assert asks(kind) == words


def test_a_login_is_a_file_of_it_or_a_variable(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    before = has_login(GEMINI, home)
    (tmp_path / ".gemini").mkdir()
    (tmp_path / ".gemini" / "oauth_creds.json").touch(0o000)  # it is not read

    assert (before, has_login(GEMINI, home)) == (False, True)
    assert has_login(GEMINI, {"HOME": "/nowhere", "GEMINI_API_KEY": "x"}) is True
    assert has_login(GEMINI, {"HOME": "/nowhere", "GEMINI_API_KEY": ""}) is False


def test_where_nobody_knows_where_a_login_is_nothing_is_said(tmp_path: Path) -> None:
    assert has_login(STRANGE, {"HOME": str(tmp_path)}) is None
    assert has_login(replace(GEMINI, logins=()), {"HOME": str(tmp_path)}) is None


def test_what_it_lacks(tmp_path: Path) -> None:
    program = script(tmp_path / "gemini", "/usr/bin/env node")
    path = {"PATH": str(tmp_path)}
    none = lacks(program, path)
    script(tmp_path / "node", "/bin/sh", "v18.1.0")
    old = lacks(program, path)
    script(tmp_path / "node", "/bin/sh", "v22.0.0")

    assert (none, old) == ("there is no node to run it", "node is 18.1.0")
    assert lacks(program, path) == ""
    assert lacks(script(tmp_path / "other", "/bin/sh"), {"PATH": "/nowhere"}) == ""
    assert "cannot be read" in lacks(str(tmp_path / "gone"), path)


@pytest.mark.parametrize(
    ("version", "wrong"), [("v20.0.0", ""), ("19.9.9", "node is 19.9.9"), ("", ""), ("nightly", "")]
)
def test_which_node_is_too_old(version: str, wrong: str) -> None:
    assert too_old(version) == wrong
