"""The router's Unix socket, looked at before anything is said there.

gRPC connects by itself, so what is looked at is not its connection but one of our own. Both find the same router: the
folder and all above it are such that only this account and root could put another socket there in between.
"""

import os
import socket
import stat
from pathlib import Path
from urllib.parse import quote

from agent.peers import uid_of, unmapped

_PREFIX = "unix:"
_ROOT = 0


def path_of(address: str) -> str:
    """The path in unix:PATH; empty for HOST:PORT."""
    return address.removeprefix(_PREFIX) if address.startswith(_PREFIX) else ""


def target(address: str) -> str:
    """The address as gRPC wants it, which takes a path for a part of a URI."""
    path = path_of(address)
    return _PREFIX + quote(os.fsencode(path)) if path else address


def check(address: str) -> None:
    """Raise PermissionError where another account may be behind unix:PATH, another OSError where nobody listens."""
    path = path_of(address)
    if not path:
        return
    ours = (os.geteuid(), _ROOT)
    nearest = Path(path).parent
    for folder in (nearest, *nearest.parents):
        _check_folder(folder, ours, is_nearest=folder == nearest)
    found = os.lstat(path)
    if found.st_uid not in ours or not stat.S_ISSOCK(found.st_mode):
        raise PermissionError(f"{path} is no socket of this account")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(0)  # where it cannot at once, nobody answers
        probe.connect(path)
        if (uid := uid_of(probe)) not in ours:
            raise PermissionError(f"a program of account {uid} listens at {path}, not your router")


def _check_folder(folder: Path, ours: tuple[int, int], *, is_nearest: bool) -> None:
    found = folder.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise PermissionError(f"{folder} is a link: name the router's socket by where it leads")
    is_foreign = found.st_uid not in ours and (is_nearest or found.st_uid != unmapped())
    # What is in a sticky folder stays its owner's, as in /tmp; a socket right in one may be anybody's all the same.
    is_open = found.st_mode & stat.S_IWOTH and (is_nearest or not found.st_mode & stat.S_ISVTX)
    if is_foreign or is_open or (is_nearest and found.st_mode & stat.S_IWGRP):
        raise PermissionError(f"others than this account may put a socket of theirs into {folder}")
