"""A consistent copy of the live database."""

import os
import sqlite3
import stat
from pathlib import Path

from router.domain.errors import Reason, Refusal

_ROOT = 0
_NOT_THERE = "path must be absolute, in an existing folder, and not exist yet"
_SHARED = "others may write into that folder, and could put a file of theirs in the backup's place: choose another"


def backup(connection: sqlite3.Connection, target: str) -> int:
    """Write a copy to an absolute path that does not exist; returns its bytes. Raises Refusal.

    VACUUM INTO reads one snapshot and never keeps the writer waiting.
    """
    path = Path(target)
    if not path.is_absolute() or not path.parent.is_dir():
        raise Refusal(Reason.INVALID_ARGUMENT, _NOT_THERE)
    if not _ours(path.parent):
        raise Refusal(Reason.INVALID_ARGUMENT, _SHARED)
    _make_empty(path)
    # Peewee has no word for these three.
    if connection.in_transaction:
        connection.execute("ROLLBACK")  # VACUUM begins one of its own
    connection.execute("PRAGMA query_only = 0")  # VACUUM INTO writes, though not to this database
    try:
        connection.execute("VACUUM INTO ?", (target,))
    except BaseException:
        path.unlink()  # half a backup is none
        raise
    finally:
        connection.execute("PRAGMA query_only = 1")
    _sync(path)
    _sync(path.parent)
    return path.stat().st_size


def _ours(folder: Path) -> bool:
    """Whether no other account can rename what stands in a folder."""
    found = folder.stat()
    shared = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not found.st_mode & stat.S_ISVTX
    return found.st_uid in (os.geteuid(), _ROOT) and not shared


def _make_empty(path: Path) -> None:
    """What VACUUM INTO fills, made first so that nobody else can ever read it. Follows no link, not even to nothing."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
    except OSError as error:
        text = _NOT_THERE if isinstance(error, FileExistsError) else f"cannot write there: {error.strerror}"
        raise Refusal(Reason.INVALID_ARGUMENT, text) from None


def _sync(path: Path) -> None:
    """Put a file, or the names in a folder, on the disk: a backup that was reported is one after a power cut, too."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
