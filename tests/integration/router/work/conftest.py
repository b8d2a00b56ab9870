"""A machine with a session at work, and a chat that asked to see it."""

from collections.abc import Iterator

import pytest

from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.work.working import Worker, setting
from tests.rigs.thin_agent import ThinAgent
from tests.rigs.thin_courier import ThinCourier


@pytest.fixture
def agent(router: RouterUnderTest) -> ThinAgent:
    return router.machine("devbox")


@pytest.fixture
def session(router: RouterUnderTest, agent: ThinAgent) -> str:
    return router.session(agent, "api")


@pytest.fixture
def worker(router: RouterUnderTest, agent: ThinAgent, session: str) -> Iterator[Worker]:
    with agent.connected() as link:
        yield Worker(router, link, session)


@pytest.fixture
def progress(router: RouterUnderTest, courier: ThinCourier) -> None:
    assert setting(router, courier, "progress").startswith("Progress")


@pytest.fixture
def everything(router: RouterUnderTest, courier: ThinCourier) -> None:
    assert setting(router, courier, "everything").startswith("Everything")
