"""Web push as a platform. Its way in is the console: what a notification sends back comes with a browser's cookie."""

from webhook_adapter.transports.platform import Host, Platform, Route
from webhook_adapter.transports.push.transport import PushTransport

_SENDERS = 4


def route(host: Host) -> Route:
    """Whatever the settings: without a subscription there is nothing to bring."""
    return Route(PushTransport(host.router, host.clock, private=host.config.private_push), (), senders=_SENDERS)


PUSH = Platform("push", lambda _host: None, route)
