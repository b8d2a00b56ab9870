"""Sessions that are started when their time comes."""

import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.deferral.refusing import refusal
from tests.integration.router.deferral.test_chat import say, waiting
from tests.integration.router.harness import RouterUnderTest
from tests.rigs.thin_agent import ThinAgent
from tests.rigs.thin_courier import ThinCourier
from tests.waiting import wait_until


@pytest.fixture
def able(router: RouterUnderTest) -> ThinAgent:
    """A machine that has said that it starts sessions."""
    agent = router.machine("devbox")
    with agent.connected(capabilities=["start"], start_folders=["~/src"]):
        pass
    return agent


def started(router: RouterUnderTest) -> list[types.Session]:
    return list(router.control.ListSessions(pb.ListSessionsRequest()).sessions)


@pytest.mark.usefixtures("able")
def test_each_time_starts_one_and_none_while_the_last_works(router: RouterUnderTest, courier: ThinCourier) -> None:
    said = say(router, courier, "/every 2h /new ~/src/api/ look at the failures").notification.text
    router.advance(7201)
    [first] = wait_until(lambda: started(router))
    router.advance(7201)
    wait_until(lambda: waiting(router)[0].occurrence == 2)
    while not (told := courier.brought("7").notification.text).startswith("⚠️"):
        pass

    assert "a new session on devbox: look at the failures" in said
    assert [each.session_id for each in started(router)] == [first.session_id]
    assert first.label == "api"
    assert "still works" in told


def test_a_start_needs_a_machine_that_can(router: RouterUnderTest, courier: ThinCourier, agent: ThinAgent) -> None:
    with agent.connected(capabilities=["files"]):
        pass  # it has said what it can, which is no start
    said = say(router, courier, "/every weekday 9:00 /new look").notification.text

    assert "starts no sessions" in said
    with refusal("UNSUPPORTED"):
        router.control.Defer(pb.DeferRequest(when="every day 9:00", task=types.DEFERRED_TASK_START, text="look"))
    assert waiting(router) == []
