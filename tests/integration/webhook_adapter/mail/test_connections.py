"""Connections to mail servers: nothing is said without TLS, and nobody is waited for without end."""

import socket

import pytest

from tests.fakes.smtp_server import Rude
from tests.integration.webhook_adapter.mail.desk import ADA
from tests.integration.webhook_adapter.transports.conformance.mail_stage import MailStage
from webhook_adapter.transports.mail.inbound.imap import Imap
from webhook_adapter.transports.mail.inbound.mailbox import Mailbox, MailboxError
from webhook_adapter.transports.mail.outbound.client import MailStopped, SmtpClient, Stage
from webhook_adapter.transports.mail.settings import MailSettings, from_environ

MAIL = b"Subject: x\r\n\r\n.\r\nhello\r\n"


def settings(stage: MailStage, **changes: str) -> MailSettings:
    read = from_environ(stage.settings | changes)
    assert read is not None
    return read


@pytest.mark.parametrize(
    ("verb", "where"),
    [
        ("CONNECT", Stage.CONNECT),
        ("EHLO", Stage.CONNECT),
        ("AUTH", Stage.CONNECT),
        ("MAIL", Stage.SENDER),
        ("RCPT", Stage.RECIPIENT),
        ("DATA", Stage.CONTENT),
        (".", Stage.UNKNOWN),
    ],
)
def test_a_silent_server_is_not_waited_for_without_end(stage: MailStage, verb: str, where: Stage) -> None:
    stage.smtp.rude(verb, Rude.HANG)

    with pytest.raises(MailStopped) as stopped:
        SmtpClient(settings(stage), patience=2.0).send(ADA, MAIL)

    assert (stopped.value.stage, stopped.value.code) == (where, 0)


def test_a_mail_comes_as_it_was_sent(stage: MailStage) -> None:
    SmtpClient(settings(stage)).send(ADA, MAIL)

    assert stage.smtp.arrived[0].raw == MAIL


def test_without_tls_neither_password_nor_mail_is_sent(stage: MailStage) -> None:
    with pytest.raises(MailStopped, match="no STARTTLS"):
        SmtpClient(settings(stage, POINTSMAN_MAIL_PLAIN="")).send(ADA, MAIL)

    assert {each.split()[0].upper() for each in stage.smtp.said} <= {"EHLO", "QUIT"}


def test_without_tls_nobody_logs_in_at_the_mailbox(stage: MailStage) -> None:
    with pytest.raises(MailboxError, match="no STARTTLS"):
        Mailbox(settings(stage, POINTSMAN_MAIL_PLAIN=""))

    assert set(stage.imap.said) == {"CAPABILITY"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"POINTSMAN_MAIL_PASSWORD": "wrong"}, "does not let us in"), ({"POINTSMAN_MAIL_FOLDER": "Nowhere"}, "no folder")],
)
def test_what_a_person_has_to_cure_is_said(stage: MailStage, changes: dict[str, str], words: str) -> None:
    with pytest.raises(MailboxError, match=words) as refused:
        Mailbox(settings(stage, **changes))

    assert refused.value.is_refusal


def test_a_server_that_cannot_tell_is_asked_again(stage: MailStage) -> None:
    stage.imap.capabilities = "IMAP4rev1"
    mailbox = Mailbox(settings(stage))
    looks = list[float]()

    mailbox.wait(lambda seconds: looks.append(seconds) or len(looks) == 3)
    mailbox.close()

    assert (looks, "IDLE" in stage.imap.said) == ([1.0] * 3, False)


def test_what_was_said_before_tls_counts_no_more() -> None:
    ours, theirs = socket.socketpair()
    after, encrypted = socket.socketpair()
    with ours, theirs, after, encrypted:
        imap = Imap.__new__(Imap)
        imap.sock = ours
        theirs.sendall(b"A1 OK begin\r\n* CAPABILITY injected\r\n")
        first = imap.readline()
        imap.sock = after  # as starttls does
        encrypted.sendall(b"* CAPABILITY sound\r\n")

        assert (first, imap.readline()) == (b"A1 OK begin\r\n", b"* CAPABILITY sound\r\n")


def test_a_line_that_came_with_another_one_ends_the_waiting() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        imap = Imap.__new__(Imap)
        imap.sock, imap.tagpre, imap.tagnum, imap.tagged_commands = ours, b"A", 0, {}
        imap._mode_ascii()
        theirs.sendall(b"+ idling\r\n* 3 EXISTS\r\n")
        looks = list[int]()

        def stopped() -> bool:
            looks.append(1)
            return True

        theirs.sendall(b"A0 OK done\r\n")
        imap.idle(30.0, stopped)

        assert looks == []
