"""What somebody who wrote hears from the mailbox itself; not too often, so that two programs cannot talk for ever."""

import logging
import time
from collections.abc import Callable, Iterable

from webhook_adapter.limit import Limit
from webhook_adapter.transports.lifecycle import Handled, Outcome
from webhook_adapter.transports.mail.inbound.envelope import Envelope
from webhook_adapter.transports.mail.inbound.mail import Mail, TryAgain, update_key
from webhook_adapter.transports.mail.options import Option
from webhook_adapter.transports.mail.outbound.answer_mail import AnswerMail, AnswerMails
from webhook_adapter.transports.mail.outbound.client import MailStopped

logger = logging.getLogger(__name__)

OFTEN = (1 / 600, 5)
"""Answers a second, and at once, to one person."""

NOT_ONE_OF_THEM = "That is none of the choices, and nothing was done. Answer with one of them alone:"
NO_FILES_HERE = "A choice takes no files, and nothing was done. Answer with one of them, without a file:"
OVER = "That address is over: one is good for 30 days. Nothing was done; say it again in an answer to this mail."
SAY_IT_HERE = (
    "Somebody, perhaps you, wrote to Pointsman from this address. Anybody can write your address into a mail, so"
    " nothing was done with it. Answer this mail to say it: the answer goes to an address that nobody else knows."
)


class Answers:
    """Answers mails of which nothing was handed in, or that have nobody else to answer them."""

    def __init__(self, mails: AnswerMails, now: Callable[[], float] = time.monotonic) -> None:
        self._mails = mails
        self._now = now
        self._limit = Limit(*OFTEN)

    def tell(self, mail: Mail, read: Envelope, about: str, text: str, options: Iterable[Option] = ()) -> Handled:
        """Say it to whoever wrote the mail; `about`: what they answer then. Raises TryAgain."""
        if self._limit.wait(read.sender, self._now()):
            logger.warning("mail not answered: too many of late from %s", read.sender)
            return Handled(Outcome.REFUSED, about=f"chat={read.sender} reason=rate")
        answer = AnswerMail(read.sender, about, text, read.message_id, read.subject, tuple(options))
        try:
            self._mails.send(update_key(mail, read), answer)
        except MailStopped as stopped:
            if stopped.code // 100 != 5:
                raise TryAgain(str(stopped)) from None
            logger.warning("answer refused chat=%s: %s", read.sender, stopped)
        self._limit.spend(read.sender, self._now())
        return Handled(Outcome.REFUSED, about=f"chat={read.sender}")
