"""The independent account of a run: one line an event, appended whole, on disk before the writer goes on."""

import json
import os
import time
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Journal:
    """A file that many processes may append to. `at` is monotonic, which all processes of one machine share."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._entries: list[dict[str, Any]] = []  # what was read so far
        self._offset = 0

    def note(self, event: str, *, durable: bool = False, **fields: Any) -> None:
        """Append one event. What was written survives a kill; what is durable survives a power cut too."""
        line = json.dumps({"at": time.monotonic(), "event": event, **fields}).encode() + b"\n"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line)
            if durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def read(self, *events: str, since: float = 0.0) -> Iterator[dict[str, Any]]:
        """The events of these kinds, oldest first, from a moment on."""
        self._read_on()
        first = bisect_left(self._entries, since, key=lambda entry: entry["at"])
        return (entry for entry in self._entries[first:] if entry["event"] in events)

    def _read_on(self) -> None:
        """Read what was appended since; of the last line, all may not be there yet."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._entries.append(json.loads(line))
                self._offset += len(line)
        # Lines of several processes may have changed places between their clocks and the file. Sorting is stable:
        # the order of one process stays, as its clock never goes back.
        self._entries.sort(key=lambda entry: entry["at"])
