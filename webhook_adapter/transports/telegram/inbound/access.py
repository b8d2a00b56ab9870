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

    def to_allow(self, chat_id: int, user_id: int) -> dict[str, str]:
        """The settings that would allow this person in this chat, beside all whom they allow now."""
        chats, users = list(self.chat_ids), list(self.user_ids)
        if users and (chats or chat_id != user_id):
            # Once chats are listed, the private ones of the people count only where they are listed, too.
            chats, users = _with(chats or users, chat_id), _with(users, user_id)
        elif users:
            users = _with(users, user_id)
        else:
            chats = _with(chats, chat_id)
        wanted = {"ALLOWED_CHAT_IDS": (chats, self.chat_ids), "ALLOWED_USER_IDS": (users, self.user_ids)}
        return {name: ",".join(map(str, ids)) for name, (ids, known) in wanted.items() if ids != list(known)}

    def names_chat(self, chat_id: int) -> bool:
        """Whether the bot speaks in this chat, whoever may command it there."""
        return chat_id in self.chat_ids

    @property
    def open_groups(self) -> tuple[int, ...]:
        """Groups whose every member, now and later, may command the machines."""
        return () if self.user_ids else tuple(chat for chat in self.chat_ids if chat < 0)


def _with(ids: Collection[int], more: int) -> list[int]:
    return [*ids, *([more] if more not in ids else [])]
