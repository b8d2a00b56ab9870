"""Starts the router from an environment."""

import gc
import logging
import sys
from collections.abc import Mapping

import uvloop

from router.app import serve
from router.config import RouterConfig, SettingsError


def main(environ: Mapping[str, str]) -> int:
    """Run the router until SIGTERM. Returns the exit code: 0 done, 2 wrong settings."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    try:
        uvloop.run(serve(RouterConfig.from_environ(environ), _ready))
    except SettingsError as error:
        sys.stderr.write(f"router: {error}\n")
        return 2
    return 0


def _ready(address: str) -> None:
    gc.freeze()  # what is there now stays: a search for garbage among all of it would make messages wait
    sys.stdout.write(f"ready router {address}\n")
    sys.stdout.flush()
