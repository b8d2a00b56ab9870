"""GitHub's way out, in the courier's process."""

import time

from pointsman.client.errors import RouterError
from webhook_adapter.transports.github.outbound.check_watch import CheckWatch
from webhook_adapter.transports.github.outbound.checks import Checks
from webhook_adapter.transports.github.outbound.client import GitHubClient
from webhook_adapter.transports.github.outbound.transport import GitHubTransport, Own
from webhook_adapter.transports.github.settings import GitHubSettings
from webhook_adapter.transports.platform import Host, Route

_SENDERS = 1
"""Writes come one at a time anyway; so what comes next is chosen by the router when it can leave, not before."""
_LOOK_S = 5.0


def client_of(host: Host, settings: GitHubSettings) -> GitHubClient:
    """Calls GitHub as that App. Raises ValueError where its key is none."""

    def name_of(repository_id: int) -> str:
        try:
            bound = {each.space: each.name for each in host.router.own.bindings("github")}
        except RouterError:
            return ""
        return bound.get(str(repository_id), "")

    app = settings.app
    return GitHubClient(app.app_id, app.private_key, settings.api, clock=host.clock, name_of=name_of)


def route(host: Host, settings: GitHubSettings) -> Route:
    """The way out. Raises ValueError where the App's key is none."""
    client, app = client_of(host, settings), settings.app
    checks = Checks(client, app.app_id, settings.mention, host.clock)
    own = Own(app.app_id, app.slug, settings.mention)

    def watch() -> None:
        looking = CheckWatch(checks, lambda ended: host.router.own.sessions(include_ended=ended), host.clock)
        while not host.stop.wait(_LOOK_S):
            looking.look()

    return Route(
        GitHubTransport(client, own, checks, host.clock, time.time),
        (),  # what is nobody's in particular is never said in public
        _SENDERS,
        {"github-checks": watch},
        client.rate_limits.end_within,
        client.close,
    )
