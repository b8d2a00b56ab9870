"""A program to type into, behind each backend: started, waited for, typed into, and read."""

import json
import os
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import uvloop

from agent import processes
from agent.backends.command import CommandBackend
from agent.backends.terminals import nvim
from agent.backends.terminals.nvim import NvimBackend
from agent.backends.terminals.terminal import TerminalBackend
from agent.backends.terminals.tmux import TmuxBackend
from agent.backends.terminals.typing_rules import Pace
from agent.domain.command import Action, KeyPress, Outcome
from agent.domain.session import Session
from tests.integration.agent.backends.local_agent import LocalAgent
from tests.integration.agent.backends.terminal import Terminal, host
from tests.programs import needed
from tests.waiting import wait_until

RECORDER = Path(__file__).with_name("recorder.py")
QUICK = Pace(between=0.0, before_enter=0.0)
MANY = 10_000  # Ctrl-D: more than any stage is asked for


def recorder(file: Path, *escapes: bytes, ends: int = 1) -> list[str]:
    """A program that writes down what is typed, up to so many Ctrl-D."""
    return [sys.executable, "-I", "-S", str(RECORDER), str(file), str(ends), *(escape.hex() for escape in escapes)]


class Stage(Protocol):
    """One session with a recorder in it."""

    def deliver(self, action: Action) -> Outcome: ...
    def alive(self) -> bool: ...
    def kill(self) -> None:
        """End what runs, as nobody can expect."""

    def submissions(self) -> list[bytes]:
        """What the recorder was given since the last call, each with the Enter taken off."""

    def close(self) -> None: ...


def split(record: bytes) -> list[bytes]:
    *submitted, rest = record.removesuffix(b"\x04").split(b"\r")
    return [*submitted, rest] if rest else submitted


class Record:
    """A recorder's file, read piece by piece."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._read = 0

    def news(self) -> list[bytes]:
        """What came since the last call."""
        piece = self.file.read_bytes()[self._read :]
        self._read += len(piece)
        return split(piece)

    def up_to_its_end(self) -> list[bytes]:
        """What came since the last call, once the Ctrl-D behind it has come."""
        wait_until(lambda: self.file.read_bytes()[self._read :].endswith(b"\x04"))
        return self.news()


def ended_record(file: Path) -> bytes:
    """The recorder's file once it is whole."""
    wait_until(lambda: file.read_bytes().endswith(b"\x04"))
    return file.read_bytes()


class TmuxServerFixture:
    """A tmux server of its own with no settings, and one pane."""

    def __init__(self, folder: Path, command: Sequence[str]) -> None:
        needed("tmux")
        self.socket = str(folder / "tmux")
        self.run("new-session", "-d", "-s", "main", "-x", "80", "-y", "24", *command)
        self.pane = self.run("display-message", "-p", "#{pane_id}")
        self.pid = int(self.run("display-message", "-p", "#{pid}"))

    def run(self, *arguments: str) -> str:
        command = ["tmux", "-u", "-S", self.socket, "-f", "/dev/null", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def shows(self, text: str) -> None:
        wait_until(lambda: text in self.run("capture-pane", "-p", "-J"))

    def session(self) -> Session:
        """The pane as it would be registered."""
        found = processes.identify(int(self.run("display-message", "-p", "-t", self.pane, "#{pane_pid}")))
        return Session("s1", "tmux", target={"pane": self.pane, "server": self.socket}, process=found)

    def close(self) -> None:
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], capture_output=True)
        wait_until(lambda: processes.identify(self.pid) is None)


class TerminalStage(ABC):
    """A terminal that somebody else made, with a recorder in it or a command of the test's, known to its backend."""

    def __init__(self, folder: Path, *escapes: bytes, command: Sequence[str] = ()) -> None:
        self._record = Record(folder / "record")
        self._open(folder, command or recorder(self._record.file, *escapes, ends=MANY))
        if not command:
            self.shows("READY")

    @abstractmethod
    def _open(self, folder: Path, command: Sequence[str]) -> None: ...

    @abstractmethod
    def shows(self, text: str) -> None:
        """Waits for it."""

    @abstractmethod
    def deliver(self, action: Action) -> Outcome: ...

    @abstractmethod
    def alive(self) -> bool: ...

    @abstractmethod
    def kill(self) -> None:
        """End the program as nobody can expect, and wait until it is gone."""

    @abstractmethod
    def close(self) -> None: ...

    def submissions(self) -> list[bytes]:
        self.deliver(KeyPress("ctrl-d"))
        return self._record.up_to_its_end()


