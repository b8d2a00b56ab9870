"""What hooks said while no agent was there: that a talk began. Each is taken as if it were said now, in order."""

import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path

from agent.hooks.forward import MOST_UNHEARD, UNHEARD
from agent.local.client import socket_path
from agent.local.fields import Message


class Unheard:
    """What was left beside the socket of the agent with that data directory."""

    def __init__(self, data_dir: Path) -> None:
        self._file = Path(socket_path(data_dir)).with_name(UNHEARD)

    def take(self) -> Iterator[tuple[float, Message]]:
        """Each with when it was said, in seconds since the epoch; they are gone once all are taken."""
        try:
            descriptor = os.open(self._file, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError:
            return
        with os.fdopen(descriptor, "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return  # a hook is at it: the next look takes all
            for line in file.read(MOST_UNHEARD).splitlines():
                message = _message(line)
                if isinstance(at := message.get("at"), int):
                    yield float(at), message
            # Under the lock: what a hook leaves now goes into a new file.
            self._file.unlink(missing_ok=True)


def _message(line: bytes) -> Message:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):  # a hook that was killed while it wrote
        return {}
    return message if isinstance(message, dict) else {}
