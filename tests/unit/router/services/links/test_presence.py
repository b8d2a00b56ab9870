"""When machines were last heard of goes to disk in batches: of thousands that are linked none keeps others waiting."""

from router.domain.undo import Undo
from router.link.hub import Hub, Link
from router.services.links.presence import MOST, Presence


def test_a_crowd_is_written_some_at_a_time() -> None:
    hub = Hub()
    for number in range(2 * MOST + 1):
        hub.replace(Undo(), Link(f"m{number}", b"", batches=True, max_in_flight=32))

    assert len(list(Presence(hub).batches())) == 3
