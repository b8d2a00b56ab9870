"""Who wrote a mail, and whether a person did."""

import pytest

from tests.fakes.mails import written
from webhook_adapter.transports.mail.inbound.envelope import Envelope, envelope

OURS = "pointsman@example.org"
TO = "pointsman+abc@example.org"


def read(raw: bytes) -> Envelope:
    return envelope(raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", OURS)


def test_who_wrote_to_whom() -> None:
    found = read(written("x", "Ada@Example.com", f"Pointsman <{TO}>", message_id="a@b", subject="grüße", Cc="e@f.org"))

    assert found == Envelope("ada@example.com", "Ada", (TO, "e@f.org"), "a@b", "grüße", "", is_report=False)
    assert found.actor == "mail:ada@example.com (Ada)"


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"Auto_Submitted": "auto-replied"}, "auto_submitted"),
        ({"Auto_Submitted": "auto-generated; x=y"}, "auto_submitted"),
        ({"Precedence": "Bulk"}, "precedence"),
        ({"Precedence": "auto_reply"}, "precedence"),
        ({"List_Id": "<l.example.org>"}, "list"),
        ({"List_Unsubscribe": "<mailto:x@y>"}, "list"),
        ({"X_Auto_Response_Suppress": "All"}, "auto_response"),
        ({"X_Autoreply": "yes"}, "auto_response"),
        ({"Return_Path": "<>"}, "no_sender"),
        ({"Auto_Submitted": "no"}, ""),
        ({}, ""),
    ],
)
def test_a_mail_that_no_person_wrote_says_so(headers: dict[str, str], why: str) -> None:
    assert read(written("x", "ada@example.com", TO, **headers)).by_machine == why


@pytest.mark.parametrize(
    ("sender", "why"),
    [
        (OURS, "own"),
        (TO, "own"),
        ("MAILER-DAEMON@mx.example.org", "no_sender"),
        ("no-reply@example.com", "no_sender"),
        ("pointsman@example.com", ""),
    ],
)
def test_nor_did_who_is_none(sender: str, why: str) -> None:
    assert read(written("x", sender, TO)).by_machine == why


@pytest.mark.parametrize(
    "sent",
    [
        b"From: ada@example.com\r\nFrom: eva@example.com\r\n\r\n",
        b"From: ada@example.com, eva@example.com\r\n\r\n",
        b"From: Ada\r\n\r\n",
        b"From: \xff\xfe <\xff@\xff>\r\n\r\n",
        b"From: gr\xc3\xbc\xc3\x9fe@example.com\r\n\r\n",
        b"From: ada@example.com@example.org\r\n\r\n",
        b"\r\n",
        b"",
    ],
)
def test_without_one_sender_there_is_none(sent: bytes) -> None:
    assert envelope(sent, OURS).sender == ""


def test_a_name_cannot_pretend_to_be_anything_else() -> None:
    raw = b"From: =?utf-8?q?Ada=0A=1B=5B31m_=28admin=29?= <ada@example.com>\r\n\r\n"

    assert read(raw).actor == "mail:ada@example.com (Ada 31m admin)"


def test_a_report_of_a_mail_server_is_one() -> None:
    raw = b"From: mailer-daemon@mx\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"

    assert read(raw).is_report
