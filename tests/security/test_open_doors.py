"""No door opens beyond this machine in the clear, unless somebody says in so many words that it shall."""

import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from router.cli import main as router_main
from tests.e2e.system import POINTSMAN
from webhook_adapter.cli import courier, http

KEY = "pmk_" + "d" * 43
EVERYWHERE = ["0.0.0.0:0", "[::]:0", "127.evil.example:0"]
GRPC = {"POINTSMAN_ROUTER_LISTEN": "--insecure-listen"}
HTTP = {"POINTSMAN_HTTP_LISTEN": "POINTSMAN_HTTP_PLAIN=1"}
PROGRAMS: list[tuple[str, Mapping[str, str]]] = [
    ("router", GRPC),
    ("up", GRPC),
    ("up", HTTP),
    ("adapter", HTTP),
    ("adapter-http", HTTP),
]


@contextmanager
def started(data_dir: Path, program: str, **settings: str) -> "Iterator[subprocess.Popen[str]]":
    environ = {**os.environ, "POINTSMAN_DATA_DIR": str(data_dir), "POINTSMAN_API_KEY": KEY, **settings}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*POINTSMAN, program], env=environ, text=True, **pipes) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=30)


@pytest.mark.parametrize("address", EVERYWHERE)
@pytest.mark.parametrize(
    ("program", "door"), PROGRAMS, ids=lambda one: one if isinstance(one, str) else next(iter(one))
)
def test_a_program_that_was_told_nothing_more_opens_none(
    data_dir: Path, program: str, door: Mapping[str, str], address: str
) -> None:
    [(setting, cure)] = door.items()
    with started(data_dir, program, **{setting: address}) as process:
        _, told = process.communicate(timeout=60)

    assert process.returncode == 2
    assert setting in told
    assert cure in told
    assert sorted(data_dir.iterdir()) == []  # nothing was begun


@pytest.mark.parametrize("address", EVERYWHERE)
def test_nor_does_one_that_is_started_past_the_command_line(
    data_dir: Path, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    environ = {"POINTSMAN_DATA_DIR": str(data_dir), "POINTSMAN_API_KEY": KEY}

    ends = [
        router_main({**environ, "POINTSMAN_ROUTER_LISTEN": address}),
        http({**environ, "POINTSMAN_HTTP_LISTEN": address}),
        courier({**environ, "POINTSMAN_HTTP_LISTEN": address}),
    ]

    told = capsys.readouterr().err
    assert ends == [2, 2, 2]
    assert "--insecure-listen" in told
    assert "POINTSMAN_HTTP_PLAIN=1" in told


def test_plain_http_opens_where_something_else_encrypts(data_dir: Path) -> None:
    door = {"POINTSMAN_HTTP_LISTEN": "0.0.0.0:0", "POINTSMAN_HTTP_PLAIN": "1"}
    with started(data_dir, "adapter-http", **door) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().strip().rpartition(":")[2])
        with socket.create_connection(("127.0.0.2", port), timeout=10) as reached:
            reached.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert reached.recv(12) == b"HTTP/1.1 200"
