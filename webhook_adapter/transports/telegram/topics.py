"""Forum topics: made for sessions, and closed behind them."""

import logging
import threading
from collections import OrderedDict

from webhook_adapter.transports.telegram.client import ApiRefused, TelegramClient
from webhook_adapter.transports.transport import Outgoing

logger = logging.getLogger(__name__)

_TITLE_LENGTH = 128
_MADE_KEPT = 1_000  # messages whose topic was made and which are not brought yet


class Topics:
    """Makes a topic once for a message, however often that message has to be tried."""

    def __init__(self, client: TelegramClient) -> None:
        self._client = client
        self._lock = threading.Lock()  # guards _made
        self._made: OrderedDict[str, str] = OrderedDict()

    def made_for(self, message: Outgoing) -> str:
        """The topic that an earlier try of this message made; empty for none."""
        with self._lock:
            return self._made.get(message.notification_id, "")

    def make(self, message: Outgoing, chat_id: str) -> str:
        """Make the message's topic; its thread id. Raises TelegramError."""
        answer = self._client.call(
            "createForumTopic", {"chat_id": chat_id, "name": message.topic_title[:_TITLE_LENGTH]}
        )
        thread_id = str(answer.get("message_thread_id") or "") if isinstance(answer, dict) else ""
        logger.info("topic made chat=%s thread=%s", chat_id, thread_id)
        with self._lock:
            self._made[message.notification_id] = thread_id
            while len(self._made) > _MADE_KEPT:
                self._made.popitem(last=False)
        return thread_id

    def close(self, chat_id: str, thread_id: str) -> None:
        """Close a topic. One that cannot be closed stays open: nothing is lost by it. Raises NoAnswer."""
        try:
            self._client.call("closeForumTopic", {"chat_id": chat_id, "message_thread_id": thread_id})
        except ApiRefused as refused:
            logger.info("topic not closed chat=%s thread=%s: %s", chat_id, thread_id, refused)
