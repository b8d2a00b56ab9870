"""Who may command machines through the bot. Empty lists allow nobody."""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AllowList:
    """Chats and people. Where both are given, both must match."""

    chat_ids: Collection[int]
    user_ids: Collection[int]

    def allows(self, chat_id: int, user_id: int) -> bool:
        """Whether this person may act in this chat."""
        if self.chat_ids and self.user_ids:
            return chat_id in self.chat_ids and user_id in self.user_ids
        if self.chat_ids:
            return chat_id in self.chat_ids
        # People alone: their private chat only. A group they were dragged into would read every answer.
        return user_id in self.user_ids and chat_id == user_id

    def names_chat(self, chat_id: int) -> bool:
        """Whether the bot speaks in this chat, whoever may command it there."""
        return chat_id in self.chat_ids

    @property
    def open_groups(self) -> tuple[int, ...]:
        """Groups whose every member, now and later, may command the machines."""
        return () if self.user_ids else tuple(chat for chat in self.chat_ids if chat < 0)
