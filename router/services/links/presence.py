"""When machines were last heard of: in memory while they are linked, on disk once a minute and when a link ends.

So a heartbeat counts and costs no write; after a kill what is on disk may be a minute and a heartbeat old.
"""

from msgspec.structs import replace

from router.domain.machine import Machine
from router.link.hub import Hub, Link
from router.store import machines
from router.store.database import Transaction

WRITE_EVERY = 60.0  # seconds


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

    def write(self, tx: Transaction) -> None:
        """Put on disk what was heard since it was last put there."""
        for link in self._hub.all():
            self.left(tx, link)

    def left(self, tx: Transaction, link: Link) -> None:
        """Put on disk when a link was last heard of, which may have ended."""
        machines.heard_of(tx, link.machine_id, link.heard_at)
