"""The example of a GitHub workflow: its steps, one after the other, as a runner runs them."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.pointsman.commands.test_ask import EXAMPLES, environ, people, press, router
from tests.integration.router.harness import RouterUnderTest
from tests.programs import needed

__all__ = ["router"]  # the fixture

IF = re.compile(r"steps\.(\w+)\.outputs\.(\w+) == '([^']*)'")


def workflow() -> Any:
    return yaml.safe_load((EXAMPLES / "release.yml").read_text())


def run(folder: Path, own: Mapping[str, str]) -> str:
    """What its steps say, but for what installs; a step that fails ends it."""
    [job] = workflow()["jobs"].values()
    outputs: dict[str, dict[str, str]] = {}
    told = ""
    for step in job["steps"]:
        if "run" not in step or step["name"] == "Install" or not fits(step.get("if", ""), outputs):
            continue
        file = folder / "output"
        file.write_text("")
        script = folder / "step.sh"
        script.write_text(step["run"])
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            env=own | {"GITHUB_OUTPUT": str(file)}, cwd=folder, text=True, capture_output=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        told += done.stdout
        outputs[step.get("id", "")] = dict(line.split("=", 1) for line in file.read_text().splitlines())
    return told


def fits(condition: str, outputs: Mapping[str, Mapping[str, str]]) -> bool:
    if not condition:
        return True
    match = IF.fullmatch(condition)
    assert match is not None
    return outputs[match[1]].get(match[2], "") == match[3]


@pytest.mark.parametrize(("label", "released"), [("Release", True), ("Not today", False)])
def test_it_releases_on_a_yes_alone(router: RouterUnderTest, tmp_path: Path, label: str, *, released: bool) -> None:
    needed("bash", "git")
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "Let it fly"]):
        who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
        subprocess.run(["git", *who, *command], cwd=tmp_path, check=True)
    own = environ(router) | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(tmp_path), "GITHUB_REF_NAME": "v1.2",
        "SESSION": "api",
    }  # fmt: skip
    with people(router) as (courier, pool):
        running: Future[str] = pool.submit(run, tmp_path, own)
        asked = press(router, courier, label)
        told = running.result(60)

    assert "Release v1.2? It holds:\n- Let it fly" in asked
    assert ("releasing v1.2" in told) is released
    assert f"answered: {label}" in told


def test_it_gets_no_more_than_it_needs() -> None:
    told = workflow()
    [job] = told["jobs"].values()

    assert {name for name in job["env"] if "secrets" in str(job["env"][name])} == {"POINTSMAN_API_KEY"}
    assert job["env"]["SESSION"] == "ci"
