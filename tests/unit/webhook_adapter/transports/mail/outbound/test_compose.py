"""A message as a mail."""

from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any

import pytest

from webhook_adapter.transports.mail.outbound.compose import Attachment, Sheet, mail_of, sheet_of
from webhook_adapter.transports.transport import Button, ChatRef, Outgoing

REPLY_TO = "pointsman+abc@example.org"
ASKED = Outgoing(
    ChatRef("ada@example.com"), "May it use <Bash> & more?\n\n.\n  indented",
    buttons=(Button("✅ Allow", "cmd:T:allow"), Button("💬 Deny with reason", "cmd:T:reason")),
    notification_id="00000000-0000-0000-0000-000000000007", session_id="s1", machine_id="devbox", session_label="api",
)  # fmt: skip


def sent(**changes: Any) -> EmailMessage:
    read = message_from_bytes(raw(**changes), policy=policy.default)
    assert isinstance(read, EmailMessage)
    return read


def raw(attachments: tuple[Attachment, ...] = (), **changes: Any) -> bytes:
    sheet = replace(sheet_of(replace(ASKED, **changes), "example.org", REPLY_TO), attachments=attachments)
    return mail_of(sheet, "pointsman@example.org", 1_790_000_000.0)


def body(mail: EmailMessage, kind: str = "plain") -> str:
    found = mail.get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


def test_who_reads_text_sees_the_choices_and_how_to_choose() -> None:
    assert body(sent()) == (
        "May it use <Bash> & more?\n\n.\n  indented\n\n1. ✅ Allow\n2. 💬 Deny with reason\n\n"
        "To choose, answer with the number of one, or its words, and nothing else. "
        "2 wants words of yours behind it: `2: your words`.\n\n-- \n"
        "Answer this mail to write to the session: what stands above the quoted text is typed there.\n"
    )


def test_who_reads_html_sees_text_and_links_that_begin_the_answer() -> None:
    class Seen(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.links, self.tags = list[str](), set[str]()

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.tags.add(tag)
            self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    seen = Seen()
    seen.feed(body(sent(text="<script>x</script><img src=http://x>"), "html"))

    assert seen.tags == {"html", "body", "div", "ol", "li", "a", "p"}
    subject = "subject=Re%3A%20%5BPointsman%5D%20devbox%20%C2%B7%20api"
    assert seen.links == [f"mailto:{REPLY_TO}?{subject}&body=1", f"mailto:{REPLY_TO}?{subject}&body=2%3A%20"]


def test_mails_of_one_session_are_one_conversation() -> None:
    first, second = sent(), sent(notification_id="00000000-0000-0000-0000-000000000008", text="more", buttons=())

    assert first["Subject"] == second["Subject"] == "[Pointsman] devbox · api"
    assert first["References"] == second["References"] == first["In-Reply-To"]
    assert first["Message-ID"] == "<00000000-0000-0000-0000-000000000007@example.org>" != second["Message-ID"]
    assert sent(session_id="s2")["References"] != first["References"]


def test_an_answer_refers_to_what_it_answers_too() -> None:
    mail = sent(reply_to_message_id="their-1@phone.example")

    assert mail["In-Reply-To"] == "<their-1@phone.example>"
    assert mail["References"].strip() == f"{sent()['References']} <their-1@phone.example>"


@pytest.mark.parametrize("answered", ["a b", "x>\r\nBcc: eva@example.com", "é", "x" * 300])
def test_what_is_no_message_id_is_left_out(answered: str) -> None:
    assert sent(reply_to_message_id=answered)["In-Reply-To"] == sent()["In-Reply-To"]


def test_no_machine_answers_it() -> None:
    mail = sent()

    assert (mail["Auto-Submitted"], mail["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    assert (mail["Reply-To"], mail["To"]) == (f"Pointsman <{REPLY_TO}>", "ada@example.com")


def test_every_try_is_the_same_mail() -> None:
    files = (Attachment("a.txt", b"x"),)

    assert raw(files) == raw(files)


@pytest.mark.parametrize("label", ["a\r\nBcc: eva@example.com", "a\x00\x1b[31m", "\ud800", "x" * 500, "grüß 🙂 " * 40])
def test_a_name_stays_in_its_line(label: str) -> None:
    mail = sent(session_label=label, text=label, machine_id=label)

    assert mail["Bcc"] is None
    assert mail["Subject"].startswith("[Pointsman] ")
    assert not mail.defects


def test_lines_are_such_as_every_server_takes() -> None:
    lines = raw((Attachment("a.bin", bytes(range(256)) * 20),), text="ä" * 5_000).split(b"\r\n")

    assert max(map(len, lines)) <= 998
    assert all(byte < 128 for line in lines for byte in line)
    assert all(b"\n" not in line for line in lines)


def test_files_are_attached() -> None:
    [file] = sent(attachments=(Attachment("a.bin", b"\x00\xff"),)).iter_attachments()

    assert (file.get_filename(), file.get_content()) == ("a.bin", b"\x00\xff")


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.png", "image/png"), ("a.pdf", "application/pdf"), ("a.html", "application/octet-stream"),
     ("a.svg", "application/octet-stream"), ("a", "application/octet-stream")],
)  # fmt: skip
def test_only_pictures_are_shown_by_themselves(name: str, kind: str) -> None:
    assert [each.get_content_type() for each in sent(attachments=(Attachment(name, b"x"),)).iter_attachments()] == [
        kind
    ]


def test_what_the_mailbox_itself_says_has_no_session() -> None:
    sheet = Sheet("ada@example.com", REPLY_TO, "1@example.org", "Pointsman", "t@example.org", "hello", replied=True)
    mail = message_from_bytes(mail_of(sheet, "pointsman@example.org", 0.0), policy=policy.default)

    assert (mail["Subject"], mail["Auto-Submitted"]) == ("Pointsman", "auto-replied")
