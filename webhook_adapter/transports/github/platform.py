"""GitHub with all its parts, as the table of platforms lists it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from flask import Blueprint

from pointsman.client.bindings import Binding
from webhook_adapter.config import ConfigError
from webhook_adapter.transports.github.app_setup import site
from webhook_adapter.transports.github.inbound.access import Commanders, Unknown
from webhook_adapter.transports.github.inbound.intake import GITHUB, Choice, Intake
from webhook_adapter.transports.github.inbound.lifecycle import GitHubLifecycle
from webhook_adapter.transports.github.inbound.permission import permission_by
from webhook_adapter.transports.github.inbound.progress import ProgressFile
from webhook_adapter.transports.github.inbound.sweep import POLL_S, SWEEP_S, Sweep
from webhook_adapter.transports.github.inbound.upkeep import LOOK_S, Upkeep
from webhook_adapter.transports.github.inbound.webhook import create_blueprint
from webhook_adapter.transports.github.inbound.workspaces import places_by
from webhook_adapter.transports.github.outbound.client import GitHubClient, GitHubError
from webhook_adapter.transports.github.outbound.options import Choices
from webhook_adapter.transports.github.outbound.route import client_of, route
from webhook_adapter.transports.github.settings import APP, GitHubSettings, from_environ
from webhook_adapter.transports.lifecycle import Handled
from webhook_adapter.transports.platform import Host, Platform, Route

_NO_KEY = f"{APP}: the private key in that file is none"


def webhook(host: Host) -> Blueprint | None:
    """Where deliveries come in; None without an App. It is served where they are fetched, too. Raises ConfigError."""
    settings = from_environ(host.config.environ)
    if settings is None:
        return None
    try:
        return create_blueprint(settings.app, way_in(host, settings, client_of(host, settings)))
    except ValueError:
        raise ConfigError(_NO_KEY) from None


def start_courier(host: Host) -> Route | None:
    """The way out, and the log of deliveries as a way in; None without an App. Raises ConfigError."""
    settings = from_environ(host.config.environ)
    if settings is None:
        return None
    try:
        way_out, client = route(host, settings), client_of(host, settings)
    except ValueError:
        raise ConfigError(_NO_KEY) from None
    beside = {"github-log": _fetching(host, settings, client), "github-upkeep": _looking_after(host, client)}
    return replace(way_out, beside={**way_out.beside, **beside})


def way_in(host: Host, settings: GitHubSettings, client: GitHubClient) -> Callable[[str, object], Handled]:
    """Takes an event and its payload, however they came. Raises RouterError or Unknown when they must come again."""

    def bindings() -> list[Binding]:
        return host.router.own.bindings(GITHUB)  # only now: nothing connects before it is needed

    commanders = Commanders(permission_by(client), host.clock.monotonic)
    app = settings.app
    choice = choice_by(Choices(client, app.app_id, f"{app.slug}[bot]"))
    places, submit = places_by(client, site(settings.api)), host.router.submit
    turned = GitHubLifecycle(app.app_id, client, lambda: host.router.own, submit).take
    intake = Intake(
        app.app_id, settings.mention, bindings, commanders, submit, choice=choice, places=places, turned=turned
    )
    return lambda event, payload: host.lifecycle.handle(GITHUB, lambda: intake.receive(event, payload))


def choice_by(choices: Choices) -> Choice:
    """Asks GitHub what was offered."""

    def choice(chat_id: str, command: str, written_at: datetime | None, comment_id: int) -> tuple[str, str] | None:
        try:
            return choices.chosen(chat_id, command, written_at, comment_id)
        except GitHubError as error:
            raise Unknown(str(error)) from None

    return choice


def _fetching(host: Host, settings: GitHubSettings, client: GitHubClient) -> Callable[[], None]:
    """Goes through the log: often, where nobody can call us."""
    every = SWEEP_S if host.config.public_url else POLL_S
    take, file = way_in(host, settings, client), ProgressFile(settings.progress)
    return lambda: Sweep(client, take, file, host.stop, every).run()


def _looking_after(host: Host, client: GitHubClient) -> Callable[[], None]:
    """Asks whether what workspaces are for is over."""

    def run() -> None:
        looking = Upkeep(client, lambda: host.router.own, host.clock)
        while not host.stop.wait(LOOK_S):
            looking.look()

    return run


GITHUB_PLATFORM = Platform(GITHUB, webhook, start_courier)
