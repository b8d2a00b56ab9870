"""Folders that settings name, and where a path really leads."""

import os
from collections.abc import Sequence
from pathlib import Path


def leads_into(path: Path, folders: Sequence[Path]) -> bool:
    """Whether it is one of the folders or below one, with links and ".." followed. Looks at the disk; may block."""
    real = Path(os.path.realpath(path))  # a link inside may lead out
    return any(real.is_relative_to(os.path.realpath(folder)) for folder in folders)
