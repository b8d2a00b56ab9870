"""Folders that settings name, and where a path really leads."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path


def leads_into(path: Path, folders: Sequence[Path]) -> bool:
    """Whether it is one of the folders or below one, with links and ".." followed. Looks at the disk; may block."""
    real = Path(os.path.realpath(path))  # a link inside may lead out
    return any(real.is_relative_to(os.path.realpath(folder)) for folder in folders)


def text_within(path: Path, folder: Path, most: int) -> str | None:
    """The text of a file in or below a folder; None where it leads elsewhere, is longer than `most` bytes, or no text.

    Looks at the disk; may block.
    """
    real = os.path.realpath(folder / path)
    if not Path(real).is_relative_to(os.path.realpath(folder)):
        return None
    try:
        opened = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)  # a pipe would keep us waiting
        with os.fdopen(opened, "rb") as file:
            is_fit = stat.S_ISREG(os.fstat(opened).st_mode) and os.fstat(opened).st_size <= most
            return file.read(most).decode() if is_fit else None
    except (OSError, ValueError):
        return None
