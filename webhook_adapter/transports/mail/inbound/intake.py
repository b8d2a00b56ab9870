"""From a mail to the router: whose it is, what it answers, what it says; handed in, or answered.

A mail counts where it comes from an address that is allowed, to an address of ours that holds the token for that
person. Its headers say so; nothing more is fetched of any other mail, but for the beginning of what may be a pairing
code or the report of a mail server.
"""

import logging
import time
from collections.abc import Callable

from pointsman.client.errors import RouterError
from pointsman.client.records import Chat
from webhook_adapter.limit import Limit
from webhook_adapter.model import Submission, Submitted
from webhook_adapter.router.errors import is_about_content
from webhook_adapter.transports.lifecycle import Handled, Outcome
from webhook_adapter.transports.mail.inbound.answers import OVER, SAY_IT_HERE, Answers
from webhook_adapter.transports.mail.inbound.bounces import Bounce, bounce
from webhook_adapter.transports.mail.inbound.content import Unreadable, content
from webhook_adapter.transports.mail.inbound.envelope import Envelope, envelope
from webhook_adapter.transports.mail.inbound.mail import Mail, TryAgain, begun_by
from webhook_adapter.transports.mail.inbound.replies import Replies
from webhook_adapter.transports.mail.inbound.strangers import Strangers, code_in
from webhook_adapter.transports.mail.reply_token import Claim, ReplyTokens
from webhook_adapter.transports.mail.settings import MailSettings

logger = logging.getLogger(__name__)

OFTEN = (1 / 60, 30)
"""Mails a second, and at once, of one person. What is more waits: a program that answers by itself gets slow."""
_FIRST_BYTES = 256 * 1024  # of what is no answer


class Intake:
    """Our mailbox's door into the router. `close_chat` is told from whom mail came back, `open_chat` who wrote."""

    def __init__(
        self,
        settings: MailSettings,
        strangers: Strangers,
        replies: Replies,
        answers: Answers,
        submit: Callable[[Submission], Submitted],
        close_chat: Callable[[str, str], None],
        open_chat: Callable[[str], None],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._tokens = ReplyTokens(settings.token_key, settings.address)
        self._strangers = strangers
        self._replies = replies
        self._answers = answers
        self._submit = submit
        self._close_chat = close_chat
        self._open_chat = open_chat
        self._now = now
        self._limit = Limit(*OFTEN)

    def receive(self, mail: Mail) -> Handled:
        """Take one mail. Raises RouterError or TryAgain when it must come again, and what `mail.fetch` raises."""
        read = envelope(mail.head.headers, self._settings.address)
        if read.is_report:
            return self._report(mail)
        if read.by_machine or not read.sender:
            return Handled(Outcome.IGNORED, about=f"reason={read.by_machine or 'malformed'}")
        claim = self._claim(read)
        if claim is None:
            return self._without_token(mail, read)
        allowed = read.sender in self._settings.allowed
        if not allowed and not self._strangers.are_paired(read):
            return Handled(Outcome.DENIED, about=f"chat={read.sender}")
        if wait := self._limit.wait(read.sender, self._now()):
            raise TryAgain(f"{read.sender} writes too often; the next is taken in {wait:.0f} s")
        self._open_chat(read.sender)
        if claim.is_over:
            return self._answers.tell(mail, read, claim.identity, OVER)
        handled = self._replies.take(mail, read, claim.identity, needs_pairing=not allowed)
        self._limit.spend(read.sender, self._now())
        return handled

    def _claim(self, read: Envelope) -> Claim | None:
        """What a token proves; one that is good rather than one that is over."""
        claims = [self._tokens.read(address, read.sender, self._now()) for address in read.recipients]
        proven = sorted((claim for claim in claims if claim is not None), key=lambda claim: claim.is_over)
        return proven[0] if proven else None

    def _without_token(self, mail: Mail, read: Envelope) -> Handled:
        """Nothing proves that they have the address: they may pair, or hear how to answer."""
        try:
            written = content(mail.fetch(_FIRST_BYTES), self._settings.address).text
        except Unreadable:
            written = ""
        code = code_in(written, read.subject)
        if code and self._strangers.let_in(read, code):
            return Handled(Outcome.STORED, about=f"chat={read.sender} paired")
        if read.sender in self._settings.allowed or self._strangers.are_paired(read):
            return self._answers.tell(mail, read, begun_by(read.sender), SAY_IT_HERE)
        return Handled(Outcome.DENIED, about=f"chat={read.sender}")

    def _report(self, mail: Mail) -> Handled:
        def proves(address: str, person: str) -> bool:
            return self._tokens.read(address, person, self._now()) is not None

        found = bounce(mail.fetch(_FIRST_BYTES), proves)
        if found is None:
            return Handled(Outcome.IGNORED, about="reason=report")
        logger.warning("mail came back chat=%s: %s", found.person, found.why)
        self._close_chat(found.person, found.why)
        try:
            self._submit(_knock(mail, found, needs_pairing=found.person not in self._settings.allowed))
        except RouterError as error:
            if error.code != "NOT_PAIRED" and not is_about_content(error):
                raise
        return Handled(Outcome.STORED, about=f"chat={found.person} closed")


def _knock(mail: Mail, found: Bounce, *, needs_pairing: bool) -> Submission:
    """Lets the router say something there now: it is refused in the words of the bounce, and so told elsewhere.

    As a change of a message, which is answered and never does anything: whoever has a token can write a report.
    """
    key, chat = f"mail:bounce:{mail.place}", Chat("mail", found.person)
    return Submission(key, chat, "mail:returned", edited=True, user_id=found.person, needs_pairing=needs_pairing)
