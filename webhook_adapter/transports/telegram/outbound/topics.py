"""Forum topics: made for sessions, and closed behind them. Nothing that goes wrong with one keeps a message back."""

import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass

from webhook_adapter.transports.telegram.client import ApiRefused, NoAnswer, TelegramError
from webhook_adapter.transports.telegram.outbound.extras import Extras
from webhook_adapter.transports.transport import Outgoing

logger = logging.getLogger(__name__)

_TITLE_LENGTH = 128  # createForumTopic takes 1 to 128 characters
_KEPT = 1_000  # messages whose topic was asked for and which are not brought yet
_NO_ID = "Telegram did not say which topic it made"


@dataclass(frozen=True, slots=True)
class Topic:
    """What came of asking for a topic: its thread id, or why there can be none; neither where that may pass."""

    thread_id: str = ""
    problem: str = ""


_NONE = Topic()


class Topics:
    """Makes a topic once for a message, however often that message has to be tried."""

    def __init__(self, extras: Extras) -> None:
        self._extras = extras
        self._lock = threading.Lock()  # guards _known
        self._known: OrderedDict[str, Topic] = OrderedDict()

    def of(self, message: Outgoing) -> Topic:
        """What came of it at an earlier try of this message."""
        with self._lock:
            return self._known.get(message.notification_id, _NONE)

    def make(self, message: Outgoing, chat_id: str) -> Topic:
        """Make the message's topic. Raises ApiRefused where the whole chat has to wait, or has another id."""
        topic = self._asked_for(chat_id, message.topic_title[:_TITLE_LENGTH])
        logger.info("topic chat=%s thread=%s problem=%s", chat_id, topic.thread_id, topic.problem)
        # Kept by message: its next try must find this topic, not make another.
        with self._lock:
            self._known[message.notification_id] = topic
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return topic

    def close(self, chat_id: str, thread_id: str) -> None:
        """Close a topic. One that cannot be closed stays open: nothing is lost by it."""
        try:
            self._extras.call("closeForumTopic", {"chat_id": chat_id, "message_thread_id": thread_id})
        except TelegramError as error:
            logger.info("topic not closed chat=%s thread=%s: %s", chat_id, thread_id, error)

    def _asked_for(self, chat_id: str, title: str) -> Topic:
        try:
            answer = self._extras.call("createForumTopic", {"chat_id": chat_id, "name": title})
        except ApiRefused as refused:
            # These are about the chat: the message itself waits, or goes to the new id.
            if refused.code == 429 or refused.migrate_to:
                raise
            # A problem that is told turns topics off for the chat; what may pass must not.
            return _NONE if refused.code >= 500 else Topic(problem=refused.description)
        except NoAnswer:
            return _NONE
        thread_id = str(answer.get("message_thread_id") or "") if isinstance(answer, dict) else ""
        return Topic(thread_id) if thread_id else Topic(problem=_NO_ID)
