"""From a closed issue on GitHub to a workspace that is gone: by its deliveries, its fresh answers, and time."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from agentlink.v1 import control_pb2 as pb

from pointsman.client import connect
from tests.integration.router.test_janitor import Machine
from tests.integration.webhook_adapter.transports.github.test_way_in import Scene, scene  # noqa: F401
from webhook_adapter.clock import SystemClock
from webhook_adapter.transports.github.inbound.upkeep import Upkeep
from webhook_adapter.transports.github.outbound.client import GitHubClient

UNKNOWN = ("KEEP", "nobody has said within the hour that what it is for is over")


@pytest.fixture
def machine(scene: Scene) -> Iterator[Machine]:  # noqa: F811
    """With a workspace for the scene's issue, in which somebody left changes."""
    with ExitStack() as open_links:
        made = Machine(scene.router, scene.machine, open_links, f"github:{scene.repository.id}#{scene.issue.number}")
        made.leaves(dirty=True)
        yield made


@pytest.fixture
def look(scene: Scene) -> Iterator[Callable[[], int]]:  # noqa: F811
    """GitHub is asked about all of them, as after a restart of the adapter."""
    app = scene.github.app
    client, router = (
        GitHubClient(app.id, app.pem, scene.github.base_url),
        connect(scene.router.address, scene.router.key(pb.ROLE_ADAPTER)),
    )
    yield lambda: Upkeep(client, lambda: router, SystemClock()).look()
    client.close()
    router.close()


def test_what_is_for_a_closed_issue_is_archived_and_goes_a_month_later(
    scene: Scene,  # noqa: F811
    machine: Machine,
    look: Callable[[], int],
) -> None:
    scene.github.closes(scene.issue, scene.mallory)
    assert scene.delivered(times=3) == [200] * 3
    assert machine.state() == "CLOSING"
    machine.later(8)
    assert machine.sweep() == UNKNOWN
    look()
    command_id, archive = machine.closes()
    assert archive
    machine.tell("ARCHIVED", path="/ws/a.tar")
    machine.done(command_id)
    scene.github.reopens(scene.issue, scene.mallory)  # that comes too late, and is put back by the next start
    assert scene.delivered() == [200]
    machine.later(31)
    assert machine.sweep()[0] == "FORGET"
    command_id, _ = machine.closes()
    machine.tell("GONE")
    machine.done(command_id)

    assert machine.state() == "GONE"


def test_what_may_not_be_looked_at_any_more_stays_however_old_it_gets(
    scene: Scene,  # noqa: F811
    machine: Machine,
    look: Callable[[], int],
) -> None:
    scene.github.closes(scene.issue, scene.mallory)
    scene.delivered()
    scene.github.takes_out(scene.repository)
    scene.delivered()
    machine.later(100)
    look()
    away = machine.sweep()
    scene.github.install(scene.repository)
    look()

    assert (away, machine.closes()[1]) == (UNKNOWN, True)
