"""Telegram as the courier sees it: sends and edits, and what each of Telegram's answers means."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus

from pointsman.client.errors import RouterError
from webhook_adapter.router.errors import is_about_content
from webhook_adapter.transports.telegram.client import ApiRefused, NoAnswer, TelegramClient
from webhook_adapter.transports.telegram.outbound.calls import CHANGE_CAPTION, TAKE_BUTTONS, Params, steps
from webhook_adapter.transports.telegram.outbound.extras import Extras
from webhook_adapter.transports.telegram.outbound.refusals import outcome_of
from webhook_adapter.transports.telegram.outbound.topics import Topics
from webhook_adapter.transports.telegram.outbound.upload import Upload
from webhook_adapter.transports.telegram.rate_limits import RateLimits
from webhook_adapter.transports.transport import (
    ChatNews,
    ChatRef,
    Delivered,
    Kind,
    Outgoing,
    Refused,
    RetryLater,
    SendOutcome,
)

logger = logging.getLogger(__name__)

_BESIDE_WORDS = (TAKE_BUTTONS, CHANGE_CAPTION)  # nothing is lost where these come too late

_REPAIRS = 3  # of one part: there are not more kinds that come together, and the fourth refusal is believed
_HALF_SENT = 1_000  # messages whose first parts are sent and whose rest waits
_NO_PHOTO = ("photo", "image_process_failed")  # in what it says of those
_ANSWER_S = 5.0  # the chat, and what is urgent in it, waits for each answer
_LOOK_S = 1e-6  # more for each byte of a file: Telegram looks at it before it answers
_NO_ID = "It was sent, but Telegram did not tell its message id: a reply to it reaches no session."
_NOT_MODIFIED = "message is not modified"
_CANNOT_PARSE = "can't parse entities"
_NO_THREAD = "message thread not found"
_NO_REPLIED = "message to be replied not found"
_NO_EDIT = "message can't be edited"  # it stands, and what it says is over
_EDIT_GONE = ("message to edit not found", _NO_EDIT, "message_id_invalid", "message identifier is not")
_DELETED = "message to delete not found"


class TelegramTransport:
    """Brings messages to Telegram's chats.

    When a message of several parts stops in the middle, the same message (by its notification's id) goes on there.
    """

    name = "telegram"

    def __init__(
        self, client: TelegramClient, rate_limits: RateLimits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`rate_limits` are those that pace the client."""
        self._client = client
        self._rate_limits = rate_limits
        self._extras = Extras(client, clock)
        self._topics = Topics(self._extras)
        self._lock = threading.Lock()  # guards the two below
        self._half_sent: OrderedDict[str, list[str]] = OrderedDict()
        self._moved: dict[str, str] = {}  # chats that got another id

    def send(self, message: Outgoing) -> SendOutcome:
        """Bring one message, in as many calls as it takes (sendMessage, sendDocument, sendPhoto)."""
        sent = self._resumed(message.notification_id)
        try:
            self._open_topic(message)
            for method, params, upload in steps(message, sent):
                sent.append(self._bring(message, method, params, upload))
            if message.close_topic:
                self._topics.close(self._chat_of(message.chat), self._thread_of(message))
        except ApiRefused as refused:
            return self._stopped(message, sent, outcome_of(refused, self._client.answers))
        except NoAnswer as silence:
            return self._stopped(message, sent, RetryLater(str(silence), alone=self._client.answers()))
        except RouterError as error:  # of a file
            lost = Refused(error.message) if is_about_content(error) else RetryLater(error.message)
            return self._stopped(message, sent, lost)
        if not message.text:
            return Delivered(message.edit_message_ids)
        # Parts that stand as they were still lead replies to the session.
        untouched = message.edit_message_ids[: max(0, len(message.edit_message_ids) - len(sent))]
        topic = self._topics.of(message)
        told = tuple(each for each in sent if each)
        return Delivered((*untouched, *told), topic.thread_id, topic.problem, "" if len(told) == len(sent) else _NO_ID)

    def edit(self, message: Outgoing) -> SendOutcome:
        """Change earlier messages (editMessageText, …Caption, …ReplyMarkup); parts that are new are sent."""
        return self.send(message)

    def react(self, chat: ChatRef, message_id: str, mark: str) -> SendOutcome:
        """Put a mark on a message (setMessageReaction: a bot has one a message, and only of Telegram's own list)."""
        reaction = [{"type": "emoji", "emoji": mark}] if mark else []
        about = {"chat_id": self._chat_of(chat), "message_id": message_id, "reaction": reaction}
        try:
            self._extras.call("setMessageReaction", about)
        except ApiRefused as refused:
            if refused.code == HTTPStatus.TOO_MANY_REQUESTS:
                return outcome_of(refused, self._client.answers)
            return Refused(refused.description)
        except NoAnswer as silence:
            # No second try: the words that stand in for a mark come at once.
            return Refused(str(silence))
        return Delivered(())

    def delete(self, chat: ChatRef, message_id: str) -> bool:
        """Take a message away (deleteMessage: of the bot's own, within 48 hours)."""
        try:
            self._extras.call("deleteMessage", {"chat_id": self._chat_of(chat), "message_id": message_id})
        except ApiRefused as refused:
            return _DELETED in refused.description.lower()
        except NoAnswer:
            return False
        return True

    def typing(self, chat: ChatRef) -> bool:
        """Show the bot at work (sendChatAction: for 5 s, or until its next message).

        Whether it counts towards the limits Telegram does not say; so it is sent only where nothing else was lately.
        """
        about = {"chat_id": self._chat_of(chat), "action": "typing"}
        topic = {"message_thread_id": chat.thread_id} if chat.thread_id else {}
        try:
            self._extras.call("sendChatAction", about | topic, spare=True)
        except ApiRefused as refused:
            return refused.code == HTTPStatus.TOO_MANY_REQUESTS
        except NoAnswer:
            logger.debug("typing not shown chat=%s", chat.chat_id)
        return True

    def _open_topic(self, message: Outgoing) -> None:
        """Make the topic that a message has to have; where that does not work, it goes to the chat itself."""
        if message.topic_title and not self._thread_of(message):
            self._topics.make(message, self._chat_of(message.chat))

    def _thread_of(self, message: Outgoing) -> str:
        return self._topics.of(message).thread_id or message.chat.thread_id

    def _chat_of(self, chat: ChatRef) -> str:
        with self._lock:
            # Until the settings have the new id: every receipt tells it, and the log asks for it.
            return self._moved.get(chat.chat_id, chat.chat_id)

    def news(self, chat: ChatRef) -> ChatNews:
        """How long the chat and the bot rest, and the id a chat has got."""
        with self._lock:
            moved_to = self._moved.get(chat.chat_id, "")
        rest, pause = self._rate_limits.rest(moved_to or chat.chat_id)
        return ChatNews(rest, pause, moved_to)

    def _resumed(self, notification_id: str) -> list[str]:
        with self._lock:
            return self._half_sent.pop(notification_id, [])

    def _stopped(self, message: Outgoing, sent: list[str], outcome: SendOutcome) -> SendOutcome:
        if sent and message.notification_id and isinstance(outcome, RetryLater):
            with self._lock:
                self._half_sent[message.notification_id] = sent
                while len(self._half_sent) > _HALF_SENT:
                    self._half_sent.popitem(last=False)
        return outcome

    def _bring(self, message: Outgoing, method: str, params: Params, upload: Upload | None) -> str:
        """Send or edit one part; its message id, empty where Telegram did not tell it.

        What Telegram says can be cured is cured and tried again.
        """
        plain = params.pop("plain")
        params["chat_id"] = self._chat_of(message.chat)
        if method.startswith("send") and (thread_id := self._thread_of(message)):
            params["message_thread_id"] = thread_id
        stale = ""
        for repairs_left in reversed(range(_REPAIRS + 1)):
            try:
                sent = self._call(method, params, upload, spare=message.kind is Kind.WORK)
                break
            except ApiRefused as refused:
                if not repairs_left:
                    raise
                if _NO_EDIT in refused.description.lower():
                    stale = str(params.get("message_id", ""))
                method = self._repair(message, method, params, plain, refused)
        if stale:  # it would go on offering buttons beside the message that came in its place
            self.delete(message.chat, stale)
        return sent

    def _call(self, method: str, params: Params, upload: Upload | None, *, spare: bool) -> str:
        try:
            patience = _ANSWER_S + (upload.size * _LOOK_S if upload else 0.0)
            result = self._client.call(method, params, upload=upload, timeout=patience, spare=spare)
        except ApiRefused as refused:
            # It says so already: the answer to an earlier try was lost on its way.
            if _NOT_MODIFIED in refused.description or (method in _BESIDE_WORDS and _is_gone(refused)):
                return str(params["message_id"])
            raise
        return str(params["message_id"]) if "message_id" in params else _message_id(result)

    def _repair(self, message: Outgoing, method: str, params: Params, plain: str, refused: ApiRefused) -> str:
        """Change what was refused, and return the method to try; raises the refusal when there is no cure."""
        words = refused.description.lower()
        if refused.migrate_to:
            self._move(params["chat_id"], refused.migrate_to)
            params["chat_id"] = refused.migrate_to
        elif _CANNOT_PARSE in words and "parse_mode" in params:
            logger.warning("telegram did not take the markup; sending plain text: %s", refused.description)
            del params["parse_mode"]
            params["caption" if "caption" in params else "text"] = plain
        elif _NO_THREAD in words and "message_thread_id" in params:
            logger.warning("topic is gone chat=%s thread=%s", params["chat_id"], params["message_thread_id"])
            del params["message_thread_id"]
            if message.topic_title and (topic := self._topics.make(message, params["chat_id"])).thread_id:
                params["message_thread_id"] = topic.thread_id
        elif (
            method == "sendPhoto"
            and refused.code == HTTPStatus.BAD_REQUEST
            and any(each in words for each in _NO_PHOTO)
        ):
            logger.info("not taken as a photo, sent as a document: %s", refused.description)
            return "sendDocument"
        elif _NO_REPLIED in words and "reply_parameters" in params:
            del params["reply_parameters"]
        elif method == "editMessageText" and _is_gone(refused) and message.kind is not Kind.WORK:
            logger.info("message to edit is gone chat=%s message=%s", params["chat_id"], params.pop("message_id"))
            return "sendMessage"
        else:
            raise refused
        return method

    def _move(self, old: str, new: str) -> None:
        logger.warning("chat has a new id; put it into ALLOWED_CHAT_IDS old=%s new=%s", old, new)
        with self._lock:
            self._moved[old] = new


def _is_gone(refused: ApiRefused) -> bool:
    return any(gone in refused.description.lower() for gone in _EDIT_GONE)


def _message_id(result: object) -> str:
    return str(result.get("message_id") or "") if isinstance(result, dict) else ""
