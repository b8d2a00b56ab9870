"""A machine that is linked, a session of it, and a courier that knows its chat."""

from collections.abc import Iterator

import pytest

from tests.integration.router.harness import RouterUnderTest, fresh
from tests.integration.router.permissions.asking import ask
from tests.rigs.thin_agent import ThinAgent, ThinLink
from tests.rigs.thin_courier import ThinCourier


@pytest.fixture
def link(agent: ThinAgent) -> Iterator[ThinLink]:
    with agent.connected() as link:
        yield link


@pytest.fixture
def session(router: RouterUnderTest, agent: ThinAgent) -> str:
    return router.session(agent, "api")


@pytest.fixture
def transport() -> str:
    return fresh("platform")


@pytest.fixture
def courier(router: RouterUnderTest, transport: str) -> Iterator[ThinCourier]:
    with router.courier(transport, "1") as courier:
        yield courier.connected()


@pytest.fixture
def asked(link: ThinLink, session: str) -> str:
    """The id of an open question that nobody was shown yet."""
    return ask(link, session)
