"""The application over the real router, both real, in this process."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from agentlink.v1.types_pb2 import ChatRef
from flask.testing import FlaskClient

from tests.integration.router.let_in import let_follow, let_in
from tests.rigs.adapter import environment
from tests.rigs.faulty_router import FaultyRouter
from webhook_adapter.config import AdapterConfig
from webhook_adapter.http.app import create_app
from webhook_adapter.router.client import RouterClient

CHATS = ("99", "-100123", "@ops_room")  # that a message may name


@pytest.fixture
def router(data_dir: Path) -> Iterator[FaultyRouter]:
    with FaultyRouter(data_dir) as router:
        router.add_session("s1", "devbox", "api")
        let_follow(router.real.write, "s1", *(ChatRef(transport="telegram", chat_id=chat) for chat in CHATS))
        let_in(router.real.write, ChatRef(transport="web", chat_id="console"))
        yield router


@pytest.fixture
def router_client(router: FaultyRouter) -> Iterator[RouterClient]:
    client = RouterClient(AdapterConfig.from_environ(environment(router.address)))
    yield client
    client.close()


@pytest.fixture
def http(router: FaultyRouter, router_client: RouterClient) -> FlaskClient:
    return create_app(AdapterConfig.from_environ(environment(router.address)), router_client).test_client()
