"""What is typed into a terminal stands in no command line: every account of the machine can read those."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agent.domain.command import Input, Outcome
from tests.folders import short_folder
from tests.integration.agent.backends.stages import NvimStage, PtyStage, Stage, TmuxStage
from tests.programs import needed

STAGES: dict[str, Callable[[Path], Stage]] = {"tmux": TmuxStage, "nvim": NvimStage, "pty": PtyStage}
TEXTS = {
    "line": "hunter2 is the password",
    "lines": "one\nhunter2\nthree",
    "long": "hunter2 " * 200,
    "semicolon": "hunter2;",
}


class CommandLines:
    """Stand-ins for programs, first in PATH: each writes down how it was called, and becomes the real one."""

    def __init__(self, folder: Path) -> None:
        self._record = folder / "called"
        self.folder = folder / "bin"
        self.folder.mkdir()
        for name in ("tmux", "nvim"):
            if real := shutil.which(name):
                script = f'#!/bin/sh\nprintf "%s\\n" "{name} $*" >>"{self._record}"\nexec "{real}" "$@"\n'
                (self.folder / name).write_text(script)
                (self.folder / name).chmod(0o755)

    def seen(self) -> str:
        return self._record.read_text() if self._record.exists() else ""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with short_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def called(folder: Path) -> Iterator[CommandLines]:
    lines, before = CommandLines(folder), os.environ["PATH"]
    os.environ["PATH"] = f"{lines.folder}:{before}"
    yield lines
    os.environ["PATH"] = before


@pytest.fixture(scope="module", params=STAGES)
def stage(request: pytest.FixtureRequest, folder: Path, called: CommandLines) -> Iterator[Stage]:
    place = folder / request.param
    place.mkdir()
    assert called.folder.exists()  # first: the stage starts its program
    with closing(STAGES[request.param](place)) as made:
        yield made


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_no_word_of_it_is_an_argument(stage: Stage, called: CommandLines, text: str) -> None:
    outcome = stage.deliver(Input(text))

    assert outcome == Outcome.done()
    assert stage.submissions() == [text.encode()]
    assert "hunter2" not in called.seen()


def test_the_stand_ins_are_what_is_called(called: CommandLines) -> None:
    """Else the test above would see nothing whatever happens."""
    needed("tmux")
    subprocess.run(["tmux", "-V", "hunter1"], capture_output=True)

    assert "tmux -V hunter1" in called.seen()
