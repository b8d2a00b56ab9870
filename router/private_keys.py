"""Whose a private key of TLS must be: one that others may read is none."""

import os
import stat
from pathlib import Path


def trouble_with_key(path: Path) -> str:
    """Why a private key is no secret; empty where it is one, or where there is no such file."""
    try:
        look = path.stat()  # of what a link leads to: ACME clients keep links
    except OSError:
        return ""
    return trouble_with_mode(path, look.st_uid, look.st_mode, os.geteuid())


def trouble_with_mode(path: Path, owner: int, mode: int, us: int) -> str:
    """The rule: nobody but us and root; its group may read it where root owns it, and so chose that group."""
    if owner not in (us, 0):
        return (
            f"{path} belongs to the account with the number {owner}, which knows the key: chown it, or make a new one"
        )
    open_to = stat.S_IMODE(mode) & ~(0o740 if owner == 0 else 0o700)
    if open_to:
        return f"other accounts get at the private key {path} (mode {stat.S_IMODE(mode):04o}): chmod 600 {path}"
    return ""
