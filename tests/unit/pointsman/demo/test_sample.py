"""The sample program of the demo."""

import subprocess
import sys

import pytest

from pointsman.demo.sample import heard


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("", "You pressed Enter. I go on."),
        ("y", "You said yes. I go on."),
        ("n", "You said no. I wait."),
        ("Hello", "You said: Hello"),
    ],
)
def test_it_answers_every_line(text: str, answer: str) -> None:
    assert heard(text) == answer


def test_it_talks_until_it_is_told_to_leave() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-m", "pointsman.demo.sample"],
        input="Hello\n/exit\nnot heard\n",
        capture_output=True,
        text=True,
        timeout=20,
    )

    assert done.returncode == 0
    assert "You said: Hello" in done.stdout
    assert done.stdout.endswith("Good bye.\n")
