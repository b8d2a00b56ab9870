"""Two machines; on one of them two sessions with a coding agent in each, and the programs in them."""

from collections.abc import Iterator

import pytest
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest
from tests.integration.router.session_messages.talk import Talk
from tests.rigs.thin_agent import session


@pytest.fixture
def talk(router: RouterUnderTest) -> Iterator[Talk]:
    one, other = router.machine("devbox"), router.machine("laptop")
    idle = types.SESSION_STATE_IDLE
    here = [
        session("s-api", label="api", state=idle),
        session("s-web", label="web", state=idle),
        session("s-sh", label="sh", state=types.SESSION_STATE_UNSPECIFIED),
    ]
    there = [session("s-far", label="far", state=idle)]
    with one.connected(sessions=here) as link, other.connected(sessions=there) as far:
        link.heard()
        far.heard()
        yield Talk(router, one, other, link, far)
