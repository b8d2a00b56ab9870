"""The courier: takes the router's outbox to the platforms, and keeps open the ways in that platforms need us for."""

import logging
import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping

from webhook_adapter.clock import Clock, SystemClock
from webhook_adapter.config import AdapterConfig
from webhook_adapter.courier.delivery_link import DeliveryLink
from webhook_adapter.router.client import RouterClient
from webhook_adapter.transports.embeddings import embeddings
from webhook_adapter.transports.platform import Host, Platform
from webhook_adapter.transports.registry import platforms

logger = logging.getLogger(__name__)

EXIT_DONE, EXIT_FAILED = 0, 1
_FINISH_S = 5.0  # for sends in flight when we are asked to stop
_FIRST_LINK_S = 2.0  # readiness is told after that even when the router is away: it may come later

_ENDS = (signal.SIGTERM, signal.SIGINT)


class Courier:
    """Everything one courier process runs, as threads that end together."""

    def __init__(self, config: AdapterConfig, served: Iterable[Platform], clock: Clock | None = None) -> None:
        """`clock` paces the sending."""
        self.failed = False
        self._host = Host(config, RouterClient(config), clock or SystemClock())
        self._routes = [route for each in served if (route := each.start_courier(self._host)) is not None]
        instance_id = uuid.uuid4().hex
        self._links = [DeliveryLink(self._host, route, instance_id) for route in self._routes]

    @property
    def transports(self) -> str:
        """Their names, for the ready line."""
        return ",".join(route.transport.name for route in self._routes)

    def start(self) -> None:
        """Start all threads and wait a moment for the links."""
        for link, route in zip(self._links, self._routes, strict=True):
            self._spawn(f"{route.transport.name}-link", link.run)
            if link.typing is not None:
                self._spawn(f"{route.transport.name}-typing", link.typing.run)
            for name, run in route.beside.items():
                self._spawn(name, run)
        for name, run in embeddings(self._host).items():
            self._spawn(name, run)
        deadline = time.monotonic() + _FIRST_LINK_S
        for link in self._links:
            link.opened.wait(max(0.0, deadline - time.monotonic()))

    def stop(self) -> None:
        """Take nothing new, finish what was begun, hand in the receipts, close."""
        self._host.stop.set()
        for route in self._routes:
            route.end_within(_FINISH_S)
        deadline = time.monotonic() + _FINISH_S  # one for all: each platform hangs in its own threads
        for link in self._links:
            link.finish(deadline)
        self._host.router.close()
        for route in self._routes:
            route.close()

    def _spawn(self, name: str, run: Callable[[], None]) -> None:
        threading.Thread(target=self._watched, args=(name, run), name=name, daemon=True).start()

    def _watched(self, name: str, run: Callable[[], None]) -> None:
        """A thread that fails ends the process; its supervisor starts a fresh one."""
        try:
            run()
        except Exception:
            logger.exception("thread failed name=%s", name)
            self.failed = True
            os.kill(os.getpid(), signal.SIGTERM)


def run(environ: Mapping[str, str], clock: Clock | None = None) -> int:
    """Run the courier until SIGTERM or SIGINT; the exit code. `clock` paces the sending. Raises ConfigError."""
    # Before there are threads, which inherit it. A handler instead could come while this thread holds the lock that the
    # handler needs, or just before this thread sleeps.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
    courier = Courier(AdapterConfig.from_environ(environ), platforms(), clock)
    courier.start()
    print(f"ready courier {courier.transports}", flush=True)  # noqa: T201 - the supervisor waits for this line
    signal.sigwait(_ENDS)
    courier.stop()
    return EXIT_FAILED if courier.failed else EXIT_DONE
