"""Counts what is asked of models without a program, in the transaction that accepts it; and whose each session is."""

from datetime import datetime
from zoneinfo import ZoneInfo

from router.clock import Clock
from router.domain.action import FileInput, Input, StartSession
from router.domain.command import ChatRef, Origin
from router.domain.quick import Daily
from router.domain.session import Session, SessionState, bare_id
from router.services.delivery.drafts import Draft
from router.store import chats, quick, sessions
from router.store.database import Transaction

_EPOCH = datetime(1970, 1, 1).toordinal()  # noqa: DTZ001 -- a date


class QuickAnswers:
    """Of all chats, and of those who begin such sessions elsewhere."""

    def __init__(self, clock: Clock, daily: Daily, zone: str) -> None:
        self._clock = clock
        self._daily = daily
        self._zone = ZoneInfo(zone)
        self._whose: dict[str, ChatRef] = {}  # by bare id; one too many, of a start that was refused, harms nothing

    def load(self, tx: Transaction) -> None:
        """What an earlier process knew."""
        self._whose = {bare_id(session_id): chat for session_id, chat in quick.everyone(tx).items()}

    def session_of(self, tx: Transaction, chat: ChatRef) -> Session | None:
        """The one that answers in a chat; None where none lives."""
        chat = _place(tx, chat)
        found = (sessions.find(tx, name) for name, whose in self._whose.items() if whose == chat)
        return next((one for one in found if one is not None and one.state is not SessionState.ENDED), None)

    def chat_of(self, session_id: str) -> ChatRef | None:
        """Whose a session with a model alone is; None for any other."""
        return self._whose.get(bare_id(session_id))

    def begin(self, tx: Transaction, session_id: str, origin: Origin) -> None:
        """A session is begun for that chat, or for whoever else asked."""
        chat = _place(tx, origin.chat) if origin.chat else ChatRef(origin.source, origin.actor)
        quick.add(tx, session_id, chat)
        self._whose[bare_id(session_id)] = chat

    def forgotten(self, tx: Transaction, session_id: str) -> None:
        """It is none after all."""
        if self._whose.pop(bare_id(session_id), None):
            quick.forget(tx, session_id)

    def count(self, tx: Transaction, draft: Draft) -> None:
        """One more is asked. Raises Refusal, having written nothing, where that is too much."""
        if not self._whose:  # most have none, and every command comes by here
            return
        chat = self._whose.get(bare_id(draft.session_id))
        if chat is not None and isinstance(draft.action, Input | FileInput | StartSession):
            quick.write(tx, chat, quick.use(tx, chat).on(self._day()).asked(self._daily))

    def answered(self, tx: Transaction, session_id: str, tokens: int) -> None:
        """An answer took so many."""
        chat = self._whose.get(bare_id(session_id))
        if chat is not None and tokens > 0:
            quick.write(tx, chat, quick.use(tx, chat).on(self._day()).answered(tokens))

    def _day(self) -> int:
        return datetime.fromtimestamp(self._clock.wall(), self._zone).toordinal() - _EPOCH


def _place(tx: Transaction, chat: ChatRef) -> ChatRef:
    """A chat with all of its threads, under the id that it has now."""
    now = chats.current(tx, chat)
    return ChatRef(now.transport, now.chat_id)
