"""The web console as a platform: its pages, and its chat."""

from webhook_adapter.console.api import CHAT_ID
from webhook_adapter.console.blueprint import create_blueprint
from webhook_adapter.transports.platform import Platform, Route
from webhook_adapter.transports.web.transport import WebTransport

WEB = Platform(
    "web",
    lambda host: create_blueprint(host.config, host.router),
    lambda _host: Route(WebTransport(), (CHAT_ID,)),
)
