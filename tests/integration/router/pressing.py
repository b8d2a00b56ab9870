"""Pressing buttons of deliveries, and reading what they say then."""

import re

from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest


def labels(delivery: chat_pb.Delivery) -> list[str]:
    return [button.label for button in delivery.notification.buttons]


def last_line(delivery: chat_pb.Delivery) -> str:
    """Where it says what was chosen; at noon, whenever it was."""
    return re.sub(r", \d\d:\d\d$", ", 12:00", delivery.notification.text.splitlines()[-1])


def press(
    router: RouterUnderTest, delivery: chat_pb.Delivery, label: str, message_id: str = "500", **request: str
) -> chat_pb.SubmitResponse:
    """Press a button of a message by what is written on it."""
    [action] = [button.action for button in delivery.notification.buttons if label in button.label]
    where = types.ChatRef(transport="test", chat_id="1", message_id=message_id)
    data = f"cmd:{delivery.notification.token}:{action}"
    return router.submit(where, button=chat_pb.ButtonPress(data=data), **request)
