"""Chats that may be named as a target, without a message that would be in the way."""

from collections.abc import Callable
from functools import partial

from agentlink.v1 import types_pb2 as types

from router.domain.command import ChatRef
from router.store import chats
from router.store.database import Transaction


def let_in(write: Callable[[Callable[[Transaction], None]], None], *wanted: types.ChatRef) -> None:
    """Somebody wrote there who may."""
    for chat in wanted:
        if chat.chat_id:  # else the call itself is refused
            write(partial(chats.set_wrote_in, chat=ChatRef(chat.transport, chat.chat_id)))
