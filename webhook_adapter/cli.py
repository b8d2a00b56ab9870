"""The adapter's two processes: the HTTP server, and the courier."""

import sys
from collections.abc import Callable, Mapping

from webhook_adapter.config import AdapterConfig, ConfigError
from webhook_adapter.logs import log_to_stderr

_USAGE = 2


def http(environ: Mapping[str, str]) -> int:
    """Serve webhooks, REST and the console until SIGTERM. Returns the exit code."""
    from webhook_adapter.http.server import serve

    return _start(environ, serve)


def courier(environ: Mapping[str, str]) -> int:
    """Bring the router's outbox to the chat platforms until SIGTERM. Returns the exit code."""
    from webhook_adapter.courier.courier import run

    return _start(environ, lambda _: run(environ))


def _start(environ: Mapping[str, str], program: Callable[[AdapterConfig], int]) -> int:
    try:
        config = AdapterConfig.from_environ(environ)
        log_to_stderr(config.secrets)
        return program(config)  # platforms read settings of their own
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return _USAGE
