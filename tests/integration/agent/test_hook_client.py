"""The client that every hook runs: quick, silent, and at home in any folder."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.local.client import MAX_LINE, socket_path
from tests.fakes.hook_caller import FORWARD, call


class Listener:
    """The agent's socket with nothing behind it: takes one request, and answers it as told."""

    def __init__(self, data_dir: Path, answer: bytes) -> None:
        path = socket_path(data_dir)
        Path(path).parent.mkdir(parents=True)
        self.heard = b""
        self._answer = answer
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(path)
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        with connection:
            while not self.heard.endswith(b"\n") and (data := connection.recv(1 << 16)):
                self.heard += data
            connection.sendall(self._answer)

    def request(self) -> dict[str, Any]:
        self._thread.join(10)
        return dict(json.loads(self.heard))

    def close(self) -> None:
        self._thread.join(10)
        self._socket.close()


@pytest.fixture
def answer() -> bytes:
    return b'{"ok": true}\n'


@pytest.fixture
def listener(data_dir: Path, answer: bytes) -> Iterator[Listener]:
    listening = Listener(data_dir, answer)
    yield listening
    listening.close()


def silent(data_dir: Path, payload: bytes = b"{}", event: str = "Stop", **environ: str) -> None:
    ended = call(data_dir, event, payload, environ)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


def test_without_an_agent_it_says_and_breaks_nothing(data_dir: Path) -> None:
    silent(data_dir, b'{"hook_event_name": "Stop"}')


def test_an_agent_that_died_and_left_its_socket_is_no_agent(data_dir: Path) -> None:
    Path(socket_path(data_dir)).parent.mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(socket_path(data_dir))

    silent(data_dir)


def test_without_an_agent_it_ends_before_its_input_does(data_dir: Path) -> None:
    command = [sys.executable, "-I", "-S", FORWARD, socket_path(data_dir), "Stop", "user"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as client:
        assert client.wait(30) == 0


def test_it_loads_nothing_that_takes_time() -> None:
    """`make bench` says what that comes to."""
    loaded = modules(str(FORWARD), "/nonexistent/socket", "Stop", "user") - modules("-c", "import os")

    assert loaded <= {"_json", "_socket", "select"}


def modules(*arguments: str) -> set[str]:
    """What Python imports to run this."""
    command = [sys.executable, "-I", "-S", "-X", "importtime", *arguments]
    told = subprocess.run(command, input=b"{}", capture_output=True).stderr.decode()
    return set(re.findall(r"^import time:.*\| +(\S+)$", told, re.MULTILINE)) - {"package"}


def test_a_folder_with_hostile_modules_changes_nothing(data_dir: Path, tmp_path: Path, listener: Listener) -> None:
    for name in ("_json", "_socket", "json", "os", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(2)")
    for name in ("agent", "router", "agentlink", "encodings"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit(2)")

    hostile = {"PYTHONPATH": ".", "PYTHONSTARTUP": "os.py", "PYTHONHOME": str(tmp_path)}
    ended = call(data_dir, "Stop", b'{"session_id": "t"}', hostile, tmp_path)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
    assert listener.request()["payload"] == {"session_id": "t"}


def test_only_what_finds_the_session_is_passed_on_of_the_environment(data_dir: Path, listener: Listener) -> None:
    silent(data_dir, ANTHROPIC_API_KEY="sk-secret", TMUX_PANE="%3", AWS_SECRET_ACCESS_KEY="aws-secret", NVIM="/n\"'\\é")

    environ = listener.request()["environ"]

    assert b"secret" not in listener.heard
    assert (environ["TMUX_PANE"], environ["NVIM"]) == ("%3", "/n\"'\\é")


def test_the_agent_learns_whose_hook_it_is(data_dir: Path, listener: Listener) -> None:
    silent(data_dir)

    assert listener.request()["parent"] == os.getpid()


def test_a_payload_on_several_lines_stays_one_request(data_dir: Path, listener: Listener) -> None:
    payload = {"session_id": "t", "prompt": "a\nb\r\nc", "list": [1, {"x": "żółw"}]}
    silent(data_dir, json.dumps(payload, indent=2, ensure_ascii=False).replace("\n", "\r\n").encode())

    assert listener.request()["payload"] == payload


def test_an_event_with_more_text_than_the_socket_takes_arrives_with_less(data_dir: Path, listener: Listener) -> None:
    payload = {"session_id": "t", "last_assistant_message": "begin" + "x" * MAX_LINE}
    silent(data_dir, json.dumps(payload).encode())

    request = listener.request()["payload"]

    assert request["session_id"] == "t"
    assert request["last_assistant_message"].startswith("begin")
    assert len(listener.heard) < MAX_LINE


@pytest.mark.parametrize("answer", [b'{"ok": true, "output": {"decision": {"behavior": "allow"}}}\n'])
def test_what_the_agent_wants_the_program_to_read_is_printed(data_dir: Path, listener: Listener) -> None:
    ended = call(data_dir, "PermissionRequest", b"{}", {})

    assert json.loads(ended.stdout) == {"decision": {"behavior": "allow"}}
    assert (listener.request()["event"], listener.request()["scope"]) == ("PermissionRequest", "user")


@pytest.mark.parametrize("answer", [b'{"ok": false, "reason": "X", "error": "no \\"output\\""}\n', b"", b"nonsense\n"])
def test_a_refusal_is_not_shown_to_the_person(data_dir: Path, listener: Listener) -> None:
    silent(data_dir)

    assert listener.request()["op"] == "hook"
