"""One program for each conversation on this machine, and when it was opened last: a locked file for each.

Only Codex guards its conversations itself: two others in one would overwrite each other, or split it. The files lie
where all agents of this account find them, whatever their data directory. A lock ends with the agent that holds it,
however that ends; the file's time stays.
"""

import fcntl
import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

MINUTE = 60.0


class Lock:
    """The right to have one conversation open."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def take(self) -> bool:
        """Whether it is ours now; False where another agent has it. Raises OSError."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        except BaseException:
            os.close(file)
            raise
        self._file = file
        return True

    def mark(self, now: float) -> None:
        """It was opened now, in seconds since the epoch."""
        if self._file is not None:
            os.utime(self._file, (now, now))

    def release(self) -> None:
        """Let it go; without harm where it is not ours."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


class Locks:
    """Those of one account."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        home = environ.get("XDG_STATE_HOME") or f"{environ.get('HOME') or '/nonexistent'}/.local/state"
        self._folder = Path(home) / "pointsman" / "conversations"

    def of(self, program: str, conversation_id: str) -> Lock:
        return Lock(self._path(program, conversation_id))

    def opened(self, program: str, conversation_id: str) -> float | None:
        """When it was opened last, as far as agents know."""
        try:
            return self._path(program, conversation_id).stat().st_mtime
        except OSError:
            return None

    def _path(self, program: str, conversation_id: str) -> Path:
        return self._folder / sha256(f"{program}\n{conversation_id}".encode()).hexdigest()[:40]


def until_next_minute(opened: float, now: float) -> float:
    """Seconds until the minute of the clock has turned in which something was opened; 0 once it has."""
    turns = (opened // MINUTE + 1) * MINUTE
    return max(0.0, min(turns - now, MINUTE))
