"""Starts the router from an environment."""

import _sqlite3
import ctypes
import gc
import logging
import sys
from collections.abc import Mapping

import uvloop

from router.app import serve
from router.config import RouterConfig, SettingsError

_M_ARENA_MAX = -8  # malloc.h
_CONFIG_MEMSTATUS = 9  # sqlite3.h
_YOUNG = 10_000  # objects


def main(environ: Mapping[str, str]) -> int:
    """Run the router until SIGTERM. Returns the exit code: 0 done, 2 wrong settings."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    _one_heap()
    _uncounted_memory()
    try:
        uvloop.run(serve(RouterConfig.from_environ(environ), _ready))
    except SettingsError as error:
        sys.stderr.write(f"router: {error}\n")
        return 2
    return 0


def _one_heap() -> None:
    """Of glibc's heaps, one for each thread by default, what was freed in one is not used by another.

    A crowd of clients would leave each of them as large as it ever was.
    """
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):  # glibc's
        mallopt(_M_ARENA_MAX, 1)


def _uncounted_memory() -> None:
    """SQLite counts what memory it has, each piece under a lock for all threads, and here nobody asks how much it is.

    To be said before a database is opened; where SQLite is no library that can be told, it goes on counting.
    """
    sqlite = ctypes.CDLL(getattr(_sqlite3, "__file__", None))
    told = all(hasattr(sqlite, f"sqlite3_{name}") for name in ("shutdown", "config", "initialize"))
    if sys.platform == "linux" and told:  # elsewhere a call with some arguments more is another kind of call
        sqlite.sqlite3_shutdown()
        sqlite.sqlite3_config(_CONFIG_MEMSTATUS, 0)
        sqlite.sqlite3_initialize()


def _ready(address: str) -> None:
    # A command under way is a hundred objects until its commit: by itself the collector looks at every 700 new ones,
    # and sees them grow old.
    gc.set_threshold(_YOUNG)
    gc.freeze()  # what is there now stays: a search for garbage among all of it would make messages wait
    sys.stdout.write(f"ready router {address}\n")
    sys.stdout.flush()
