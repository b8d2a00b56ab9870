"""A router for each test: one starts and stops within 50 ms, so none is shared."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.integration.router.let_in import let_in
from tests.rigs.thin_agent import ThinAgent
from tests.rigs.thin_courier import ThinCourier

CHAT = types.ChatRef(transport="test", chat_id="1")  # the one that a message may name


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        let_in(router.write, CHAT)
        yield router


@pytest.fixture
def agent(router: RouterUnderTest) -> ThinAgent:
    """An enrolled machine."""
    return router.machine()


@pytest.fixture
def session(router: RouterUnderTest, agent: ThinAgent) -> str:
    """A session of that machine, as an operator registered it."""
    return router.session(agent)


@pytest.fixture
def courier(router: RouterUnderTest) -> Iterator[ThinCourier]:
    """What brings messages to the chats of a platform, one at a time."""
    with router.courier("test", "1") as courier:
        yield courier
