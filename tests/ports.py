"""Ports of programs that have to be told one before they begin."""

import random
import socket
from contextlib import suppress

_OWN = range(20_000, 30_000)  # which nobody is given who asks for any: what is free now is so in a second


def free_port() -> int:
    """One that nobody listens on."""
    while True:
        port = random.choice(_OWN)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
