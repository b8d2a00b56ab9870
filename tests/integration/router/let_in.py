"""Chats that may be named as a target, without a message that would be in the way."""

from collections.abc import Callable
from functools import partial

from agentlink.v1 import types_pb2 as types

from router.domain.audience import Hearer, Hearing
from router.domain.command import ChatRef
from router.store import audience, chats
from router.store.database import Transaction

Write = Callable[[Callable[[Transaction], None]], None]


def let_in(write: Write, *wanted: types.ChatRef) -> None:
    """Somebody wrote there who may."""
    for chat in wanted:
        if chat.chat_id:  # else the call itself is refused
            write(partial(chats.set_wrote_in, chat=ChatRef(chat.transport, chat.chat_id)))


def let_follow(write: Write, session_id: str, *wanted: types.ChatRef) -> None:
    """Somebody wrote there who may, and wants to hear of a session."""
    let_in(write, *wanted)
    for chat in wanted:
        if chat.chat_id and session_id:
            heard = Hearer(session_id, ChatRef(chat.transport, chat.chat_id), Hearing.FOLLOWS)
            write(partial(audience.write, hearer=heard))
