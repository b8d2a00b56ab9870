"""What seeds have found, each as a story of a few steps."""

from collections.abc import Callable

import pytest

from agent.domain.command import Command, Input, Lane
from router.domain.command import ChatRef
from router.domain.errors import Reason, Refusal
from router.domain.frames import Result, ResultOutcome
from router.domain.notification import Kind, Notification
from router.link.hub import Link
from router.services.outbox.couriers import Courier
from router.store.database import Transaction
from tests.sim.disks import Disk
from tests.sim.ends import AgentEnd, RouterEnd, Time, Wire
from tests.sim.loop import run
from tests.sim.plants import Plant
from tests.sim.world import Size, World, fresh_agent_disk, router_disk

CHAT = ChatRef("telegram", "c0")


def new_router() -> RouterEnd:
    return RouterEnd(Disk(router_disk(1)), Time())


def linked(router: RouterEnd, forgotten: int = 0) -> Link:
    """A link of an agent whose outbox has forgotten so many frames that were acknowledged."""
    agent = AgentEnd(Disk(fresh_agent_disk("i")), router.time, "process")
    agent.connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('outbox', ?)", (forgotten,))
    wire = Wire(router, agent)
    wire.bring_up()
    assert wire.link is not None
    return wire.link


def result(number: int) -> Result:
    return Result(number, f"unknown-{number}", ResultOutcome.DONE, Reason.UNSPECIFIED, "", None)


def acked(router: RouterEnd) -> int:
    return router.rows("SELECT upstream_acked FROM machines")[0][0]


def refused(router: RouterEnd, operation: Callable[[Transaction], object]) -> None:
    """The operation ran, and the disk did not take it."""
    router.disk.trouble = "full"
    with pytest.raises(Refusal):
        router.write(operation)
    router.disk.trouble = ""


def test_a_word_behind_one_that_the_disk_refused_is_not_acknowledged() -> None:
    router = new_router()
    link, upstream = linked(router), router.router.servicers.links._services.upstream
    router.write(lambda tx: upstream.take(tx, link, [result(1)]))

    # Number 2 never reached the disk; 3 was on its way on the same link.
    router.write(lambda tx: upstream.take(tx, link, [result(3)]))

    assert acked(router) == 1


def test_an_outbox_that_begins_behind_a_gap_is_heard() -> None:
    """A router put back from a copy acknowledges less than the machine has already forgotten."""
    router = new_router()
    link, upstream = linked(router, forgotten=6), router.router.servicers.links._services.upstream

    router.write(lambda tx: upstream.take(tx, link, [result(7)]))
    router.write(lambda tx: upstream.take(tx, link, [result(8)]))

    assert acked(router) == 8


def test_a_chat_whose_wait_ended_on_a_sick_disk_is_served_when_it_is_well() -> None:
    router, courier = new_router(), Courier("telegram", 1)
    outbox = router.router._outbox
    note = Notification("n1", "", CHAT, Kind.ANSWER, "text", "", router.time.now())
    router.write(lambda tx: outbox.open(tx, courier, [CHAT]))
    router.write(lambda tx: outbox.add(tx, note, "test"))
    router.write(lambda tx: outbox.retry_later(tx, courier, "n1", 1, "not now", 2.0))
    router.time.passed += 3.0

    refused(router, outbox.release_held)
    router.write(outbox.release_held)

    assert [delivery.notification.attempt for delivery in courier.ready] == [1, 2]


def begun(identity: str) -> bytes:
    """A disk on which a text was begun."""
    agent = AgentEnd(Disk(fresh_agent_disk(identity)), Time(), "process")
    agent.inbox.store([Command("c1", "m0-s0", 0, 1, Lane.NORMAL, Input("text"))], agent.time.now()).result()
    agent.start("c1")
    return agent.disk.keep()


@pytest.mark.parametrize("in_this_life", [True, False], ids=["in this life", "on an old copy"])
def test_a_death_puts_in_doubt_what_was_begun_in_that_life(*, in_this_life: bool) -> None:
    """Not what an old copy has as begun: an agent that dies before it has looked at it types nothing of it."""

    async def story() -> None:
        world = World(0, Size(machines=1, sessions=1), Plant())
        agent = world.agents["m0"]
        if not in_this_life:
            agent.disk.content = begun("i")
        agent.start()
        if in_this_life:
            agent.disk.content = begun("i")
        world.over = True
        agent.life.kill()
        doubtful.update(world.record.doubtful)

    doubtful: set[str] = set()
    assert run(story()) == []
    assert doubtful == ({"text"} if in_this_life else set())
