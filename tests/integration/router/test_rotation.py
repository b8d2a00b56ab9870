"""Every link is renewed about once an hour; a resume that happens every day is one that works."""

import grpc
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent, ThinLink, ids
from tests.waiting import wait_until

BEAT = 25.0  # seconds between signs of life: below every timeout


def lived(router: RouterUnderTest, link: ThinLink, seconds: float) -> None:
    """Let time pass on a link that shows signs of life."""
    for _ in range(round(seconds / BEAT)):
        router.advance(BEAT)
        link.heard()


def drained(router: RouterUnderTest, agent: ThinAgent) -> ThinLink:
    """A link whose hour is over and that was asked to go. Somebody must end it."""
    link = agent.dial()
    link.welcome()
    lived(router, link, 3_225)
    for _ in range(150):  # steps of 5 s, as from the word on it has 10 s to go
        router.advance(5)
        link.heard()
        if link.waiting("drain"):
            break
    assert link.take("drain").deadline.seconds == 10
    return link


def test_for_the_best_part_of_an_hour_a_link_is_left_alone(router: RouterUnderTest, agent: ThinAgent) -> None:
    with agent.connected() as link:
        lived(router, link, 3_225)

        assert link.waiting("drain") == 0


def test_after_about_an_hour_the_agent_is_asked_to_come_again(router: RouterUnderTest, agent: ThinAgent) -> None:
    link = drained(router, agent)
    link.goodbye()

    with agent.connected() as next_:
        assert next_.epoch == link.epoch + 1


def test_what_comes_meanwhile_waits_for_the_next_link_and_blames_nobody(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    link = drained(router, agent)
    meanwhile = [router.send(session, f"{number}").command_id for number in range(3)]
    link.heard()
    on_the_old = link.waiting()
    link.goodbye()

    with agent.connected() as next_:
        frames = next_.commands(3)

    assert on_the_old == 0
    assert ids(frames) == meanwhile
    assert {frame.attempt for frame in frames} == {1}


def test_what_was_on_its_way_is_confirmed_on_the_old_link_or_sent_on_the_next(
    router: RouterUnderTest, agent: ThinAgent, session: str
) -> None:
    link = agent.dial()
    agent.last_epoch = link.welcome().link_epoch
    lived(router, link, 3_225)
    confirmed, open_ = (router.send(session, text).command_id for text in ("1", "2"))
    link.commands(2)
    link.receipt(confirmed)
    router.advance(20)
    wait_until(lambda: router.command(confirmed).state == types.COMMAND_STATE_RECEIVED)
    link.goodbye()

    with agent.connected() as next_:
        [frame] = next_.commands(1)
        next_.heard()

        assert (frame.command_id, frame.attempt) == (open_, 2)
        assert next_.waiting() == 0


def test_an_agent_that_does_not_leave_is_put_out(router: RouterUnderTest, agent: ThinAgent) -> None:
    link = drained(router, agent)
    router.advance(11)
    code, error = link.ended()
    link.lose()

    assert code is grpc.StatusCode.UNAVAILABLE
    assert error
    assert reason_of(error) == "DRAINING"
