"""When a machine was last heard of: whatever it says counts, a heartbeat too, and people see it at once."""

from datetime import UTC

from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.fakes.thin_agent import ThinAgent
from tests.integration.router.harness import RouterUnderTest
from tests.waiting import wait_until

NEAR = 8.0  # seconds that a busy computer may take for a few calls


def machine(router: RouterUnderTest, agent: ThinAgent) -> types.Machine:
    found = router.control.ListMachines(pb.ListMachinesRequest()).machines
    return next(each for each in found if each.machine_id == agent.machine_id)


def shown(router: RouterUnderTest, agent: ThinAgent) -> float:
    """How many seconds ago people are told that it was heard of."""
    return router.time.now() - machine(router, agent).last_seen_at.ToDatetime(UTC).timestamp()


def on_disk(router: RouterUnderTest, agent: ThinAgent) -> float:
    """What a router would know of it that was killed now."""
    sql = "SELECT last_seen_at FROM machines WHERE machine_id = ?"
    at = router.read(lambda connection: connection.execute(sql, (agent.machine_id,)).fetchone()[0])
    return router.time.now() - float(at)


def test_a_heartbeat_counts_while_the_link_is_up(router: RouterUnderTest, agent: ThinAgent) -> None:
    with agent.connected() as link:
        router.advance(40)
        silent = shown(router, agent)
        link.heard()

        assert silent >= 40
        assert shown(router, agent) < NEAR


def test_a_heartbeat_is_not_a_write(router: RouterUnderTest, agent: ThinAgent) -> None:
    with agent.connected() as link:
        router.advance(40)
        link.heard()

        assert on_disk(router, agent) >= 40


def test_a_machine_that_left_was_last_heard_of_then(router: RouterUnderTest, agent: ThinAgent) -> None:
    with agent.connected() as link:
        router.advance(40)
        link.heard()
    wait_until(lambda: not machine(router, agent).connected)
    router.advance(100)

    assert 100 <= shown(router, agent) < 100 + NEAR


def test_a_machine_that_was_cut_off_was_last_heard_of_by_its_last_word(
    router: RouterUnderTest, agent: ThinAgent
) -> None:
    link = agent.dial()
    link.welcome()
    router.advance(40)
    link.heard()
    router.advance(30)
    link.lose()
    wait_until(lambda: not machine(router, agent).connected)

    assert 30 <= shown(router, agent) < 30 + NEAR


def test_a_router_that_is_killed_knows_it_but_for_a_minute_and_a_heartbeat(
    router: RouterUnderTest, agent: ThinAgent
) -> None:
    with agent.connected() as link:
        for _ in range(4):
            router.advance(30)
            link.heard()

        assert wait_until(lambda: on_disk(router, agent) <= 60 + 30)


def test_a_router_that_is_stopped_knows_it(router: RouterUnderTest, agent: ThinAgent) -> None:
    link = agent.dial()
    link.welcome()
    router.advance(40)
    link.heard()
    router.restart()
    link.lose()

    assert shown(router, agent) < 40


def test_a_machine_that_never_came_was_never_heard_of(router: RouterUnderTest, agent: ThinAgent) -> None:
    assert not machine(router, agent).HasField("last_seen_at")
