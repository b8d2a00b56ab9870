"""Telegram as the courier sees it: sends and edits, and what each of Telegram's answers means."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from webhook_adapter.router.errors import RouterError
from webhook_adapter.transports.telegram.client import ApiRefused, NoAnswer, TelegramClient
from webhook_adapter.transports.telegram.outbound.extras import Extras
from webhook_adapter.transports.telegram.outbound.format import FilePart, Part, TextPart, keyboard, parts
from webhook_adapter.transports.telegram.outbound.refusals import outcome_of, without_answer
from webhook_adapter.transports.telegram.outbound.topics import Topics
from webhook_adapter.transports.telegram.outbound.upload import Upload
from webhook_adapter.transports.telegram.rate_limits import Budget
from webhook_adapter.transports.transport import (
    ChatNews,
    Delivered,
    Outgoing,
    OutgoingFile,
    Place,
    Refused,
    RetryLater,
    SendOutcome,
)

logger = logging.getLogger(__name__)

Params = dict[str, Any]

_MARK = "👍"  # one of the reactions that bots may give
_TAKE_BUTTONS, _CHANGE_CAPTION = "editMessageReplyMarkup", "editMessageCaption"
_BESIDE_WORDS = (_TAKE_BUTTONS, _CHANGE_CAPTION)  # nothing is lost where these come too late

_REPAIRS = 3
_HALF_SENT = 1_000  # messages whose first parts are sent and whose rest waits
_PHOTOS = (".jpg", ".jpeg", ".png", ".webp")
_MOST_OF_PHOTO = 10_000_000  # bytes; and whatever else Telegram wants of a photo, a document need not have
_NO_PHOTO = ("photo", "image_process_failed")  # in what it says of those
_ANSWER_S = 5.0  # the chat, and what is urgent in it, waits for each answer
_LOOK_S = 1e-6  # more for each byte of a file: Telegram looks at it before it answers
_NO_ID = "It was sent, but Telegram did not tell its message id: a reply to it reaches no session."
_NOT_MODIFIED = "message is not modified"
_CANNOT_PARSE = "can't parse entities"
_NO_THREAD = "message thread not found"
_NO_REPLIED = "message to be replied not found"
_EDIT_GONE = ("message to edit not found", "message can't be edited", "message_id_invalid", "message identifier is not")


class TelegramTransport:
    """Brings messages to Telegram's chats.

    When a message of several parts stops in the middle, the same message (by its notification's id) goes on there.
    """

    name = "telegram"

    def __init__(self, client: TelegramClient, budget: Budget, clock: Callable[[], float] = time.monotonic) -> None:
        """`budget` is the one that paces the client."""
        self._client = client
        self._budget = budget
        self._extras = Extras(client, clock)
        self._topics = Topics(self._extras)
        self._lock = threading.Lock()  # guards the two below
        self._half_sent: OrderedDict[str, list[str]] = OrderedDict()
        self._moved: dict[str, str] = {}  # chats that got another id

    def send(self, message: Outgoing) -> SendOutcome:
        """Bring one message."""
        sent = self._resumed(message.notification_id)
        try:
            if message.as_mark and self._mark(message):
                return Delivered(())
            self._open_topic(message)
            for method, params, upload in _steps(message, sent):
                sent.append(self._bring(message, method, params, upload))
            if message.close_topic:
                self._topics.close(self._chat_of(message), self._thread_of(message))
        except ApiRefused as refused:
            return self._stopped(message, sent, outcome_of(refused, self._client.answers))
        except NoAnswer as silence:
            return self._stopped(message, sent, without_answer(silence, self._client.answers))
        except RouterError as error:  # of a file
            lost = Refused(error.message) if error.is_about_content else RetryLater(error.message)
            return self._stopped(message, sent, lost)
        if not message.text:
            return Delivered(message.edit_message_ids)
        untouched = message.edit_message_ids[: max(0, len(message.edit_message_ids) - len(sent))]
        topic = self._topics.of(message)
        told = tuple(each for each in sent if each)
        return Delivered((*untouched, *told), topic.thread_id, topic.problem, "" if len(told) == len(sent) else _NO_ID)

    def _mark(self, message: Outgoing) -> bool:
        """Put a reaction on the answered message; False where that did not work, now or ever: then words say it."""
        reaction = [{"type": "emoji", "emoji": _MARK}]
        about = {"chat_id": self._chat_of(message), "message_id": message.reply_to_message_id}
        try:
            self._extras.call("setMessageReaction", about | {"reaction": reaction})
        except ApiRefused as refused:
            if refused.code == HTTPStatus.TOO_MANY_REQUESTS:
                raise
            return False
        except NoAnswer:
            return False
        return True

    def _open_topic(self, message: Outgoing) -> None:
        """Make the topic that a message has to have; where that does not work, it goes to the chat itself."""
        if message.topic_title and not self._thread_of(message):
            self._topics.make(message, self._chat_of(message))

    def _thread_of(self, message: Outgoing) -> str:
        return self._topics.of(message).thread_id or message.place.thread_id

    def _chat_of(self, message: Outgoing) -> str:
        with self._lock:
            return self._moved.get(message.place.chat_id, message.place.chat_id)

    def news(self, place: Place) -> ChatNews:
        """How long the chat and the bot rest, and the id a chat has got."""
        with self._lock:
            moved_to = self._moved.get(place.chat_id, "")
        rest, pause = self._budget.rest(moved_to or place.chat_id)
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
        params["chat_id"] = self._chat_of(message)
        if method.startswith("send") and (thread_id := self._thread_of(message)):
            params["message_thread_id"] = thread_id
        for _ in range(_REPAIRS):
            try:
                return self._call(method, params, upload)
            except ApiRefused as refused:
                method = self._repair(message, method, params, plain, refused)
        return self._call(method, params, upload)

    def _call(self, method: str, params: Params, upload: Upload | None) -> str:
        try:
            patience = _ANSWER_S + (upload.size * _LOOK_S if upload else 0.0)
            result = self._client.call(method, params, upload=upload, timeout=patience)
        except ApiRefused as refused:
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
        elif method == "editMessageText" and _is_gone(refused):
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


def _steps(message: Outgoing, sent: list[str]) -> Iterator[tuple[str, Params, Upload | None]]:
    """The calls that bring the message, but for those whose messages are sent; the caller adds each to these."""
    bring = parts(message) if message.text else []
    if not bring or _is_reshaped(message, bring):
        for message_id in message.edit_message_ids[-1:]:
            yield _TAKE_BUTTONS, {"message_id": int(message_id), "plain": ""}, None
        return
    # Of several messages that now say less, the last ones change: there stand the buttons.
    old = message.edit_message_ids[-len(bring) :]
    for number, part in list(enumerate(bring))[len(sent) :]:
        params: Params = {"plain": part.plain}
        edited = old[number : number + 1]
        if edited:
            yield _change(part), params | {"message_id": int(edited[0])} | _content(part), None
            continue
        answered = message.reply_to_message_id if number == 0 else sent[0] if isinstance(part, FilePart) else ""
        params |= _where(message, answered) | _content(part)
        yield _method(part), params, _upload(part)


def _is_reshaped(message: Outgoing, bring: list[Part]) -> bool:
    """Whether a file would come where a text stands, or the other way: no edit can do that."""
    texts_only = all(isinstance(part, TextPart) for part in bring)
    return bool(message.edit_message_ids) and not texts_only and len(bring) != len(message.edit_message_ids)


def _change(part: Part) -> str:
    """What changes a message; a file stays what it is."""
    if isinstance(part, TextPart):
        return "editMessageText"
    return _CHANGE_CAPTION if part.html else _TAKE_BUTTONS


def _method(part: Part) -> str:
    if isinstance(part, TextPart):
        return "sendMessage"
    return "sendPhoto" if isinstance(part, FilePart) and _may_be_photo(part.file) else "sendDocument"


def _may_be_photo(file: OutgoingFile) -> bool:
    return file.name.lower().endswith(_PHOTOS) and file.size <= _MOST_OF_PHOTO


def _upload(part: Part) -> Upload | None:
    match part:
        case TextPart():
            return None
        case FilePart(file):
            return Upload(file.name, file.size, file.parts)
        case document:
            return Upload(document.name, len(document.content), lambda: (document.content,))


def _content(part: Part) -> Params:
    shown: Params = {"caption": part.html, "parse_mode": "HTML"} if part.html else {}
    if isinstance(part, TextPart):
        shown = {"text": part.html, "parse_mode": "HTML", "link_preview_options": {"is_disabled": True}}
    markup = keyboard(part.buttons)
    return shown | ({"reply_markup": markup} if markup else {})


def _where(message: Outgoing, answered: str) -> Params:
    """How a message is brought, and the one it answers."""
    found: Params = {"disable_notification": True} if message.silent else {}
    if answered:
        reply = {"message_id": int(answered), "allow_sending_without_reply": True}
        found["reply_parameters"] = reply
    return found
