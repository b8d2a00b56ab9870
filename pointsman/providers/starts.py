"""When machines were started, on disk before they are: what one costs is bounded also where we die and begin anew."""

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Starts:
    """`path` is a file of ours. Times are in seconds since the epoch."""

    path: Path

    def within_an_hour(self, key: str, now: float) -> int:
        """How often it was started; what lies in the future counts, as the clock was put back."""
        return sum(now - each < HOUR for each in self._read().get(key, []))

    def note(self, key: str, now: float) -> None:
        """It is about to be."""
        every = self._read()
        kept = {name: [each for each in times if now - each < HOUR] for name, times in every.items()}
        kept[key] = [*kept.get(key, []), now]
        beside = self.path.with_suffix(".new")
        beside.unlink(missing_ok=True)
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as out:
            json.dump({name: times for name, times in kept.items() if times}, out)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(self.path)

    def _read(self) -> dict[str, list[float]]:
        with suppress(OSError, ValueError, TypeError, AttributeError):
            said = json.loads(self.path.read_text(encoding="utf-8"))
            return {str(name): [float(each) for each in times] for name, times in said.items()}
        return {}
