"""Folders of the tests' own."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def short_folder() -> Iterator[Path]:
    """An empty folder, 0700, in which the names of sockets fit the 107 bytes that a Unix socket allows."""
    folder = tempfile.mkdtemp(prefix="pm-", dir="/tmp")
    yield Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
