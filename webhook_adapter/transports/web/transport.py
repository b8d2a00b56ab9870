"""The web console as a chat: the page reads the router's notifications itself, so bringing one is knowing its id."""

from webhook_adapter.transports.transport import Delivered, Outgoing, SendOutcome


class WebTransport:
    """Takes everything at once; a message's id is its notification's."""

    name = "web"

    def send(self, message: Outgoing) -> SendOutcome:
        """Bring one message."""
        return Delivered((message.notification_id,))
