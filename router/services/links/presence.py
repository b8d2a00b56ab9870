"""When machines were last heard of: in memory while they are linked, on disk once a minute and when a link ends.

So a heartbeat counts and costs no write; after a kill what is on disk may be a minute and a heartbeat old.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from msgspec.structs import replace

from router.domain.machine import Machine
from router.link.hub import Hub, Link
from router.store import machines
from router.store.database import Transaction

WRITE_EVERY = 60.0  # seconds
MOST = 100  # links in a transaction; thousands would keep others waiting


class Presence:
    """Who is there, and since when not."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def live(self, machine: Machine) -> Machine:
        """What is known of a machine now, beside what is on disk. Called on the event loop."""
        link = self._hub.get(machine.machine_id)
        if link is None:
            return machine
        # The later of the two: after a restart the link has heard nothing yet.
        return replace(machine, connected=not link.gone, last_seen_at=max(link.heard_at, machine.last_seen_at or 0.0))

    def batches(self) -> Iterator[Callable[[Transaction], None]]:
        """What puts on disk when all were last heard of, some of them in an operation. Called on the event loop."""
        links = self._hub.all()
        for start in range(0, len(links), MOST):
            yield partial(self._write, links=links[start : start + MOST])

    def _write(self, tx: Transaction, links: Sequence[Link]) -> None:
        for link in links:
            self.left(tx, link)

    def left(self, tx: Transaction, link: Link) -> None:
        """Put on disk when a link was last heard of, which may have ended."""
        machines.heard_of(tx, link.machine_id, link.heard_at)
