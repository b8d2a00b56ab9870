"""Notifications: from machines and callers, out to couriers, and the couriers' receipts."""

from collections.abc import Iterable

from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import chat_link_pb2 as chat_pb
from agentlink.v1 import types_pb2 as pb

from router.api.convert.chats import MAX_CHAT_ID, chat_message
from router.api.convert.commands import COMMAND_STATES
from router.api.convert.files import file_messages
from router.api.convert.times import duration, seconds, timestamp
from router.domain import frames
from router.domain.command import ChatRef
from router.domain.notification import Button, Delivered, Event, Kind, Notification, NotificationState, Refused
from router.domain.proposal import Proposal
from router.domain.session import Session
from router.services.chat.topics import Brought
from router.services.outbox.couriers import Delivery, Later, RateLimitPause
from router.services.outbox.delivery_receipts import DeliveryReceipt

NOTIFICATION_STATES = {s: pb.NotificationState.Value(f"NOTIFICATION_STATE_{s.name}") for s in NotificationState}
KINDS = {kind: chat_pb.DeliveryKind.Value(f"DELIVERY_KIND_{kind.name}") for kind in Kind}
MAX_WORDS = 1000  # characters kept of what a platform says


def buttons(messages: Iterable[pb.Button]) -> tuple[Button, ...]:
    return tuple(Button(button.label, button.action) for button in messages)


def notify(n: link_pb.Notify) -> frames.Notify:
    # Not chat_ref, which refuses: that would end the link, and the message would come again on each next one.
    targets = tuple(ChatRef(t.transport, t.chat_id, t.thread_id, t.message_id) for t in n.targets)
    return frames.Notify(
        n.upstream_seq, n.notification_id, n.session_id, n.text, buttons(n.buttons), targets,
        is_markdown=n.markdown, ends_turn=n.ends_turn, output_tokens=n.output_tokens,
        proposal=_proposal(n.proposal) if n.HasField("proposal") else None,
    )  # fmt: skip


def _proposal(p: link_pb.Proposal) -> Proposal:
    return Proposal(p.prompt, p.machine_id, p.agent, p.folder)


def notification_message(n: Notification, *, to_press: bool = True) -> pb.Notification:
    token = n.token if to_press else ""
    return pb.Notification(
        notification_id=n.notification_id, session_id=n.session_id, chat=chat_message(n.chat), text=n.text,
        buttons=[pb.Button(label=b.label, action=b.action) for b in n.buttons], token=token,
        state=NOTIFICATION_STATES[n.state], detail=n.detail, message_ids=n.message_ids, command_id=n.command_id,
        created_at=timestamp(n.created_at), delivered_at=timestamp(n.delivered_at), attempt=n.attempt,
        permission_id=n.permission_id, files=file_messages(n.files), edits=n.edits, markdown=n.is_markdown,
    )  # fmt: skip


def delivery_message(d: Delivery, lease: float, about: Session | None) -> chat_pb.Delivery:
    """What a courier gets, for `lease` seconds."""
    n, title = d.notification, f"{about.machine_id} · {about.name}" if about else ""
    shown = notification_message(n)
    shown.chat.thread_id = d.placement.thread_id  # decided when it is leased: the topic may be younger than the message
    return chat_pb.Delivery(
        notification=shown, attempt=n.attempt, lease=duration(lease), kind=KINDS[n.kind],
        edit_message_ids=d.edit_message_ids, reply_to_message_id=n.chat.message_id,
        machine_id=about.machine_id if about else "", session_label=about.name if about else "",
        command_state=COMMAND_STATES[n.command_state] if n.command_state else pb.COMMAND_STATE_UNSPECIFIED,
        as_mark=n.as_mark, topic_title=title if d.placement.own_topic else "", close_topic=n.closes_topic,
        silent=d.placement.silent,
    )  # fmt: skip


def delivery_receipt(receipt: chat_pb.DeliveryReceipt) -> DeliveryReceipt | None:
    """None for a frame that reports nothing we know."""
    if (outcome := _outcome(receipt)) is None:
        return None
    return DeliveryReceipt(
        receipt.notification_id, receipt.attempt, outcome,
        RateLimitPause(seconds(receipt.rest.chat), seconds(receipt.rest.all)),
        receipt.moved_to[:MAX_CHAT_ID], receipt.refused.chat_closed,
        Brought(receipt.delivered.thread_id[:MAX_CHAT_ID], receipt.delivered.topic_problem[:MAX_WORDS]),
    )  # fmt: skip


def _outcome(receipt: chat_pb.DeliveryReceipt) -> Event | Later | None:
    match receipt.WhichOneof("outcome"):
        case "delivered":
            return Delivered(tuple(receipt.delivered.message_ids), receipt.delivered.detail[:MAX_WORDS])
        case "refused":
            return Refused(receipt.refused.detail[:MAX_WORDS])
        case "retry_later":
            later = receipt.retry_later
            after = seconds(later.retry_after) if later.HasField("retry_after") else None  # 0 is a time, too
            return Later(later.detail[:MAX_WORDS], after, later.alone)
    return None
