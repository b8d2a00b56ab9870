"""One router alone uses a data folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from router.config import SettingsError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold it inside the block. Raises SettingsError."""
    path = folder / "router.lock"
    try:
        # Neither followed nor truncated: what lies behind a link there is somebody's file.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SettingsError(f"cannot use {path} ({error.strerror}): remove it, it should be a file of ours") from None
    with os.fdopen(descriptor, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SettingsError(f"another router uses {folder}: stop it, or choose another data folder") from None
        yield
