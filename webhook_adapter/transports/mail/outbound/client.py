"""One mail to one address over SMTP (RFC 5321, submission as RFC 6409 has it), and where it stopped.

A mail is taken when the server answered behind its last line. Whoever hears nothing there knows nothing: it may be
taken.
"""

import re
import smtplib
import ssl
from dataclasses import dataclass
from enum import Enum

from webhook_adapter.transports.mail.settings import MailSettings, Server

PATIENCE_S = 20.0
"""Seconds for each answer. Behind a mail's last line twice as many, while the server looks at it: a lease is 120."""

_GO_ON = 354
_LONGEST_WORDS = 300  # characters of what a server says


class Stage(Enum):
    """Where it stopped."""

    CONNECT = "connect"  # also the greeting and TLS
    LOGIN = "login"
    SENDER = "sender"  # our own address
    RECIPIENT = "recipient"
    CONTENT = "content"
    UNKNOWN = "unknown"  # all of it was said, and not answered


class MailStopped(Exception):
    """The mail was not taken, or nobody knows. `code`: the server's; 0 where it said none."""

    def __init__(self, stage: Stage, code: int, words: str) -> None:
        super().__init__(f"{code} {words}" if code else words)
        self.stage = stage
        self.code = code


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server says of itself."""

    size: int  # bytes that a mail may have; 0: it does not say


class SmtpClient:
    """Opens a connection for each mail: servers end those that are at rest, and mails are rare."""

    def __init__(self, settings: MailSettings, patience: float = PATIENCE_S) -> None:
        self._settings = settings
        self._patience = patience

    def send(self, recipient: str, mail: bytes) -> None:
        """Hand one mail in, whose lines end in CRLF. Raises MailStopped."""
        smtp = self._open()
        try:
            size = f" SIZE={len(mail)}" if smtp.has_extn("size") else ""
            self._asked(smtp, Stage.SENDER, f"MAIL FROM:<{self._settings.address}>{size}")
            self._asked(smtp, Stage.RECIPIENT, f"RCPT TO:<{recipient}>")
            self._asked(smtp, Stage.CONTENT, "DATA", _GO_ON)
            self._content(smtp, mail)
        finally:
            _leave(smtp)

    def limits(self) -> Limits:
        """Connect and log in, and no more. Raises MailStopped."""
        smtp = self._open()
        try:
            size = smtp.esmtp_features.get("size", "")
            return Limits(int(size) if size.isdigit() else 0)
        finally:
            _leave(smtp)

    def _open(self) -> smtplib.SMTP:
        smtp = self._connected()
        try:
            self._encrypted(smtp)
            if self._settings.password:
                self._log_in(smtp)
        except MailStopped:
            smtp.close()
            raise
        return smtp

    def _connected(self) -> smtplib.SMTP:
        where, name = self._settings.smtp, self._settings.domain  # its default asks the network for our name
        try:
            if where.implicit:
                context = self._settings.tls()
                return smtplib.SMTP_SSL(where.host, where.port, name, timeout=self._patience, context=context)
            return smtplib.SMTP(where.host, where.port, name, timeout=self._patience)
        except smtplib.SMTPConnectError as error:
            raise _refused(Stage.CONNECT, error) from None
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise MailStopped(Stage.CONNECT, 0, _why(where, error)) from None

    def _encrypted(self, smtp: smtplib.SMTP) -> None:
        where = self._settings.smtp
        try:
            smtp.ehlo_or_helo_if_needed()
            if where.implicit or self._settings.plain:
                return
            # Never without: a password and all texts would be read on the way.
            if not smtp.has_extn("starttls"):
                raise MailStopped(Stage.CONNECT, 0, f"{where} offers no STARTTLS, and without TLS nothing is sent")
            smtp.starttls(context=self._settings.tls())
            smtp.ehlo_or_helo_if_needed()
        except smtplib.SMTPResponseException as error:
            raise _refused(Stage.CONNECT, error) from None
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise MailStopped(Stage.CONNECT, 0, _why(where, error)) from None

    def _log_in(self, smtp: smtplib.SMTP) -> None:
        try:
            smtp.login(self._settings.user, self._settings.password)
        except smtplib.SMTPResponseException as error:
            raise _refused(Stage.LOGIN, error) from None
        except smtplib.SMTPNotSupportedError:
            raise MailStopped(Stage.LOGIN, 0, f"{self._settings.smtp} offers no login that we know") from None
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise MailStopped(Stage.CONNECT, 0, _why(self._settings.smtp, error)) from None

    def _asked(self, smtp: smtplib.SMTP, stage: Stage, line: str, wanted: int = 250) -> None:
        try:
            code, words = smtp.docmd(line)
        except (OSError, smtplib.SMTPException) as error:
            raise MailStopped(stage, 0, _why(self._settings.smtp, error)) from None
        if code != wanted and not (wanted < _GO_ON and code // 100 == 2):
            raise MailStopped(stage, code, _text(words))

    def _content(self, smtp: smtplib.SMTP, mail: bytes) -> None:
        try:
            smtp.send(re.sub(rb"(?m)^\.", b"..", mail) + b".\r\n")  # the last line comes with the rest, or not at all
        except (OSError, smtplib.SMTPException) as error:
            raise MailStopped(Stage.CONTENT, 0, _why(self._settings.smtp, error)) from None
        try:
            if smtp.sock is not None:
                smtp.sock.settimeout(2 * self._patience)
            code, words = smtp.getreply()
        except (OSError, smtplib.SMTPException) as error:
            raise MailStopped(Stage.UNKNOWN, 0, _why(self._settings.smtp, error)) from None
        if code // 100 != 2:
            raise MailStopped(Stage.CONTENT, code, _text(words))


def _leave(smtp: smtplib.SMTP) -> None:
    """Say goodbye where that keeps nobody waiting: what was answered is answered."""
    try:
        smtp.putcmd("quit")
    except (OSError, smtplib.SMTPException):
        pass
    finally:
        smtp.close()


def _refused(stage: Stage, error: smtplib.SMTPResponseException) -> MailStopped:
    return MailStopped(stage, error.smtp_code, _text(error.smtp_error))


def _text(words: bytes | str) -> str:
    """What a server says, in one line."""
    said = words.decode(errors="replace") if isinstance(words, bytes) else words
    return " ".join("".join(c if c.isprintable() else " " for c in said).split())[:_LONGEST_WORDS]


def _why(where: Server, error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{where}: its certificate is not trusted: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return f"{where} does not answer"
    return f"{where}: {_text(str(error)) or type(error).__name__}"
