"""Hooks around what comes in over HTTP: on every platform, and never in a message's way."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.integration.router.harness import API_KEY
from tests.rigs.adapter import CHAT, SECRET_HEADER, WEBHOOK, environment
from tests.rigs.faulty_router import NO_STORAGE, FaultyRouter
from webhook_adapter.config import AdapterConfig
from webhook_adapter.router.client import RouterClient
from webhook_adapter.transports.lifecycle import Event, Handled, Hook, Lifecycle
from webhook_adapter.transports.platform import Host
from webhook_adapter.transports.telegram.platform import webhook

UPDATE = {
    "update_id": 1,
    "message": {"message_id": 50, "date": 1, "chat": {"id": CHAT}, "from": {"id": CHAT}, "text": "hello"},
}


class Clumsy(Hook):
    """Stumbles whatever it sees."""

    def before(self, event: Event) -> None:
        raise LookupError(event.transport)

    def after(self, event: Event, handled: Handled) -> None:
        raise LookupError(event.transport, handled)


def test_a_hook_that_raises_loses_no_message(router: FaultyRouter, router_client: RouterClient) -> None:
    config = AdapterConfig.from_environ(environment(router.address))
    blueprint = webhook(Host(config, router_client, lifecycle=Lifecycle(Clumsy())))
    app = Flask("app")
    app.register_blueprint(blueprint or pytest.fail("no bot"))

    answer = app.test_client().post(WEBHOOK, headers=SECRET_HEADER, json=UPDATE)

    assert (answer.status_code, list(router.door.submitted)) == (200, ["telegram:4711:1"])


def test_the_line_about_an_update_has_the_id_that_the_answer_has(
    http: FlaskClient, router: FaultyRouter, caplog: pytest.LogCaptureFixture
) -> None:
    router.door.faults["Submit"] = NO_STORAGE

    answer = http.post(WEBHOOK, headers={**SECRET_HEADER, "X-Request-ID": "from-the-proxy"}, json=UPDATE)

    assert (answer.status_code, answer.headers["X-Request-ID"]) == (503, "from-the-proxy")
    assert "telegram event not stored id=from-the-proxy code=STORAGE_UNAVAILABLE" in caplog.text


def test_figures_count_what_became_of_events(http: FlaskClient, router: FaultyRouter) -> None:
    for _ in range(2):
        http.post(WEBHOOK, headers=SECRET_HEADER, json=UPDATE)
    router.door.faults["Submit"] = NO_STORAGE
    http.post(WEBHOOK, headers=SECRET_HEADER, json=UPDATE | {"update_id": 2})

    figures = http.get("/metrics", headers={"X-API-Key": API_KEY}).text
    counted = [line for line in figures.splitlines() if line.startswith("pointsman_updates_total")]
    assert sorted(counted) == [
        f'pointsman_updates_total{{outcome="{outcome}",transport="telegram"}} 1.0'
        for outcome in ("duplicate", "stored", "unavailable")
    ]
