"""However the tests are started, what they start finds every signal as at a terminal."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHILD = """
import signal
names = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
print(*(number.name for number in names if signal.getsignal(number) is signal.SIG_IGN))
"""


def test_a_program_that_a_test_starts_ignores_no_signal() -> None:
    ignored = subprocess.run([sys.executable, "-I", "-c", CHILD], capture_output=True, text=True, check=True).stdout

    assert ignored.split() == []


@pytest.mark.skipif(shutil.which("nohup") is None, reason="needs nohup")
def test_that_holds_in_the_background_of_a_shell_under_nohup() -> None:
    """The test above, in a run that was started so: INT and QUIT are ignored there, and HUP by nohup."""
    this = f"{Path(__file__).relative_to(ROOT)}::{test_a_program_that_a_test_starts_ignores_no_signal.__name__}"
    line = f"nohup {sys.executable} -m pytest -q -p no:cacheprovider {this} & wait $!"

    done = subprocess.run(["sh", "-c", line], cwd=ROOT, capture_output=True, text=True, timeout=100)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
