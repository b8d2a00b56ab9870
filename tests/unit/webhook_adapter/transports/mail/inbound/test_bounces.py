"""A mail that came back, as mail servers report it."""

import pytest

from webhook_adapter.transports.mail.inbound.bounces import Bounce, bounce

REPLY_TO = "pointsman+abc@example.org"
REPORT = """From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
To: pointsman@example.org
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry to have to inform you that your message could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net
Arrival-Date: Mon, 30 Nov 2026 10:12:00 +0000

Final-Recipient: rfc822; ada@example.com
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 <ada@example.com>: user unknown

--b
Content-Type: {kind}

From: Pointsman <pointsman@example.org>
To: ada@example.com
Reply-To: Pointsman <{reply_to}>
Message-ID: <1@example.org>
Subject: [Pointsman] devbox

--b--
"""
WHY = "the mail came back: 5.1.1 550 5.1.1 <ada@example.com>: user unknown"


def report(
    action: str = "failed", status: str = "5.1.1", kind: str = "message/rfc822", reply_to: str = REPLY_TO
) -> bytes:
    return REPORT.format(action=action, status=status, kind=kind, reply_to=reply_to).replace("\n", "\r\n").encode()


def read(mail: bytes) -> Bounce | None:
    return bounce(mail, lambda address, person: (address, person) == (REPLY_TO, "ada@example.com"))


@pytest.mark.parametrize("kind", ["message/rfc822", "text/rfc822-headers"])
def test_it_says_to_whom_and_why(kind: str) -> None:
    assert read(report(kind=kind)) == Bounce("ada@example.com", WHY)


@pytest.mark.parametrize(
    "mail",
    [
        report(action="delayed", status="4.4.1"),
        report(action="delivered", status="2.0.0"),
        report(reply_to="pointsman+abd@example.org"),
        report(kind="text/plain"),
        b"Content-Type: multipart/report\r\n\r\nno parts",
        b"",
    ],
    ids=["delayed", "delivered", "no token of ours", "without our mail", "no parts", "nothing"],
)
def test_what_proves_no_failure_closes_nobody(mail: bytes) -> None:
    assert read(mail) is None
