"""E-mail with all its parts, as the table of platforms lists it."""

import random
from collections.abc import Callable

from webhook_adapter.backoff import Backoff
from webhook_adapter.transports.lifecycle import Handled
from webhook_adapter.transports.mail.inbound.answers import Answers
from webhook_adapter.transports.mail.inbound.intake import Intake
from webhook_adapter.transports.mail.inbound.mail import Mail
from webhook_adapter.transports.mail.inbound.mailbox import Mailbox
from webhook_adapter.transports.mail.inbound.polling import Polling
from webhook_adapter.transports.mail.inbound.replies import Replies
from webhook_adapter.transports.mail.inbound.strangers import Strangers
from webhook_adapter.transports.mail.outbound.answer_mail import AnswerMails
from webhook_adapter.transports.mail.outbound.client import SmtpClient
from webhook_adapter.transports.mail.outbound.transport import MailTransport
from webhook_adapter.transports.mail.settings import MailSettings, from_environ
from webhook_adapter.transports.platform import Host, Platform, Route

_SENDERS = 4
_POLL_S = (2.0, 300.0)


def start_courier(host: Host) -> Route | None:
    """The way out, and the mailbox as the way in; None where mail is off."""
    settings = from_environ(host.config.environ)
    if settings is None:
        return None
    client = SmtpClient(settings)
    transport = MailTransport(settings, client)
    # Without one, people are told and cannot answer by mail.
    beside = {"mail-polling": lambda: _poll(host, settings, client, transport)} if settings.imap else {}
    return Route(transport, settings.allowed, _SENDERS, beside)


def way_in(
    host: Host, settings: MailSettings, client: SmtpClient, transport: MailTransport
) -> Callable[[Mail], Handled]:
    """Takes a mail. Raises RouterError or TryAgain when it must come again."""
    router = host.router
    answers = Answers(AnswerMails(settings, client))
    replies = Replies(settings, router.own, router.submit, router.put_file, answers)
    intake = Intake(
        settings, Strangers(router), replies, answers, router.submit, transport.close_chat, transport.open_chat
    )
    return lambda mail: host.lifecycle.handle("mail", lambda: intake.receive(mail))


def _poll(host: Host, settings: MailSettings, client: SmtpClient, transport: MailTransport) -> None:
    take = way_in(host, settings, client, transport)
    backoff = Backoff(*_POLL_S, random.Random())  # noqa: S311 - it spreads tries
    Polling(lambda: Mailbox(settings), take, backoff, host.stop).run()


# It has no endpoints: a mailbox is asked.
MAIL = Platform("mail", lambda _host: None, start_courier)
