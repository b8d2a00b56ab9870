"""How far the log of deliveries was gone through, on disk: a file beside the App's, for its owner alone."""

import json
import logging
import os
from dataclasses import dataclass, field
from pathlib import Path

logger = logging.getLogger(__name__)

_MOST_BYTES = 4 * 1024 * 1024


@dataclass(slots=True)
class Progress:
    """What is known of deliveries: all before `since` are settled, and of those behind it those named."""

    since: float = 0.0  # seconds since the epoch, by GitHub's clock
    settled: dict[str, float] = field(default_factory=dict)  # when each was delivered, by its GUID
    given_up: dict[str, float] = field(default_factory=dict)  # the same: a fault of ours over this one

    def is_settled(self, guid: str) -> bool:
        """Whether it need not be looked at again."""
        return guid in self.settled or guid in self.given_up

    def forget_before(self, moment: float, forgotten: float) -> None:
        """Nothing before the first is looked at again; what was given up stays known until the second."""
        self.settled = {guid: at for guid, at in self.settled.items() if at >= moment}
        self.given_up = {guid: at for guid, at in self.given_up.items() if at >= forgotten}


class ProgressFile:
    """Keeps it. What cannot be kept is gone through again after a restart, which does nothing twice."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Progress:
        """As it was left; anew where nothing sound is there."""
        try:
            with self._path.open("rb") as file:
                told = json.loads(file.read(_MOST_BYTES))
            return Progress(float(told["since"]), _times(told["settled"]), _times(told["given_up"]))
        except FileNotFoundError:
            return Progress()
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            logger.warning("%s cannot be read: the log of deliveries is gone through from its beginning", self._path)
            return Progress()

    def write(self, progress: Progress) -> None:
        """Whole, or not at all."""
        told = {"since": progress.since, "settled": progress.settled, "given_up": progress.given_up}
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            draft.unlink(missing_ok=True)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(json.dumps(told).encode())
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        except OSError as error:
            logger.warning("%s cannot be written: %s", self._path, error.strerror)


def _times(told: dict[str, object]) -> dict[str, float]:
    return {str(guid): float(at) for guid, at in told.items()}  # type: ignore[arg-type]
