"""A stranger's branch runs in a container, or not at all; a stand-in for docker says what it was asked."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from agent.backends.claude.container import Containers, found
from agent.backends.claude.launch import Launcher
from agent.backends.claude.stream_json import Said
from agent.domain.errors import Refusal
from agent.domain.session import Session

DOCKER = """#!/usr/bin/env python3
import json, os, sys
secrets = {name: os.environ.get(name) for name in ("ANTHROPIC_API_KEY", "POINTSMAN_SESSION_ID")}
with open("%s", "a") as log:
    print(json.dumps([sys.argv[1:], secrets]), file=log)
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """What docker was asked, a line each; it is the only program that is here."""
    (tmp_path / "bin").mkdir()
    docker = tmp_path / "bin/docker"
    docker.write_text(DOCKER % (tmp_path / "log"))
    docker.chmod(0o700)
    return tmp_path / "log"


async def heard(_said: Said) -> None:
    """Nobody listens."""


def session(tmp_path: Path, **more: str) -> Session:
    home = tmp_path / "open/api-1"
    for name in ("tree", "state"):
        (home / name).mkdir(parents=True, exist_ok=True)
    return Session("s1", "headless", cwd=str(home / "tree"), target={"state": str(home / "state")} | more)


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def environ(tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": f"{tmp_path}/bin:/usr/bin:/bin", "HOME": str(tmp_path), "ANTHROPIC_API_KEY": "sk-ant-secret",
        "AWS_SECRET_ACCESS_KEY": "not for strangers",
    }  # fmt: skip


async def test_it_sees_its_workspace_and_the_accounts_key_and_nothing_else(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    launcher = Launcher(environ(tmp_path), (), containers=found("pointsman/claude", environ(tmp_path)["PATH"]))

    running = await launcher.start(session(tmp_path, container="yes"), heard)
    await running.ended

    (removal, _), (asked, seen) = map(json.loads, lines(log))
    name = asked[asked.index("--name") + 1]
    assert removal == ["rm", "--force", name]
    home = tmp_path / "open/api-1"
    assert [each for each in asked if each.startswith("--volume")] + [asked[asked.index("--volume") + 1]] == [
        "--volume", f"{home}:{home}",
    ]  # fmt: skip
    image = asked.index("pointsman/claude")
    assert asked[image + 1] == "claude"
    assert {"--setting-sources", "user", "--strict-mcp-config"} <= set(asked[image:])
    assert {"--cap-drop", "ALL", "no-new-privileges"} <= set(asked[:image])
    given = [each for each in asked if each.startswith("--env=")]
    assert f"--env=CLAUDE_CONFIG_DIR={home / 'state'}" in given
    assert "--env=ANTHROPIC_API_KEY" in given  # by its name: a list of processes shows no more
    assert seen["ANTHROPIC_API_KEY"] == "sk-ant-secret"
    assert not any("AWS" in each or "POINTSMAN" in each or "sk-ant" in each for each in asked)


@pytest.mark.parametrize("image", ["", "pointsman/claude"])
async def test_without_an_image_or_what_runs_it_there_is_none(tmp_path: Path, image: str) -> None:
    containers = found(image, f"{tmp_path}/nowhere")
    assert containers is None

    with pytest.raises(Refusal, match="POINTSMAN_FOREIGN_IMAGE"):
        await Launcher(environ(tmp_path), (), containers=containers).start(session(tmp_path, container="yes"), heard)


async def test_a_workspace_of_ones_own_has_its_own_state_and_the_persons_login(tmp_path: Path, log: Path) -> None:
    claude = tmp_path / "bin/claude"
    claude.write_text(f'#!/bin/sh\n# knows CLAUDE_SECURESTORAGE_CONFIG_DIR\nenv > {log}.env\necho "$@" > {log}.argv\n')
    claude.chmod(0o700)
    launcher = Launcher(environ(tmp_path), (tmp_path,), containers=Containers("docker", "image"))

    running = await launcher.start(session(tmp_path), heard)
    await running.ended

    seen = lines(Path(f"{log}.env"))
    assert f"CLAUDE_CONFIG_DIR={tmp_path / 'open/api-1/state'}" in seen
    assert "CLAUDE_CODE_PROJECT_DIR_NAME=workspace" in seen
    assert f"CLAUDE_SECURESTORAGE_CONFIG_DIR={tmp_path / '.claude'}" in seen
    assert "--setting-sources user --strict-mcp-config" in lines(Path(f"{log}.argv"))[0]  # the folder is trusted


@pytest.mark.parametrize(("key", "starts"), [("", False), ("sk-ant-secret", True)])
async def test_a_program_that_would_not_find_the_persons_login_needs_a_key(
    tmp_path: Path, log: Path, key: str, starts: bool
) -> None:
    (tmp_path / "bin/claude").write_text(f"#!/bin/sh\necho started > {log}.argv\n")
    (tmp_path / "bin/claude").chmod(0o700)
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude/.credentials.json").write_text("{}")
    launcher = Launcher(environ(tmp_path) | {"ANTHROPIC_API_KEY": key}, ())

    if starts:
        await (await launcher.start(session(tmp_path), heard)).ended
        assert lines(Path(f"{log}.argv")) == ["started"]
    else:
        with pytest.raises(Refusal, match="CLAUDE_CODE_OAUTH_TOKEN"):
            await launcher.start(session(tmp_path), heard)


async def test_it_is_told_first_what_its_owner_says(tmp_path: Path, log: Path) -> None:
    (tmp_path / "bin/claude").write_text(f'#!/bin/sh\nfor each; do echo "<$each>" >> {log}.argv; done\n')
    (tmp_path / "bin/claude").chmod(0o700)
    said = {"s1": "Speak as a pirate; 'quote'.", "s2": ""}
    launcher = Launcher(environ(tmp_path), (), told=lambda session: said[session.session_id])

    await (await launcher.start(session(tmp_path), heard)).ended
    first = lines(Path(f"{log}.argv"))
    await (await launcher.start(replace(session(tmp_path), session_id="s2"), heard)).ended
    second = lines(Path(f"{log}.argv"))[len(first) :]

    assert first[first.index("<--append-system-prompt>") + 1] == f"<{said['s1']}>"
    assert second
    assert "<--append-system-prompt>" not in second
