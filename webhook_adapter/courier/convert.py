"""Between the frames of the delivery link and what transports speak of."""

from functools import partial

from agentlink.v1 import chat_link_pb2 as pb
from agentlink.v1 import types_pb2
from google.protobuf.duration_pb2 import Duration

from webhook_adapter.courier.sender_pool import DeliveryReceipt
from webhook_adapter.router.client import RouterClient
from webhook_adapter.transports.transport import (
    Button,
    ChatNews,
    ChatRef,
    Delivered,
    Kind,
    Outgoing,
    OutgoingFile,
    Refused,
    RetryLater,
)

_KINDS = {
    pb.DELIVERY_KIND_QUESTION: Kind.QUESTION,
    pb.DELIVERY_KIND_STATUS: Kind.STATUS,
    pb.DELIVERY_KIND_ANSWER: Kind.ANSWER,
    pb.DELIVERY_KIND_WORK: Kind.WORK,
}
_NAME_IT = frozenset({Kind.STATUS, Kind.ANSWER})  # their own words say which session they speak of


def outgoing(delivery: pb.Delivery, router: RouterClient) -> Outgoing:
    """The message that a delivery asks for; its files are read from the router while they are sent."""
    notification = delivery.notification
    # A kind that only a newer router knows is what a session says.
    kind = _KINDS.get(delivery.kind, Kind.PROGRESS)
    names = (delivery.machine_id, delivery.session_label) if notification.session_id and kind not in _NAME_IT else ()
    return Outgoing(
        session_id=notification.session_id,
        machine_id=delivery.machine_id,
        session_label=delivery.session_label,
        chat=ChatRef(notification.chat.chat_id, notification.chat.thread_id),
        text=notification.text,
        heading=" · ".join(name for name in names if name),
        buttons=tuple(Button(each.label, f"cmd:{notification.token}:{each.action}") for each in notification.buttons),
        kind=kind,
        reply_to_message_id=delivery.reply_to_message_id,
        edit_message_ids=tuple(delivery.edit_message_ids),
        notification_id=notification.notification_id,
        as_mark=delivery.as_mark,
        topic_title=delivery.topic_title,
        close_topic=delivery.close_topic,
        silent=delivery.silent,
        is_markdown=notification.markdown,
        attempt=max(1, delivery.attempt),
        command_state=_state(delivery.command_state),
        files=tuple(
            OutgoingFile(each.name, each.size, partial(router.file_parts, notification.notification_id, each.file_id))
            for each in notification.files
        ),
    )


def _state(value: int) -> str:
    """QUEUED, …; "" where it is none, or one that only a newer router knows."""
    if not value or value not in types_pb2.CommandState.values():
        return ""
    return types_pb2.CommandState.Name(types_pb2.CommandState.ValueType(value)).removeprefix("COMMAND_STATE_")


def frame(receipt: DeliveryReceipt) -> pb.DeliveryReceipt:
    """What the router is told of a lease."""
    told = pb.DeliveryReceipt(
        notification_id=receipt.notification_id,
        attempt=receipt.attempt,
        rest=_rest(receipt.news),
        moved_to=receipt.news.moved_to,
    )
    match receipt.outcome:
        case Delivered(message_ids, thread_id, problem, detail):
            # Copied, not merged: one of which no field is set is an outcome all the same.
            told.delivered.CopyFrom(
                pb.Delivered(message_ids=message_ids, thread_id=thread_id, topic_problem=problem, detail=detail)
            )
        case Refused(detail, chat_closed):
            told.refused.CopyFrom(pb.Refused(detail=detail, chat_closed=chat_closed))
        case RetryLater(detail, after, alone):
            told.retry_later.CopyFrom(pb.RetryLater(detail=detail, alone=alone, retry_after=_duration(after)))
    return told


def _rest(news: ChatNews) -> pb.Rest:
    return pb.Rest(chat=_duration(news.rest or None), all=_duration(news.pause or None))


def _duration(seconds: float | None) -> Duration | None:
    return None if seconds is None else Duration(seconds=int(seconds), nanos=int(seconds % 1 * 1e9))
