"""A console over a router in memory, with a clock that tests turn."""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.rigs.console_router import FakeRouter, a_session
from webhook_adapter.console.blueprint import create_blueprint
from webhook_adapter.console.login import login_link

API_KEY = "pmk_" + "k" * 43
START = 1_800_000_000.0


@dataclass
class Settings:
    api_key: str = API_KEY
    router: str = "127.0.0.1:7443"
    calls_a_second: int = 50
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def router() -> FakeRouter:
    router = FakeRouter()
    router.own.add_machine("devbox")
    router.own.add_session(a_session("s-1", label="api-refactor"))
    router.own.add_session(a_session("s-2", label="docs"))
    return router


@pytest.fixture
def app(router: FakeRouter, clock: Clock) -> Flask:
    app = Flask("console")
    app.register_blueprint(create_blueprint(Settings(), router, clock))
    return app


@pytest.fixture
def stranger(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def link(clock: Clock) -> str:
    """Path and query of a fresh login link."""
    return login_link("", API_KEY, clock.now)


@pytest.fixture
def client(app: Flask, link: str) -> FlaskClient:
    """Somebody who is logged in."""
    client = app.test_client()
    assert client.get(link).status_code == 200
    return client


@pytest.fixture
def csrf(client: FlaskClient) -> str:
    page = client.get("/console/").text
    return page.partition('<meta name="csrf-token" content="')[2].partition('"')[0]


Post = Callable[..., TestResponse]


@pytest.fixture
def post(client: FlaskClient, csrf: str) -> Post:
    """Post JSON as the page does: post("send", text="…")."""

    def send(path: str, **body: object) -> TestResponse:
        full = {"key": "6f1c2b9e-0000-4000-8000-000000000001"} | body
        return client.post(f"/console/api/{path}", json=full, headers={"X-CSRF-Token": csrf})

    return send
