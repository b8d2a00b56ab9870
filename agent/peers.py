"""Who is at the other end of a local socket, as the kernel says (unix(7), SO_PEERCRED). Standard library only."""

import os
import socket
import sys

_ROOT = 0


def uid_of(connection: socket.socket) -> int:
    """The account of the process that listens there, or that has connected."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)  # pid, uid, gid
    return int.from_bytes(credentials[4:8], sys.byteorder)


def check_agent(connection: socket.socket) -> None:
    """Raise PermissionError unless who listens is of this account, or root; before anything is sent or believed.

    The folder of the socket may be one that another account could have made first.
    """
    if (uid := uid_of(connection)) not in (os.geteuid(), _ROOT):
        raise PermissionError(f"a program of account {uid} listens there, not your agent")
