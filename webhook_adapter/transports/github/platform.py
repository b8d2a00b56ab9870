"""GitHub with all its parts, as the table of platforms lists it."""

from collections.abc import Callable

from flask import Blueprint

from pointsman.client.bindings import Binding
from webhook_adapter.config import ConfigError
from webhook_adapter.transports.github.inbound.access import Commanders
from webhook_adapter.transports.github.inbound.intake import GITHUB, Intake
from webhook_adapter.transports.github.inbound.permission import permission_by
from webhook_adapter.transports.github.inbound.webhook import create_blueprint
from webhook_adapter.transports.github.outbound.client import GitHubClient
from webhook_adapter.transports.github.outbound.route import route
from webhook_adapter.transports.github.settings import APP, GitHubSettings, from_environ
from webhook_adapter.transports.lifecycle import Handled
from webhook_adapter.transports.platform import Host, Platform, Route


def webhook(host: Host) -> Blueprint | None:
    """Where deliveries come in; None without an App. It is served where they are fetched, too."""
    settings = from_environ(host.config.environ)
    if settings is None:
        return None
    return create_blueprint(settings.app, way_in(host, settings, client_of(settings)))


def client_of(settings: GitHubSettings) -> GitHubClient:
    """Calls GitHub as that App. Raises ConfigError."""
    try:
        return GitHubClient(settings.app.app_id, settings.app.private_key, settings.api)
    except ValueError:
        raise ConfigError(f"{APP}: the private key in that file is none") from None


def way_in(host: Host, settings: GitHubSettings, client: GitHubClient) -> Callable[[str, object], Handled]:
    """Takes an event and its payload, however they came. Raises RouterError or Unknown when they must come again."""

    def bindings(transport: str) -> list[Binding]:
        return host.router.own.bindings(transport)  # only now: nothing connects before it is needed

    commanders = Commanders(permission_by(client), host.clock.monotonic)
    intake = Intake(settings.app.app_id, settings.mention, bindings, commanders, host.router.submit)
    return lambda event, payload: host.lifecycle.handle(GITHUB, lambda: intake.receive(event, payload))


def start_courier(host: Host) -> Route | None:
    """The way out; None without an App. Raises ConfigError."""
    settings = from_environ(host.config.environ)
    try:
        return route(host, settings) if settings else None
    except ValueError:
        raise ConfigError(f"{APP}: the private key in that file is none") from None


GITHUB_PLATFORM = Platform(GITHUB, webhook, start_courier)
