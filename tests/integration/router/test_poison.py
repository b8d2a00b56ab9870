"""A command that brings the agent down each time it arrives is given up, and nothing else with it."""

import pytest
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.rigs.thin_agent import ThinAgent, ThinLink, ids
from tests.waiting import wait_until


def restarted(router: RouterUnderTest, agent: ThinAgent, life: int) -> ThinLink:
    """A new process of the agent, after every backoff is over. Somebody must end its link."""
    router.advance(300)
    link = agent.dial(instance_id=f"life {life}")
    link.welcome()
    return link


def crashed(router: RouterUnderTest, agent: ThinAgent, life: int, count: int = 1) -> list[str]:
    """A process that dies of the first things it is sent; returns what they were."""
    link = restarted(router, agent, life)
    frames = link.commands(count)
    link.lose()
    wait_until(lambda: all(router.command(one).state == types.COMMAND_STATE_QUEUED for one in ids(frames)))
    return ids(frames)


def test_what_brought_the_agent_down_three_times_is_given_up(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    poison = router.send(session, "poison").command_id
    sent = [crashed(router, agent, life) for life in range(3)]
    link = restarted(router, agent, 3)
    link.heard()
    link.goodbye()
    dead = router.command(poison)

    assert sent == [[poison]] * 3
    assert (dead.state, dead.reason, dead.attempt) == (types.COMMAND_STATE_DEAD, types.REASON_POISON_SUSPECT, 3)
    assert "may have been typed" in dead.detail


def test_what_was_on_its_way_beside_the_poison_is_tried_alone_and_arrives(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    other = router.session(agent)
    poison, behind, beside = (
        router.send(where, text).command_id
        for where, text in [(session, "poison"), (session, "behind"), (other, "beside")]
    )

    sent = [crashed(router, agent, life, count) for life, count in enumerate([3, 1, 1])]
    link = restarted(router, agent, 3)
    arrived = [confirmed(router, link) for _ in range(2)]
    later = [router.send(session, f"{number}").command_id for number in range(3)]
    together = ids(link.commands(3))
    link.goodbye()

    assert sent == [[poison, behind, beside], [poison], [poison]]
    assert router.command(poison).reason == types.REASON_POISON_SUSPECT
    assert arrived == [behind, beside]
    assert [router.command(one).attempt for one in (poison, behind, beside)] == [3, 2, 2]
    assert together == later


def confirmed(router: RouterUnderTest, link: ThinLink) -> str:
    """The one command that is on its way, confirmed."""
    [frame] = link.commands(1)
    link.heard()
    assert link.waiting() == 0
    link.receipt(frame.command_id)
    wait_until(lambda: router.command(frame.command_id).state == types.COMMAND_STATE_RECEIVED)
    return frame.command_id


def test_a_process_that_only_loses_its_link_is_no_victim(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    command_id = router.send(session).command_id
    for _ in range(4):
        assert crashed(router, agent, 0) == [command_id]

    assert router.command(command_id).state == types.COMMAND_STATE_QUEUED


def test_a_process_that_dies_long_after_a_command_did_not_die_of_it(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    command_id = router.send(session).command_id
    for life in range(4):
        link = restarted(router, agent, life)
        link.commands(1)
        router.advance(11)
        link.lose()
        wait_until(lambda: router.command(command_id).state == types.COMMAND_STATE_QUEUED)

    assert router.command(command_id).state == types.COMMAND_STATE_QUEUED


@pytest.mark.parametrize("lives", [3])
def test_a_new_process_that_is_faster_than_the_news_of_the_old_ones_death_still_counts(
    router: RouterUnderTest, agent: ThinAgent, session: str, lives: int
) -> None:
    command_id = router.send(session).command_id
    links = [restarted(router, agent, 0)]
    for life in range(1, lives + 1):
        links[-1].commands(1)
        again = agent.dial(instance_id=f"life {life}", last_link_epoch=links[-1].epoch)
        links.append(again)  # the older stream still looks open
        links[-1].welcome()
        links[-1].heard()
        router.advance(9)
        router.settle()
    for link in links:
        link.lose()

    assert router.command(command_id).reason == types.REASON_POISON_SUSPECT
