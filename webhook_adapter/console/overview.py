"""Machines, sessions and figures, as all pages show them: asked of the router once for all."""

import hashlib
import socket
import time
from collections.abc import Callable

import msgspec

from pointsman.client.records import Machine
from webhook_adapter.console import present
from webhook_adapter.console.ports import ConsoleControl

_FRESH = 0.4  # seconds: less than between two looks


class Overview:
    """Threads may share it: where two ask at once, both ask the router."""

    def __init__(self, router: str, ask: Callable[[], ConsoleControl]) -> None:
        self._router = router
        self._ask = ask
        self._known: tuple[float, bytes, str] = (-_FRESH, b"", "")

    def read(self, *, anew: bool = False) -> tuple[bytes, str]:
        """As JSON, and its digest. Raises RouterError."""
        at, data, digest = self._known
        if time.monotonic() < at + _FRESH and not anew:
            return data, digest
        began = time.monotonic()
        data = msgspec.json.encode(self.shown())
        digest = hashlib.blake2b(data, digest_size=6).hexdigest()
        self._known = began, data, digest
        return data, digest

    def shown(self) -> present.Json:
        """As it is now. Raises RouterError."""
        ask = self._ask()
        return {
            "router": self._router,
            "host": socket.gethostname(),
            "machines": [_machine(each) for each in ask.machines()],
            "sessions": present.with_last_words(ask.sessions(include_ended=True), ask.last_words()),
            "figures": present.figures(ask.stats()),
        }


def _machine(machine: Machine) -> present.Json:
    """When one that is here was last heard of is no news, and would be some with each beat of its heart."""
    return present.shown(machine) | ({"last_seen_at": None} if machine.connected else {})
