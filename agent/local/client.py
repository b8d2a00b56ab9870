"""Asks the agent of this machine. Standard library only: the command line must be quick."""

import json
import os
import socket

from agent import peers

MAX_PATH = 100  # bytes; the kernel takes 107
MAX_LINE = 1024 * 1024


def socket_path(data_dir: "str | os.PathLike[str]") -> str:
    """Where the agent with that data directory listens: in it, or under a short name when that is too long."""
    path = os.path.join(os.path.abspath(data_dir), "agent", "agent.sock")  # noqa: PTH100, PTH118 -- pathlib is slow
    if len(os.fsencode(path)) <= MAX_PATH:
        return path
    import hashlib

    name = f"pointsman-{os.getuid()}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}"
    # Not TMPDIR: it may be long itself, and agent and hook need not have the same one. The server checks the owner.
    return os.path.join("/tmp", name, "agent.sock")  # noqa: PTH118, S108


def request(
    path: "str | os.PathLike[str]", message: "dict[str, object]", timeout: "float | None" = 10.0
) -> "dict[str, object]":
    """The agent's answer to one request. Raises OSError when there is no agent, or it does not answer in time.

    It raises PermissionError, having said nothing, where another account's program listens.

    `timeout` is in seconds, None to wait for ever. An answer with "ok": false is returned, not raised.
    """
    with connected(path, timeout) as connection:
        connection.sendall(json.dumps(message).encode() + b"\n")
        line = _line(connection)
    answer = json.loads(line)
    if not isinstance(answer, dict):
        raise ConnectionError("the agent's answer is no object")
    return answer


def connected(path: "str | os.PathLike[str]", timeout: "float | None") -> socket.socket:
    """A connection to the agent, not to somebody who took its place. Raises as `request`; somebody closes it."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout)
        connection.connect(os.fspath(path))
        peers.check_agent(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _line(connection: socket.socket) -> bytes:
    gathered = bytearray()
    while not gathered.endswith(b"\n"):
        data = connection.recv(65536)
        if not data:
            raise ConnectionError("the agent ended the connection without an answer")
        gathered += data
    return bytes(gathered)
