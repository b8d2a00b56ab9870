"""The web console as a platform: its pages, and its chat."""

from collections.abc import Iterable
from dataclasses import dataclass

from flask import Blueprint

from pointsman.client.control import Control
from webhook_adapter.console.api import CHAT_ID
from webhook_adapter.console.blueprint import create_blueprint
from webhook_adapter.json_bodies import InvalidRequest
from webhook_adapter.model import Browser, Shown, Submission, Submitted, Subscription
from webhook_adapter.transports.platform import Host, Platform, Route
from webhook_adapter.transports.push.service import Forbidden, check_endpoint
from webhook_adapter.transports.push.vapid import Vapid
from webhook_adapter.transports.transport import Delivered, Outgoing, SendOutcome


class WebTransport:
    """Takes everything at once: the page reads the router's notifications itself, and knows each by its id."""

    name = "web"

    def send(self, message: Outgoing) -> SendOutcome:
        """Bring one message."""
        return Delivered((message.notification_id,))


@dataclass(frozen=True, slots=True)
class _Router:
    """The router as the pages see it: what they hand in goes the way of all events."""

    host: Host

    @property
    def own(self) -> Control:
        return self.host.router.own

    def file_parts(self, notification_id: str, file_id: str) -> Iterable[bytes]:
        return self.host.router.file_parts(notification_id, file_id)

    def put_file(self, file_id: str, number: int, data: bytes) -> None:
        self.host.router.put_file(file_id, number, data)

    def submit(self, submission: Submission) -> Submitted:
        return self.host.submit(submission)

    def report_refusal(self, door: str, peer: str) -> None:
        self.host.router.report_refusal(door, peer)

    def open_browser(self, login_id: str, lifetime: float, shown: Shown, label: str) -> None:
        self.host.router.open_browser(login_id, lifetime, shown, label)

    def browser(self, login_id: str) -> Browser:
        return self.host.router.browser(login_id)

    def close_browser(self, login_id: str) -> None:
        self.host.router.close_browser(login_id)

    def begin_passkey(self, login_id: str, *, code: str = "", notification_id: str = "") -> str:
        return self.host.router.begin_passkey(login_id, code=code, notification_id=notification_id)

    def add_passkey(self, login_id: str, code: str, credential: str) -> None:
        self.host.router.add_passkey(login_id, code, credential)

    def push_public_key(self) -> str:
        return Vapid(self.host.router.push_key()).public_key

    def subscribe(self, login_id: str, to: Subscription, quiet_hours: str) -> str:
        try:
            check_endpoint(to.endpoint, private=self.host.config.private_push)
        except Forbidden as error:
            raise InvalidRequest(f"endpoint cannot be called: {error}") from None
        return self.host.router.subscribe(login_id, to, quiet_hours)

    def unsubscribe(self, login_id: str) -> None:
        self.host.router.unsubscribe(login_id)

    def look(self, login_id: str, session_id: str) -> None:
        self.host.router.look(login_id, session_id)

    def mark_read(self, login_id: str, session_id: str, notification_id: str) -> None:
        self.host.router.mark_read(login_id, session_id, notification_id)

    def read_marks(self, login_id: str) -> dict[str, str]:
        return self.host.router.read_marks(login_id)

    def is_admin(self, api_key: str) -> bool:
        return self.host.router.is_admin(api_key)


def pages(host: Host) -> Blueprint:
    """The console, whatever the settings."""
    return create_blueprint(host.config, _Router(host))


# Whatever the settings: the console is the way in when no chat works.
WEB = Platform("web", pages, lambda _host: Route(WebTransport(), (CHAT_ID,)))
