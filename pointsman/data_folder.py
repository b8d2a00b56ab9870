"""Whose the data directory is: keys, settings and locks in it are believed."""

import os
import stat
from pathlib import Path


def trouble_with(folder: Path) -> str:
    """Why nothing in it can be believed; empty where it can be, or where it is not there yet."""
    try:
        # Of a link first: whoever made it leads us where they like.
        looks = (folder.lstat(), folder.stat())
    except OSError:
        return ""
    if any(look.st_uid not in (os.geteuid(), 0) for look in looks):
        return (
            f"{folder} belongs to another account, which may have put keys and settings into it: choose another with"
            " POINTSMAN_DATA_DIR, or make it yours with chown"
        )
    if looks[1].st_mode & stat.S_IWOTH:
        return f"every account may write to {folder}, also keys and settings: chmod 700 {folder}"
    return ""
