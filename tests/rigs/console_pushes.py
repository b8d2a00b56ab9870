"""What the console's router in memory knows of browsers: which take pushes, what is looked at and read."""

from pointsman.client.records import CommandState
from webhook_adapter.model import Submitted, Subscription
from webhook_adapter.transports.push.vapid import Vapid

PUSH_KEY = bytes(31) + b"\x07"


class FakePushes:
    """Subscriptions by login, each with its quiet hours; and who looks at what."""

    def __init__(self) -> None:
        self.subscribed: dict[str, tuple[Subscription, str]] = {}
        self.looks: list[str] = []
        self.read: dict[str, str] = {}  # all browsers there are the same person's
        self.wants_second_factor = False

    def push_public_key(self) -> str:
        return Vapid(PUSH_KEY).public_key

    def subscribe(self, login_id: str, to: Subscription, quiet_hours: str) -> str:
        self.subscribed[login_id] = (to, quiet_hours)
        return "chat-of-the-browser"

    def unsubscribe(self, login_id: str) -> None:
        self.subscribed.pop(login_id, None)

    def answered_push(self) -> Submitted:
        return Submitted("", CommandState.UNKNOWN, "s-1", "Allowed.", False, self.wants_second_factor)

    def look(self, _login_id: str, session_id: str) -> None:
        self.looks.append(session_id)

    def mark_read(self, _login_id: str, session_id: str, notification_id: str) -> None:
        self.read[session_id] = notification_id

    def read_marks(self, _login_id: str) -> dict[str, str]:
        return dict(self.read)
