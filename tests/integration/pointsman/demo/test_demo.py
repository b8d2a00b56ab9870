"""`pointsman demo` with a person: the commands that it prints are pasted, and its session answers in the chat."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.waiting import wait_until

pytestmark = pytest.mark.e2e


class Demo:
    """A running demo, and what it printed."""

    def __init__(self, folder: Path) -> None:
        # Nothing of ours is on the path, as after `make demo`.
        self.environ = {"HOME": str(folder), "PATH": os.defpath, "TMPDIR": str(folder)}
        command = [sys.executable, "-I", "-m", "pointsman", "demo"]
        self._process = subprocess.Popen(command, env=self.environ, stdout=subprocess.PIPE, text=True)
        self.printed = ""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        wait_until(lambda: "Ctrl-C ends the demo." in self.printed, 60)

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            for line in output:
                self.printed += line

    def pasted(self, command: str) -> str:
        """What a shell of somebody who pastes this prints."""
        shell = ["bash", "-c", command]
        return subprocess.run(shell, env=self.environ, capture_output=True, text=True, check=True, timeout=60).stdout

    def end(self) -> int:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        code = self._process.wait(60)
        self._reader.join(10)
        return code


@pytest.fixture
def demo(data_dir: Path) -> Iterator[Demo]:
    one = Demo(data_dir)
    yield one
    one.end()


def test_what_it_prints_can_be_pasted_and_its_session_answers_in_the_chat(demo: Demo) -> None:
    command = re.search(r"^  (\S.* send demo .*)$", demo.printed, re.MULTILINE)
    link = re.search(r"^  (http\S+)$", demo.printed, re.MULTILINE)
    assert command is not None
    assert link is not None

    demo.pasted(command[1])
    wait_until(lambda: 'The session "demo" says: You said: Hello!' in demo.printed, 60)
    chat = demo.pasted(command[1].partition(" send ")[0] + " notifications --json")
    with urlopen(link[1], timeout=30) as console:
        opened = console.status

    assert "You said: Hello!" in chat
    assert "I am done with the first part. Shall I go on?" in chat
    assert opened == 200
    assert re.findall(r"^  \S+  (accepted|on the machine|typed in|finished) ", demo.printed, re.MULTILINE) == [
        "accepted",
        "on the machine",
        "typed in",
        "finished",
    ]
    assert demo.end() == 0
