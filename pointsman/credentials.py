"""Secrets from files: of systemd's credentials, or of whatever else mounts a file that one program alone may read.

One rule for every secret setting NAME. `NAME_FILE` names the file; without it the file is the one in
`$CREDENTIALS_DIRECTORY` that is called like the setting in pointsman.toml.
"""

from collections.abc import Mapping
from pathlib import Path

from pointsman.settings import SETTINGS, Setting

DIRECTORY = "CREDENTIALS_DIRECTORY"  # systemd sets it where a unit loads credentials
_LONGEST = 4096  # bytes of a file that is meant
FILE_NAMES = frozenset(f"{setting.name}_FILE" for setting in SETTINGS if setting.secret)
NAMES = FILE_NAMES | {DIRECTORY}
"""What tells of such files in an environment: for whoever resolves the settings, and nobody after that."""


def file_of(setting: Setting, environ: Mapping[str, str]) -> Path | None:
    """Where a file should hold the secret; None for nowhere. One that is named outright must be there."""
    if not setting.secret:
        return None
    if named := environ.get(f"{setting.name}_FILE", "").strip():
        return Path(named)
    loaded = Path(environ[DIRECTORY]) / setting.key if environ.get(DIRECTORY) else None
    return loaded if loaded and loaded.exists() else None


def secret_of(setting: Setting, environ: Mapping[str, str], problems: list[str]) -> str:
    """The secret that a file holds; empty where none does. What is wrong with the file joins the problems."""
    path = file_of(setting, environ)
    if path is None:
        return ""
    try:
        with path.open("rb") as file:
            text = file.read(_LONGEST + 1).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not ASCII"
        problems.append(f"{path}, which should hold {setting.name}, cannot be read: {reason}")
        return ""
    if not text or len(text) > _LONGEST:  # a secret that is missing must not turn a lock off
        problems.append(f"{path}, which should hold {setting.name}, is {'too long' if text else 'empty'}")
        return ""
    return text
