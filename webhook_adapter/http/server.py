"""The HTTP process: gunicorn around the application, without gunicorn's command line."""

import errno
import os
import socket
import sys
from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.workers.base import Worker

from webhook_adapter.config import AdapterConfig, Address
from webhook_adapter.http.gunicorn import conf


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn with settings from here. Unlike its command line it reads no file, and leaves folder and path alone."""

    def __init__(self, config: AdapterConfig) -> None:
        self._config = config
        super().__init__()

    def load_config(self) -> None:
        """Settings of the module, and where to listen."""
        for name, value in vars(conf).items():
            if not name.startswith("_"):
                self.cfg.set(name, value)
        self.cfg.set("bind", str(self._config.listen))
        self.cfg.set("post_worker_init", _say_ready)

    def load(self) -> Callable[..., Any]:
        """The application. Called in the worker, after the fork: gRPC does not survive one."""
        from webhook_adapter.http.app import create_app
        from webhook_adapter.router.client import RouterClient

        return create_app(self._config, RouterClient(self._config))


def _say_ready(worker: Worker) -> None:
    """Called in each new worker; who started us wants to hear it once."""
    if worker.age > 1:  # it took the place of one that died, and nobody waits for it
        return
    host, port = worker.sockets[0].getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    sys.stdout.write(f"ready adapter http://{shown}:{port}\n")
    sys.stdout.flush()


def serve(config: AdapterConfig) -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit code: 0 after a clean stop, 1 when it could not serve."""
    started = os.getpid()  # gunicorn leaves by SystemExit, here and after the fork in each worker
    try:
        Server(config).run()
    except SystemExit as end:
        if os.getpid() != started:
            raise  # a worker's end is not ours
        if end.code in {0, None}:
            return 0
        if _is_taken(config.listen):
            sys.stderr.write(f"cannot listen on {config.listen}: POINTSMAN_HTTP_LISTEN chooses another port\n")
        return 1
    return 0


def _is_taken(listen: Address) -> bool:
    """Whether another program has the port."""
    with socket.socket(socket.AF_INET6 if ":" in listen.host else socket.AF_INET) as trial:
        # As gunicorn does: connections that are still closing keep no port.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((listen.host, listen.port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False
