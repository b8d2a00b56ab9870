"""Chats, and who wrote in them and is not allowed."""

from agentlink.v1 import types_pb2 as pb

from router.api.convert.times import timestamp
from router.domain.command import ChatRef
from router.domain.errors import Reason, Refusal
from router.domain.stranger import Stranger, speakable

MAX_CHAT_ID = 128  # characters


def chat_ref(ref: pb.ChatRef) -> ChatRef:
    """Raises Refusal when the platform or the chat is missing."""
    if not ref.transport or not ref.chat_id:
        raise Refusal(Reason.INVALID_ARGUMENT, "A chat needs transport and chat_id.")
    return ChatRef(ref.transport, ref.chat_id, ref.thread_id, ref.message_id)


def chat_message(chat: ChatRef) -> pb.ChatRef:
    return pb.ChatRef(
        transport=chat.transport, chat_id=chat.chat_id, thread_id=chat.thread_id, message_id=chat.message_id
    )


def stranger(reported: pb.Stranger) -> Stranger:
    """Raises Refusal when it does not say who, or where."""
    chat, user_id = chat_ref(reported.chat), reported.user_id
    if not 0 < len(user_id) <= MAX_CHAT_ID or len(chat.chat_id) > MAX_CHAT_ID:
        raise Refusal(Reason.INVALID_ARGUMENT, f"user_id and chat_id must have 1 to {MAX_CHAT_ID} characters.")
    # The chat alone, without topic or message: strangers are told apart by chat and user.
    return Stranger(ChatRef(chat.transport, chat.chat_id), user_id, speakable(reported.name))


def stranger_message(s: Stranger) -> pb.Stranger:
    return pb.Stranger(
        chat=chat_message(s.chat), user_id=s.user_id, name=s.name, times=s.times, last_seen_at=timestamp(s.last_seen_at)
    )
