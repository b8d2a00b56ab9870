"""What a session is saying reaches those who want it as it comes, and nobody else; none of it is kept."""

from collections.abc import Iterator
from typing import Any

import pytest
from agentlink.v1 import session_events_pb2 as pb

from router.services import deltas
from tests.integration.router.harness import RouterUnderTest
from tests.rigs.thin_agent import ThinAgent, ThinLink
from tests.rigs.told_events import kept, tell, watching


@pytest.fixture
def agent(router: RouterUnderTest) -> ThinAgent:
    return router.machine("devbox")


@pytest.fixture
def link(agent: ThinAgent) -> Iterator[ThinLink]:
    with agent.connected(capabilities=["deltas"]) as link:
        yield link


def saying(link: ThinLink, session: str, text: str, answer: str = "m1.0", before: int = 0) -> None:
    link.frame(said_delta=pb.SaidDelta(session_id=session, answer_id=answer, before=before, text=text))


def next_delta(watch: Any) -> pb.SaidDelta:
    return next(one.delta for one in watch if one.HasField("delta"))


def test_it_is_asked_for_and_given_on(router: RouterUnderTest, link: ThinLink, session: str) -> None:
    watch = watching(router, session, deltas=True)
    wanted = link.take("deltas_wanted")
    saying(link, wanted.session_id, "I look at ", before=7)
    delta = next_delta(watch)
    watch.cancel()

    assert (wanted.session_id, wanted.seconds) == (session, deltas.LEASE)
    assert delta == pb.SaidDelta(answer_id="m1.0", before=7, text="I look at ")
    assert kept(router, session) == []


def test_who_did_not_want_it_gets_events_alone(router: RouterUnderTest, link: ThinLink, session: str) -> None:
    wants, does_not = watching(router, session, deltas=True), watching(router, session)
    link.take("deltas_wanted")
    saying(link, session, "I look at ")
    next_delta(wants)
    tell(link, session, 1, "I look at it.")
    first = next(does_not)
    for watch in (wants, does_not):
        watch.cancel()

    assert first.event.said.text == "I look at it."
    assert not first.HasField("delta")


def test_a_machine_is_asked_again_and_on_each_link(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected(capabilities=["deltas"]) as link:
        watch = watching(router, session, deltas=True)
        link.take("deltas_wanted")
        router.advance(deltas.AGAIN + deltas.LOOK_EVERY + 1)
        link.take("deltas_wanted")
    with agent.connected(capabilities=["deltas"]) as link:
        router.advance(deltas.LOOK_EVERY + 1)
        link.take("deltas_wanted")
        saying(link, session, "back ")
        assert next_delta(watch).text == "back "
    watch.cancel()


def test_a_machine_that_cannot_tell_is_not_asked(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with agent.connected() as link:
        watch = watching(router, session, deltas=True)
        tell(link, session, 1, "whole")
        assert next(watch).event.said.text == "whole"
        watch.cancel()

        assert link.waiting("deltas_wanted") == 0


def test_what_another_machine_says_of_a_session_is_nothing(
    router: RouterUnderTest, link: ThinLink, session: str
) -> None:
    watch = watching(router, session, deltas=True)
    link.take("deltas_wanted")
    with router.machine("other").connected(capabilities=["deltas"]) as other:
        saying(other, session, "a lie ")
        other.heard()
    router.advance(1)
    saying(link, session, "the truth ")
    delta = next_delta(watch)
    watch.cancel()

    assert delta.text == "the truth "


def test_what_is_too_long_is_refused(router: RouterUnderTest, link: ThinLink, session: str) -> None:
    watch = watching(router, session, deltas=True)
    link.take("deltas_wanted")
    saying(link, session, "x" * 4097)
    error = link.take("frame_error")
    watch.cancel()

    assert "4096 characters" in error.status.message
