"""What the mailbox itself has to say to somebody who wrote: what was meant is not clear, or cannot be."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from webhook_adapter.transports.mail.options import Option
from webhook_adapter.transports.mail.outbound.client import SmtpClient
from webhook_adapter.transports.mail.outbound.compose import NAME, Sheet, mail_of, message_id, thread_id
from webhook_adapter.transports.mail.reply_token import ReplyTokens
from webhook_adapter.transports.mail.settings import MailSettings


@dataclass(frozen=True, slots=True)
class AnswerMail:
    """An answer to somebody's mail. `about`: the notification that they answer with the next one."""

    person: str
    about: str
    text: str
    answers: str  # the Message-ID of their mail
    subject: str = ""
    options: tuple[Option, ...] = ()


class AnswerMails:
    """Sends them."""

    def __init__(self, settings: MailSettings, client: SmtpClient, now: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._client = client
        self._tokens = ReplyTokens(settings.token_key, settings.address)
        self._now = now

    def send(self, key: str, answer: AnswerMail) -> None:
        """Answer the mail of this update key; again it is the same mail. Raises MailStopped."""
        now, domain = self._now(), self._settings.domain
        sheet = Sheet(
            recipient=answer.person,
            reply_to=self._tokens.address(answer.about, answer.person, now),
            message_id=message_id(str(uuid.uuid5(uuid.NAMESPACE_URL, key)), domain),
            subject=answer.subject or NAME,
            thread=thread_id(answer.about, answer.person, domain),
            text=answer.text,
            options=answer.options,
            answers=answer.answers,
            hint="",
            replied=True,
        )
        self._client.send(answer.person, mail_of(sheet, self._settings.address, now))
