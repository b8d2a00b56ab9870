"""A consistent copy of the live database."""

import os
import sqlite3
from pathlib import Path

from router.domain.errors import Reason, Refusal


def backup(connection: sqlite3.Connection, target: str) -> int:
    """Write a copy to an absolute path that does not exist; returns its bytes. Raises Refusal.

    VACUUM INTO reads one snapshot and never keeps the writer waiting.
    """
    path = Path(target)
    if not path.is_absolute() or path.exists() or not path.parent.is_dir():
        raise Refusal(Reason.INVALID_ARGUMENT, "path must be absolute, in an existing folder, and not exist yet")
    # Peewee has no word for these three.
    connection.execute("PRAGMA query_only = 0")  # VACUUM INTO writes, though not to this database
    try:
        connection.execute("VACUUM INTO ?", (target,))
    finally:
        connection.execute("PRAGMA query_only = 1")
    path.chmod(0o600)  # SQLite made it by the umask; it holds what people write
    _sync(path)
    _sync(path.parent)
    return path.stat().st_size


def _sync(path: Path) -> None:
    """Put a file, or the names in a folder, on the disk: a backup that was reported is one after a power cut, too."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
