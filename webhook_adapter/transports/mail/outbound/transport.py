"""E-mail as the courier sees it: each message is a mail to one person."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

from webhook_adapter.transports.mail.outbound.client import MailStopped, SmtpClient, Stage
from webhook_adapter.transports.mail.outbound.compose import Attachment, mail_of, sheet_of
from webhook_adapter.transports.mail.outbound.refusals import outcome_of
from webhook_adapter.transports.mail.reply_token import ReplyTokens
from webhook_adapter.transports.mail.settings import MailSettings, person_address
from webhook_adapter.transports.transport import Delivered, Outgoing, OutgoingFile, Refused, SendOutcome

logger = logging.getLogger(__name__)

MOST_ATTACHED = 15 * 1024 * 1024
"""Bytes of a mail's files together: on the way they take a third more, and many servers take 20 or 25 MB."""

_REMEMBERED = 1_000  # mails that may be there already
CLOSED_FOR_S = 24 * 3600.0
_TOO_LARGE = "(Not attached, as mail has no room for it: {name}, {size} bytes.)"
_MAYBE_TWICE = "It may have come twice: an earlier try was not answered. Its Message-ID is the same."
_NO_ADDRESS = "this is no mail address that we write to"


class MailTransport:
    """Brings messages to people's mailboxes."""

    name = "mail"

    def __init__(
        self,
        settings: MailSettings,
        client: SmtpClient,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`now` in seconds since the epoch."""
        self._settings = settings
        self._client = client
        self._tokens = ReplyTokens(settings.token_key, settings.address)
        self._now = now
        self._lock = threading.Lock()  # guards the two below
        self._unknown: OrderedDict[str, None] = OrderedDict()  # notifications whose mail may be there already
        self._closed: dict[str, tuple[str, float]] = {}  # addresses from which mail came back: why, and when

    def send(self, message: Outgoing) -> SendOutcome:
        """Bring one message."""
        person = person_address(message.chat.chat_id)
        if not person:
            return Refused(_NO_ADDRESS, chat_closed=True)
        if why := self._why_closed(person):
            return Refused(why, chat_closed=True)
        reply_to = self._tokens.address(message.notification_id, person, self._now())
        sheet = sheet_of(message, self._settings.domain, reply_to)
        attached, left_out = _attachments(message.files)
        sheet = replace(sheet, text="\n\n".join(filter(None, (sheet.text, *left_out))), attachments=attached)
        try:
            self._client.send(person, mail_of(sheet, self._settings.address, self._now()))
        except MailStopped as stopped:
            logger.warning(
                "mail stopped notification=%s stage=%s: %s", message.notification_id, stopped.stage.value, stopped
            )
            if stopped.stage is Stage.UNKNOWN:
                self._note(message.notification_id)
            return outcome_of(stopped)
        return Delivered((sheet.message_id,), detail=_MAYBE_TWICE if self._was_unknown(message.notification_id) else "")

    def close_chat(self, person: str, why: str) -> None:
        """Mail to somebody came back: nothing goes there for a day, or until they write."""
        with self._lock:
            self._closed[person] = (why, self._now())

    def open_chat(self, person: str) -> None:
        """Somebody wrote: they are there."""
        with self._lock:
            self._closed.pop(person, None)

    def _why_closed(self, person: str) -> str:
        with self._lock:
            why, since = self._closed.get(person, ("", 0.0))
            if why and not 0 <= self._now() - since < CLOSED_FOR_S:
                del self._closed[person]
                why = ""
            return why

    def _note(self, notification_id: str) -> None:
        with self._lock:
            self._unknown[notification_id] = None
            while len(self._unknown) > _REMEMBERED:
                self._unknown.popitem(last=False)

    def _was_unknown(self, notification_id: str) -> bool:
        with self._lock:
            return notification_id in self._unknown and self._unknown.pop(notification_id) is None


def _attachments(files: tuple[OutgoingFile, ...]) -> tuple[tuple[Attachment, ...], list[str]]:
    """Those that a mail has room for, read whole, and a line for each of the others. Raises RouterError."""
    attached, left_out, room = list[Attachment](), list[str](), MOST_ATTACHED
    for each in files:
        if each.size > room:
            left_out.append(_TOO_LARGE.format(name=each.name, size=each.size))
            continue
        room -= each.size
        attached.append(Attachment(each.name, b"".join(each.parts())))
    return tuple(attached), left_out