class TypedIntoStage(TerminalStage):
    """One that its backend finds by an address and a process."""

    server: "TmuxServerFixture | NvimFixture"
    backend: TerminalBackend
    session: Session

    def shows(self, text: str) -> None:
        self.server.shows(text)

    def deliver(self, action: Action) -> Outcome:
        return uvloop.run(self.backend.deliver(self.session, action))

    def alive(self) -> bool:
        return uvloop.run(self.backend.alive(self.session))

    def kill(self) -> None:
        process = self.session.process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        wait_until(lambda: not processes.is_running(process))

    def close(self) -> None:
        self.server.close()


class TmuxStage(TypedIntoStage):
    server: TmuxServerFixture
    backend = TmuxBackend(QUICK)

    def _open(self, folder: Path, command: Sequence[str]) -> None:
        self.server = TmuxServerFixture(folder, command)
        self.session = self.server.session()


class NvimFixture:
    """An nvim with no settings and no screen, and one terminal in it."""

    def __init__(self, folder: Path, command: Sequence[str], environ: Mapping[str, str] | None = None) -> None:
        needed("nvim")
        self.socket = str(folder / "nvim")
        words = "termopen(json_decode('" + json.dumps(list(command)).replace("'", "''") + "'))"
        argv = ["nvim", "--clean", "--headless", "--listen", self.socket, "-c", f"call {words}"]
        self._process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environ
        )
        wait_until(lambda: "pid" in self.ask("json_encode(b:)"))

    def ask(self, expression: str) -> str:
        done = subprocess.run(nvim.command(self.socket, expression), capture_output=True, text=True, timeout=20)
        return (done.stdout + done.stderr).strip() if done.returncode == 0 else ""

    def send(self, keys: str) -> None:
        """Keys typed into the terminal."""
        assert self.ask("chansend(b:terminal_job_id, json_decode('" + json.dumps(keys).replace("'", "''") + "'))")

    def shows(self, text: str) -> None:
        wait_until(lambda: text in self.ask("join(getline(1, '$'), '')"))

    def session(self) -> Session:
        """The terminal as it would be registered."""
        target, found, _ = nvim.resolve(self.socket)
        return Session("s1", "nvim", target=target, process=found)

    def close(self) -> None:
        self._process.terminate()  # not killed: it takes its own files away
        self._process.wait()


class NvimStage(TypedIntoStage):
    server: NvimFixture
    backend = NvimBackend(QUICK)

    def _open(self, folder: Path, command: Sequence[str]) -> None:
        self.server = NvimFixture(folder, command)
        self.session = self.server.session()


class PtyStage(TerminalStage):
    def _open(self, folder: Path, command: Sequence[str]) -> None:
        self._agent = LocalAgent(folder / "sock")
        self._terminal = Terminal(host(*command, socket=str(folder / "sock")))
        self._pid = self._agent.attached()["pid"]

    def shows(self, text: str) -> None:
        self._terminal.shows(text.encode())

    def deliver(self, action: Action) -> Outcome:
        return self._agent.deliver(action)

    def alive(self) -> bool:
        return self._agent.alive()

    def kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)
        self._agent.detached()

    def close(self) -> None:
        self._terminal.close()
        self._agent.close()


class CommandStage:
    """Each run is a submission; the command itself notes its end."""

    def __init__(self, folder: Path) -> None:
        self._record = Record(folder / "record")
        file = self._record.file
        file.touch()
        line = f"cat >> {file}; printf '\\r' >> {file}"
        self._session = Session("s1", "command", cwd=str(folder), target={"command": line})

    def deliver(self, action: Action) -> Outcome:
        return uvloop.run(CommandBackend().deliver(self._session, action))

    def alive(self) -> bool:
        return uvloop.run(CommandBackend().alive(self._session))

    def kill(self) -> None:
        """Between two runs there is nothing to kill."""

    def submissions(self) -> list[bytes]:
        return self._record.news()

    def close(self) -> None:
        """Nothing stays behind."""
