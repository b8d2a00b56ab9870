"""What can be wrong with e-mail: the settings, the server that takes mails, the mailbox."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pointsman.config import Settings, child_environment
from pointsman.connection import connected
from pointsman.doctor.findings import Finding, fail, ok, warn
from pointsman.errors import Failure
from pointsman.settings import Program

if TYPE_CHECKING:
    from webhook_adapter.transports.mail.settings import MailSettings

_LEAST_SIZE = 25 * 1024 * 1024  # bytes of a mail with the most files that we attach
_STRANGERS = 5  # the newest
_LOG_IN = "Are POINTSMAN_MAIL_USER and POINTSMAN_MAIL_PASSWORD right, and the server's name?"


def mail(settings: Settings) -> Iterator[Finding]:
    if not settings["POINTSMAN_MAIL_ADDRESS"]:
        yield ok("mail", "off; POINTSMAN_MAIL_ADDRESS turns it on")
        return
    from webhook_adapter.config import ConfigError
    from webhook_adapter.transports.mail.settings import from_environ

    environ = child_environment(settings, Program.COURIER)
    # Made by the first `pointsman up`; until then all else can be looked at.
    environ.setdefault("POINTSMAN_MAIL_TOKEN_KEY", "-" * 43)
    try:
        here = from_environ(environ)
    except (ConfigError, OSError) as error:
        yield fail("mail", str(error), "`pointsman doctor --settings` shows all settings.")
        return
    if here is not None:
        if here.plain:
            yield warn("mail", "mail servers are asked without TLS", "Unset POINTSMAN_MAIL_PLAIN.")
        yield _outbound(here)
        yield _inbound(here)
        yield from _strangers(settings, here)


def _outbound(here: "MailSettings") -> Finding:
    from webhook_adapter.transports.mail.outbound.client import MailStopped, SmtpClient

    try:
        limits = SmtpClient(here).limits()
    except (MailStopped, OSError) as error:
        return fail("mail", f"no mail goes out: {error}", _LOG_IN)
    if 0 < limits.size < _LEAST_SIZE:
        found = f"{here.smtp} takes mails of {limits.size // 1024 // 1024} MiB at most"
        return warn("mail", found, "Messages with larger files will be refused.")
    return ok("mail", f"{here.smtp} takes mails of {here.address}")


def _inbound(here: "MailSettings") -> Finding:
    from webhook_adapter.transports.mail.inbound.mailbox import Mailbox, MailboxError

    if here.imap is None:
        return warn("mailbox", "nobody can answer by mail", "Set POINTSMAN_MAIL_IMAP.")
    try:
        mailbox = Mailbox(here)
    except (MailboxError, OSError) as error:
        return fail("mailbox", f"no mail comes in: {error}", _LOG_IN)
    has_keywords = mailbox.has_keywords
    mailbox.close()
    if not has_keywords:
        found = f"{here.imap} keeps no keywords: a mail that somebody reads in that mailbox counts as done"
        return warn("mailbox", found, "Let nobody else open it.")
    return ok("mailbox", f"{here.imap}, folder {here.folder}")


def _strangers(settings: Settings, here: "MailSettings") -> Iterator[Finding]:
    """Who wrote of late and is not allowed: perhaps the person who reads this."""
    try:
        with connected(settings) as client:
            met = [each for each in client.strangers() if each.chat.transport == "mail"]
    except Failure:  # of which the other checks tell
        return
    for each in met[:_STRANGERS]:
        if each.user_id not in here.allowed:
            wanted = ",".join([*here.allowed, each.user_id])
            cure = f"To let them in: pointsman pair, or ALLOWED_MAIL_ADDRESSES={wanted}"
            yield warn("strangers", f"{each.user_id} wrote a mail and is not allowed", cure)
