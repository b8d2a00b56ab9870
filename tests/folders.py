"""Folders of the tests' own."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MEMORY = Path("/dev/shm")
_ROOM = 1 << 31  # bytes; a container may have given it a few megabytes


def roomy() -> str:
    """Where tests keep their files: a disk in memory, where there is one with room.

    What a sync to a real disk costs is a quarter of a test's time; what it is worth, a kill cannot show. The power cuts
    of tests/faults bring a disk of their own.
    """
    usable = os.access(_MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(_MEMORY).free > _ROOM
    return str(_MEMORY) if usable else "/tmp"


@contextmanager
def short_folder() -> Iterator[Path]:
    """An empty folder, 0700, in which the names of sockets fit the 107 bytes that a Unix socket allows."""
    folder = tempfile.mkdtemp(prefix="pm-")
    yield Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
