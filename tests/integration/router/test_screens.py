"""A look at a terminal: asked of its machine, answered at once, or with the reason."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import session_events_pb2 as events_pb
from agentlink.v1 import types_pb2 as types

from router.services import screens
from tests.integration.router.harness import LIMIT, RouterUnderTest
from tests.rigs.rpc_errors import reason_of
from tests.rigs.thin_agent import ThinAgent, ThinLink
from tests.waiting import wait_until


@pytest.fixture
def link(agent: ThinAgent) -> Iterator[ThinLink]:
    with agent.connected(capabilities=["screen"]) as link:
        yield link


@contextmanager
def looking(router: RouterUnderTest, session_id: str, times: int = 1) -> Iterator[list[Future[pb.ScreenResponse]]]:
    """So many who look."""
    request = pb.ScreenRequest(session_id=session_id)
    with ThreadPoolExecutor(times) as at_once:
        yield [at_once.submit(router.control.Screen, request, timeout=LIMIT) for _ in range(times)]


def refusal(look: "Future[pb.ScreenResponse]") -> str:
    with pytest.raises(grpc.RpcError) as refused:
        look.result(LIMIT)
    return reason_of(refused.value)


def answer(link: ThinLink, query_id: int, text: str = "", **more: object) -> None:
    link.frame(screen=events_pb.Screen(query_id=query_id, text=text, **more))  # type: ignore[arg-type]


def test_the_machine_is_asked_and_its_answer_given_on(router: RouterUnderTest, link: ThinLink, session: str) -> None:
    with looking(router, session) as [look]:
        asked = link.take("screen_query")
        answer(link, asked.query_id, "$ \x1b[31mls")

        assert asked.session_id == session
        assert look.result(LIMIT).text == "$ \x1b[31mls"


def test_two_who_look_get_each_their_own(router: RouterUnderTest, link: ThinLink, session: str) -> None:
    with looking(router, session, 2) as looks:
        first, second = link.take("screen_query"), link.take("screen_query")
        answer(link, second.query_id, "second")
        answer(link, first.query_id, "first")

        assert sorted(look.result(LIMIT).text for look in looks) == ["first", "second"]


def test_the_reason_of_the_machine_is_given_on(router: RouterUnderTest, link: ThinLink, session: str) -> None:
    with looking(router, session) as [look]:
        answer(link, link.take("screen_query").query_id, reason=types.REASON_TARGET_GONE, detail="the pane is gone")

        assert refusal(look) == "TARGET_GONE"


def test_a_machine_that_does_not_answer_is_waited_for_some_seconds(
    router: RouterUnderTest, link: ThinLink, session: str
) -> None:
    with looking(router, session) as [look]:
        late = link.take("screen_query")
        router.advance(screens.PATIENCE + 1)

        assert refusal(look) == "SCREEN_SILENT"
    answer(link, late.query_id, "too late")
    link.heard()


def test_an_answer_of_another_machine_is_none(router: RouterUnderTest, link: ThinLink, session: str) -> None:
    with router.machine().connected(capabilities=["screen"]) as other, looking(router, session) as [look]:
        asked = link.take("screen_query")
        answer(other, asked.query_id, "forged")
        other.heard()
        answer(link, asked.query_id, "true")

        assert look.result(LIMIT).text == "true"


def test_too_large_a_screen_is_refused_and_the_link_goes_on(
    router: RouterUnderTest, link: ThinLink, session: str
) -> None:
    with looking(router, session) as [look]:
        asked = link.take("screen_query")
        answer(link, asked.query_id, "x" * 65_537)
        assert link.take("frame_error").status.message
        answer(link, asked.query_id, "x" * 65_536)

        assert len(look.result(LIMIT).text) == 65_536


def test_more_than_some_at_once_are_told_to_come_again(router: RouterUnderTest, link: ThinLink, session: str) -> None:
    with looking(router, session, screens.MOST_AT_ONCE + 1) as looks:
        queries = [link.take("screen_query") for _ in range(screens.MOST_AT_ONCE)]
        wait_until(lambda: any(look.done() for look in looks))
        [busy] = [look for look in looks if look.done()]
        assert refusal(busy) == "BUSY"
        for query in queries:
            answer(link, query.query_id, "there")


def test_where_nobody_is_asked_the_reason_is_told(router: RouterUnderTest, agent: ThinAgent, session: str) -> None:
    with looking(router, session) as [look]:
        assert refusal(look) == "MACHINE_AWAY"
    with agent.connected(), looking(router, session) as [look]:
        assert refusal(look) == "UNSUPPORTED"
    with agent.connected(capabilities=["screen"]) as link:
        router.control.UnregisterSession(pb.UnregisterSessionRequest(session_id=session))
        with looking(router, session) as [look]:
            assert refusal(look) == "SESSION_ENDED"
        assert link.waiting("screen_query") == 0
    with looking(router, "nobody") as [look]:
        assert refusal(look) == "SESSION_UNKNOWN"
