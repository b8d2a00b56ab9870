"""Starts programs in a fraction of a second, forked from a server that has imported everything, and kills them."""

import multiprocessing
import os
import select
import signal
import time
from contextlib import suppress
from multiprocessing.connection import Connection

from tests.faults.programs import Life, run

PATIENCE = 60.0  # seconds for a start or a stop on a busy machine
_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(["tests.faults.programs"])


class Died(AssertionError):
    """A program ended before it was ready; the text is the end of its log."""


class Process:
    """One life of one program."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self._said, theirs = _FORKED.Pipe(duplex=False)
        self._process = _FORKED.Process(target=run, args=(life, theirs), name=life.program)
        self._process.start()
        theirs.close()
        self.started_at = time.monotonic()

    @property
    def sentinel(self) -> int:
        """Ready to be read when the program is dead."""
        return self._process.sentinel

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def ready(self) -> str:
        """What the ready line says last. Raises Died."""
        line = _line(self._said)
        if not line.startswith("ready"):
            raise Died(f"{self.life.program} did not start: {line!r} {self.life.log.read_text()[-3000:]}")
        return line.split()[-1]

    def dead(self, timeout: float) -> bool:
        """Whether it is dead within so many seconds."""
        self._process.join(timeout)
        return self._process.exitcode is not None

    def signal(self, number: int) -> None:
        """Send a signal to it alone."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        """kill -9 it and all it started; returns when it is dead."""
        if self.dead(0):
            return  # its number may be somebody else's by now
        for kill in (os.killpg, os.kill):  # it may be too young to have a group
            with suppress(ProcessLookupError):
                kill(self.pid, signal.SIGKILL)
        assert self.dead(PATIENCE)

    def stop(self) -> None:
        """Ask it to stop, and wait until it has."""
        self.signal(signal.SIGTERM)
        assert self.dead(PATIENCE), f"{self.life.program} does not stop"
        self.close()

    def close(self) -> None:
        """Forget a dead one."""
        self.kill()
        self._said.close()
        self._process.close()


def _line(said: Connection) -> str:
    ends, line = time.monotonic() + PATIENCE, b""
    while not line.endswith(b"\n") and (left := ends - time.monotonic()) > 0:
        if not select.select([said.fileno()], [], [], left)[0]:
            break
        data = os.read(said.fileno(), 4096)
        if not data:
            break
        line += data
    return line.decode()
