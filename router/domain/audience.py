"""Who hears of a session: the chat that began it, chats that follow it, and else those that hear of all."""

from enum import Enum

from msgspec import Struct

from router.domain.command import ChatRef

PAGES = "web"  # the transport of the console, which shows everything to whoever may open it, and so follows nothing


class Hearing(Enum):
    """What a chat has to do with a session."""

    BEGAN = "began"  # it was started there: the chats that hear of all are not told of it
    FOLLOWS = "follows"
    LEFT = "left"  # it would hear of it, and does not want to
    GONE = "gone"  # it began there, and it does not want to hear of it

    @property
    def narrows(self) -> bool:
        """Whether those that hear of all sessions do not hear of this one by that alone."""
        return self in (Hearing.BEGAN, Hearing.GONE)

    @property
    def wants(self) -> bool:
        """Whether the chat is told of it."""
        return self in (Hearing.BEGAN, Hearing.FOLLOWS)

    def changed(self, *, follows: bool) -> "Hearing":
        """When the chat follows it from now on, or does not any more."""
        if self.narrows:
            return Hearing.BEGAN if follows else Hearing.GONE
        return Hearing.FOLLOWS if follows else Hearing.LEFT


class Hearer(Struct, frozen=True):
    """A chat, and what it has to do with a session."""

    session_id: str
    chat: ChatRef
    hearing: Hearing


def place(chat: ChatRef) -> ChatRef:
    """The chat alone, without topic or message."""
    return ChatRef(chat.transport, chat.chat_id)
