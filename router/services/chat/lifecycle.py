"""What becomes of chats that others hold, as their platform tells it: they move, they close, they are in trouble."""

from dataclasses import dataclass

from msgspec.structs import replace

from router.domain.command import ChatRef
from router.domain.routing import ChatChange, Inbound
from router.services import bindings
from router.services.chat.submission import Submitted
from router.services.outbox.delivery_receipts import DeliveryReceipts
from router.store import chats
from router.store.database import Transaction

NO_REASON = "its platform says so"


@dataclass(frozen=True, slots=True)
class ChatLifecycle:
    """Nothing is said in the chat itself: everybody may read it there."""

    _receipts: DeliveryReceipts

    def take(self, tx: Transaction, inbound: Inbound, change: ChatChange) -> Submitted:
        """Take what was told of one. Raises Refusal where nothing is bound."""
        bindings.get(tx, inbound.chat.transport, inbound.space)
        chat = ChatRef(inbound.chat.transport, inbound.chat.chat_id)
        if change.moved_to:
            chats.move(tx, chat, replace(chat, chat_id=change.moved_to))
        chat = chats.current(tx, chat)
        if change.is_closed:
            self._receipts.closed(tx, chat, change.words or NO_REASON)
        elif change.words:
            self._receipts.tell(tx, change.words)
        return Submitted()
