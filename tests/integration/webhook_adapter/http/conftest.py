"""The application over a scripted router, both real, in this process."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from tests.fakes.adapter import environment
from tests.fakes.control import FakeRouter
from webhook_adapter.config import AdapterConfig
from webhook_adapter.http.app import create_app
from webhook_adapter.router.client import RouterClient


@pytest.fixture
def router() -> Iterator[FakeRouter]:
    with FakeRouter() as fake:
        fake.add_session("s1", "devbox", "api")
        yield fake


@pytest.fixture
def router_client(router: FakeRouter) -> Iterator[RouterClient]:
    client = RouterClient(AdapterConfig.from_environ(environment(router.address)))
    yield client
    client.close()


@pytest.fixture
def http(router: FakeRouter, router_client: RouterClient) -> FlaskClient:
    return create_app(AdapterConfig.from_environ(environment(router.address)), router_client).test_client()
