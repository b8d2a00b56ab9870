"""What comes by mail: headers, mails with their parts, reports of mail servers, answers to choices; texts to send."""

import time
from contextlib import suppress
from email import message_from_bytes, policy

from pointsman.client.records import Chat
from tests.fuzz.on_machines import text
from tests.fuzz.target import target
from webhook_adapter.model import Submission
from webhook_adapter.router.convert import batch
from webhook_adapter.transports.mail.inbound.bounces import bounce
from webhook_adapter.transports.mail.inbound.content import Unreadable, content
from webhook_adapter.transports.mail.inbound.envelope import envelope
from webhook_adapter.transports.mail.inbound.html_text import text_of
from webhook_adapter.transports.mail.inbound.quotes import own_words
from webhook_adapter.transports.mail.options import chosen, numbered
from webhook_adapter.transports.mail.outbound.compose import mail_of, sheet_of
from webhook_adapter.transports.mail.reply_token import ReplyTokens
from webhook_adapter.transports.transport import Button, ChatRef, Outgoing

OURS = "pointsman@example.org"
TOKENS = ReplyTokens(b"k" * 43, OURS)
ABOUT = "00000000-0000-0000-0000-000000000007"
TO = TOKENS.address(ABOUT, "ada@example.com", 1_790_000_000.0)
PLAIN = f"""From: =?utf-8?q?Ada?= <ada@example.com>
To: "x, y" <{TO}>, e@f.org
Message-ID: <a@b>
Subject: =?iso-8859-1?b?Z3L832U=?=
Auto-Submitted: no
Content-Type: text/plain; charset=utf-8; format=flowed

yes \r
please

On Mon, Pointsman <{OURS}> wrote:
> x
"""
PARTS = f"""From: ada@example.com
To: {TO}
Content-Type: multipart/mixed; boundary="b"

--b
Content-Type: multipart/alternative; boundary=c

--c
Content-Type: text/html; charset=latin1
Content-Transfer-Encoding: quoted-printable

<p>gr=FC=DFe<blockquote>x</blockquote>
--c--
--b
Content-Type: image/png; name*0*=utf-8''%e2; name*1=a.png
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename="=?utf-8?q?=C3=A4?=.png"

aGVsbG8=
--b--
"""
REPORT = f"""Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx

Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 no
--b
Content-Type: message/rfc822

To: ada@example.com
Reply-To: {TO}
--b--
"""


@target(PLAIN, PARTS, REPORT)
def mails(data: bytes) -> None:
    """Whatever lies in the mailbox is read or refused, and what is read can be handed to the router as it is."""
    read = envelope(data, OURS)
    known = [TOKENS.read(each, read.sender, 1_790_000_000.0) for each in read.recipients]
    assert all(each is None or (each.identity, read.sender) == (ABOUT, "ada@example.com") for each in known)
    bounce(data, lambda address, person: TOKENS.read(address, person, time.time()) is not None)
    with suppress(Unreadable):
        said = content(data, OURS)
        names = [each.name for each in said.files]
        assert all(name and not name.startswith(".") and "/" not in name for name in names)
        chat = Chat("mail", read.sender or "-", message_id=read.message_id)
        batch([(1, Submission("mail:1", chat, read.actor, said.text))]).SerializeToString()


@target("<p>a<b>b</b><br>c<blockquote>d", "<div class=gmail_quote>x", "<![x", "&#xd800;&#0;<pre>\n a</pre>")
def mail_pages(data: bytes) -> None:
    text_of(text(data)).encode(errors="replace")


@target(PLAIN.partition("\n\n")[2], "1\n\n-- \nx", "From: x\nSent: y\n")
def mail_quotes(data: bytes) -> None:
    """Nothing is made up: what is left is the beginning of what was written."""
    said = text(data)
    kept = own_words(said, OURS).split()
    assert len(kept) <= len(said.replace("\u200b", "").split()) + 1


OPTIONS = numbered([("✅ Allow", "cmd:T:allow"), ("❌ Deny", "cmd:T:deny"), ("💬 Deny with reason", "cmd:T:reason")])


@target("1", "allow", "3: because", "yes, allow it", "#2.")
def mail_choices(data: bytes) -> None:
    """Only a number or the words choose, and words of one's own come with one choice alone."""
    said = text(data)
    choice = chosen(OPTIONS, said)
    if choice is not None and not choice.words:
        assert len(said.split()) <= 2
    assert choice is None or bool(choice.words) == choice.option.with_words


@target("text <b> & more\n.\n", "a" * 2000, "\x00\x1b[31m\r\nBcc: x@y.z")
def mails_out(data: bytes) -> None:
    """Whatever a session says becomes a mail with our headers and no others, in lines that servers take."""
    said = text(data)
    asked = Outgoing(
        ChatRef("ada@example.com"), said or "x", buttons=(Button(said[:80] or "x", "cmd:T:yes"),),
        notification_id=ABOUT, session_id="s1", machine_id=said[:20], session_label=said[-20:],
        reply_to_message_id=said[:50],
    )  # fmt: skip
    raw = mail_of(sheet_of(asked, "example.org", TO), OURS, 1_790_000_000.0)
    assert all(len(line) <= 998 and b"\n" not in line and b"\r" not in line for line in raw.split(b"\r\n"))
    read = message_from_bytes(raw, policy=policy.compat32)
    assert sorted(read.keys()) == sorted([
        "From", "To", "Reply-To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
        "X-Auto-Response-Suppress", "MIME-Version", "Content-Type",
    ])  # fmt: skip
