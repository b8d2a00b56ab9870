"""A repository of others, and agents that die."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rigs.dying_workspaces import Die
from tests.rigs.upstream import Upstream

ROOT = Path(__file__).parents[4]


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "elsewhere")


@pytest.fixture(scope="module")
def die() -> Iterator[Die]:
    """Do a deed in a process of its own, which dies at a point; the signal that it died of."""
    command = [sys.executable, "-m", "tests.rigs.dying_workspaces"]
    program = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    asked, said = program.stdin, program.stdout
    assert asked is not None
    assert said is not None

    def died(folder: Path, upstream: Upstream, point: str, deed: str) -> int:
        print(json.dumps([str(folder), str(upstream.path.parent), point, deed]), file=asked, flush=True)
        return int(said.readline())

    yield died
    asked.close()
    said.close()
    program.wait()
