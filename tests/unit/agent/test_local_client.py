"""The client of the agent's local socket."""

import os
import socket
import threading
from pathlib import Path

import pytest

from agent.local import client


def answering(path: str, *chunks: bytes) -> threading.Thread:
    """An agent that says this to whoever asks first, and hangs up."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()

    def serve() -> None:
        with server:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                for chunk in chunks:
                    connection.sendall(chunk)

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


def test_the_socket_is_in_the_agents_folder(data_dir: Path) -> None:
    assert client.socket_path(data_dir) == f"{data_dir}/agent/agent.sock"
    assert client.socket_path(str(data_dir)) == client.socket_path(data_dir)


def test_a_long_path_gets_a_short_name_that_is_always_the_same(data_dir: Path) -> None:
    deep = data_dir / ("ä" * 60)

    path = client.socket_path(deep)

    assert len(os.fsencode(path)) <= client.MAX_PATH
    assert f"pointsman-{os.getuid()}-" in path
    assert path == client.socket_path(deep) != client.socket_path(deep / "other")


def test_an_answer_may_come_in_pieces(data_dir: Path) -> None:
    path = str(data_dir / "s")
    thread = answering(path, b'{"ok": ', b"true}\n")

    answer = client.request(path, {"op": "status"})
    thread.join()

    assert answer == {"ok": True}


@pytest.mark.parametrize("said", [b"", b'{"ok": tr', b"[]\n"], ids=["nothing", "half", "no object"])
def test_an_agent_that_does_not_answer_is_an_oserror(data_dir: Path, said: bytes) -> None:
    path = str(data_dir / "s")
    thread = answering(path, said)

    with pytest.raises(ConnectionError):
        client.request(path, {"op": "status"})
    thread.join()


def test_no_agent_is_an_oserror(data_dir: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        client.request(data_dir / "none", {"op": "status"})
