from webhook_adapter.transports.transport import ChatRef, Delivered, Outgoing
from webhook_adapter.transports.web.transport import WebTransport


def test_a_message_is_known_by_its_notification() -> None:
    assert WebTransport().send(Outgoing(ChatRef("console"), "hi", notification_id="n1")) == Delivered(("n1",))
