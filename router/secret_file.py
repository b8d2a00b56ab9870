"""How secrets of the router get on disk: one way for its key and for what seals others."""

import os
from pathlib import Path


def write_durably(path: Path, content: bytes) -> None:
    """Put a file in place whole or not at all, its owner's alone, and after a power cut still there. Raises OSError."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)  # of a process that died while it wrote
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)  # the name itself
    finally:
        os.close(folder)
