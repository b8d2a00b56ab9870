"""The router's Unix socket, for programs of its account on this machine. Standard library only: commands look for it.

gRPC does not tell whose program connects. The kernel is asked instead: the socket is 0600, so that it lets nobody but
this account and root connect at all, and its folder lets nobody else put another one in its place.
"""

import os
import socket
import stat
from pathlib import Path

NAME = "router.sock"
MAX_PATH = 100  # bytes; the kernel takes 107


def socket_path(data_dir: Path) -> Path:
    """Where the router with that data directory listens: in it, or under a short name when that is too long."""
    # Clients follow no link on the way to it: whoever made the link leads them where they like.
    path = Path(os.path.realpath(data_dir)) / NAME
    if len(os.fsencode(path)) <= MAX_PATH:
        return path
    import hashlib

    name = f"pointsman-{os.getuid()}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}"
    # Not TMPDIR: it may be long itself, and router and client need not have the same one. Both look whose folder it is.
    return Path("/tmp") / name / NAME  # noqa: S108


def claim(data_dir: Path) -> Path:
    """Where to listen, with nothing in the way. Raises OSError, with words for people.

    Whoever calls holds the data directory's lock: only a dead router's socket can be there, or somebody else's.
    """
    path = socket_path(data_dir)
    if path.parent != Path(os.path.realpath(data_dir)):
        _own_folder(path.parent)
    try:
        found = path.lstat()
    except FileNotFoundError:
        return path
    if not stat.S_ISSOCK(found.st_mode):
        raise FileExistsError(f"{path} is no socket: remove it")
    # Not left to gRPC, which would take the place of a program that listens there without a word.
    if _listens(path):
        raise FileExistsError(f"another program listens at {path}: stop it")
    path.unlink()
    return path


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(0)  # one whose queue is full listens too
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True
    return True


def _own_folder(folder: Path) -> None:
    """Make the socket's folder, or make sure that nobody else made it: in /tmp anybody could."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(f"{folder} belongs to someone else: remove it, or choose a shorter POINTSMAN_DATA_DIR")
    folder.chmod(0o700)
