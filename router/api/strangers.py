"""Who wrote and is not allowed: protobuf <-> values."""

from agentlink.v1 import types_pb2 as pb

from router.api.convert import MAX_CHAT_ID, chat_ref
from router.api.times import timestamp
from router.domain.command import ChatRef
from router.domain.errors import Reason, Refusal
from router.domain.stranger import Stranger, speakable


def reported(stranger: pb.Stranger) -> Stranger:
    """Raises Refusal when it does not say who, or where."""
    chat, user_id = chat_ref(stranger.chat), stranger.user_id
    if not 0 < len(user_id) <= MAX_CHAT_ID or len(chat.chat_id) > MAX_CHAT_ID:
        raise Refusal(Reason.INVALID_ARGUMENT, f"user_id and chat_id must have 1 to {MAX_CHAT_ID} characters.")
    return Stranger(ChatRef(chat.transport, chat.chat_id), user_id, speakable(stranger.name))


def listed(stranger: Stranger) -> pb.Stranger:
    """What operators get."""
    chat = pb.ChatRef(transport=stranger.chat.transport, chat_id=stranger.chat.chat_id)
    return pb.Stranger(
        chat=chat, user_id=stranger.user_id, name=stranger.name, times=stranger.times,
        last_seen_at=timestamp(stranger.last_seen_at),
    )  # fmt: skip
