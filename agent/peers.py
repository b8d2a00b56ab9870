"""Who is at the other end of a local socket, as the kernel says (unix(7), SO_PEERCRED). Standard library only."""

import os
import socket
import sys
from pathlib import Path

_ROOT = 0
_OVERFLOW = 65534  # the kernel's default; where /proc is cut down, nothing tells of another


def uid_of(connection: socket.socket) -> int:
    """The account of the process that listens there, or that has connected."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)  # pid, uid, gid
    return int.from_bytes(credentials[4:8], sys.byteorder)


def pid_of(connection: socket.socket) -> int:
    """The process that has connected, or that listens there; 0 where it is one of another container."""
    return int.from_bytes(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[:4], sys.byteorder)


def unmapped() -> int:
    """In a sandbox that maps few accounts, the owner of all that is of others, / and /home too; -1 elsewhere."""
    try:
        mapped = sum(int(line.split()[2]) for line in Path("/proc/self/uid_map").read_text().splitlines())
    except (OSError, ValueError, IndexError):
        return -1
    return -1 if mapped >= 2**32 - 1 else _OVERFLOW


def check_agent(connection: socket.socket) -> None:
    """Raise PermissionError unless who listens is of this account, or root; before anything is sent or believed.

    The folder of the socket may be one that another account could have made first.
    """
    if (uid := uid_of(connection)) not in (os.geteuid(), _ROOT):
        raise PermissionError(f"a program of account {uid} listens there, not your agent")
