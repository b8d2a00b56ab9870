"""Somebody who wrote to a chat platform's adapter and is not allowed."""

from msgspec import Struct

from router.domain.command import ChatRef

MAX_NAME = 64  # characters


class Stranger(Struct, frozen=True):
    """Who, and where. `last_seen_at` in seconds since the epoch by the router's steady clock."""

    chat: ChatRef
    user_id: str
    name: str
    times: int = 1
    last_seen_at: float = 0.0


def speakable(name: str) -> str:
    """A name that can be shown in a terminal: who chose it may be no friend."""
    return "".join(character for character in name if character.isprintable())[:MAX_NAME].strip()
