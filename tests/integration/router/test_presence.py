"""When a machine was last heard of: whatever it says counts, a heartbeat too, and people see it at once."""

from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.rigs.thin_agent import ThinAgent, ThinLink
from tests.waiting import wait_until


def machine(router: RouterUnderTest, agent: ThinAgent) -> types.Machine:
    found = router.control.ListMachines(pb.ListMachinesRequest()).machines
    return next(each for each in found if each.machine_id == agent.machine_id)


def shown(router: RouterUnderTest, agent: ThinAgent) -> float:
    """When people are told that it was heard of."""
    return machine(router, agent).last_seen_at.ToNanoseconds() / 1e9


def on_disk(router: RouterUnderTest, agent: ThinAgent) -> float:
    """What a router would know of it that was killed now."""
    sql = "SELECT last_seen_at FROM machines WHERE machine_id = ?"
    return float(router.read(lambda connection: connection.execute(sql, (agent.machine_id,)).fetchone()[0]))


def beaten(router: RouterUnderTest, link: ThinLink) -> tuple[float, float]:
    """Let a machine say no more than that it lives; between when and when it did."""
    before = router.time.now()
    link.heard()
    return before, router.time.now()


def test_a_heartbeat_counts_while_the_link_is_up(router: RouterUnderTest, agent: ThinAgent) -> None:
    with agent.connected() as link:
        router.advance(40)
        silent = shown(router, agent)
        before, after = beaten(router, link)

        assert silent < before < shown(router, agent) < after


def test_a_heartbeat_is_not_a_write(router: RouterUnderTest, agent: ThinAgent) -> None:
    with agent.connected() as link:
        before = on_disk(router, agent)
        router.advance(40)
        beaten(router, link)

        assert on_disk(router, agent) == before


def test_a_machine_that_left_was_last_heard_of_then(router: RouterUnderTest, agent: ThinAgent) -> None:
    with agent.connected():
        router.advance(40)
        before = router.time.now()
    wait_until(lambda: not machine(router, agent).connected)
    after = router.time.now()
    router.advance(100)

    assert before < shown(router, agent) < after


def test_a_machine_that_was_cut_off_was_last_heard_of_by_its_last_word(
    router: RouterUnderTest, agent: ThinAgent
) -> None:
    link = agent.dial()
    link.welcome()
    router.advance(20)
    before, after = beaten(router, link)
    router.advance(30)
    link.lose()
    wait_until(lambda: not machine(router, agent).connected)

    assert before < shown(router, agent) < after


def test_a_router_that_is_killed_knows_it_but_for_a_minute_and_a_heartbeat(
    router: RouterUnderTest, agent: ThinAgent
) -> None:
    with agent.connected() as link:
        beats = []
        for _ in range(4):
            router.advance(30)
            beats.append(beaten(router, link))

        assert wait_until(lambda: on_disk(router, agent) >= beats[0][0])


def test_a_router_that_is_stopped_knows_it(router: RouterUnderTest, agent: ThinAgent) -> None:
    link = agent.dial()
    link.welcome()
    router.advance(40)
    before, after = beaten(router, link)
    router.restart()
    link.lose()

    assert before < shown(router, agent) < after


def test_a_machine_that_never_came_was_never_heard_of(router: RouterUnderTest, agent: ThinAgent) -> None:
    assert not machine(router, agent).HasField("last_seen_at")
