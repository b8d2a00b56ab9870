"""Programs of ours whose time somebody moves: `python -I moved_time.py FILE WORDS…` is `pointsman WORDS…`.

FILE holds by how much. The router and the agent go by it; what stands between them and people has the time that it is.
"""

import asyncio
import mmap
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace

import psutil

_MOVED = ("router", "agent")


class MovedTime:
    """By how much time is moved, for all programs that were started with its launcher."""

    def __init__(self, folder: Path) -> None:
        file = folder / "moved-time"
        file.write_bytes(struct.pack("d", 0.0))
        self.launcher = (sys.executable, "-I", __file__, str(file))
        with file.open("r+b") as opened:
            self._shared = mmap.mmap(opened.fileno(), 8)

    def passes(self, seconds: float, programs: Iterable[psutil.Process]) -> None:
        """So much passes at once; the programs look up."""
        (ahead,) = struct.unpack_from("d", self._shared)
        struct.pack_into("d", self._shared, 0, ahead + seconds)
        for program in programs:
            program.send_signal(signal.SIGUSR2)


def _move(file: str) -> None:
    """Before anything else of the program is there to read the time."""
    import grpc.aio._utils
    import uvloop

    with Path(file).open("rb") as opened:
        shared = mmap.mmap(opened.fileno(), 8, access=mmap.ACCESS_READ)
    # A deadline is counted from there to gRPC's core, which asks the kernel: both see one clock.
    grpc.aio._utils.time = SimpleNamespace(time=time.time)  # type: ignore[assignment]
    read = time.clock_gettime
    time.clock_gettime = lambda clock: read(clock) + struct.unpack_from("d", shared)[0]
    for name in ("time", "monotonic"):
        setattr(time, name, _ahead(getattr(time, name), shared))
    signal.signal(signal.SIGUSR2, lambda *_: None)  # whoever sleeps looks at the time
    # uvloop asks the kernel for the time, asyncio's own loop asks the module.
    uvloop.run = lambda main: asyncio.Runner(loop_factory=asyncio.SelectorEventLoop).run(main)  # type: ignore[assignment]


def _ahead(real: Callable[[], float], shared: mmap.mmap) -> Callable[[], float]:
    return lambda: real() + float(struct.unpack_from("d", shared)[0])


def main(file: str, *words: str) -> None:
    words = words[words.index("pointsman") + 1 :] if "pointsman" in words else words
    if words[0] in _MOVED:
        _move(file)
    import pointsman.cli
    import pointsman.up.up

    pointsman.up.up.COMMAND = (sys.executable, "-I", __file__, file)
    sys.argv[1:] = words
    pointsman.cli.main()


if __name__ == "__main__":
    main(*sys.argv[1:])
