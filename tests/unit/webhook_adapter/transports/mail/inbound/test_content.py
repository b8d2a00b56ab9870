"""What a mail says and brings, however it is put together."""

import base64
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from webhook_adapter.transports.mail.inbound.content import MOST_FILES, Content, MailFile, Unreadable, content

OURS = "pointsman@example.org"


def said(mail: bytes) -> Content:
    return content(mail, OURS)


def of_parts(*parts: str, kind: str = "mixed") -> bytes:
    whole = "".join(f"--b\r\n{part}\r\n" for part in parts)
    return f"Content-Type: multipart/{kind}; boundary=b\r\n\r\n{whole}--b--\r\n".encode()


def text_part(text: str, more: str = "") -> str:
    return f"Content-Type: text/plain; charset=utf-8{more}\r\n\r\n{text}"


@pytest.mark.parametrize(
    ("charset", "raw", "text"),
    [
        ("utf-8", "grüß 🙂".encode(), "grüß 🙂"),
        ("iso-8859-1", "grüß".encode("latin-1"), "grüß"),
        ("windows-1252", "„grüß“ …".encode("cp1252"), "„grüß“ …"),
        ("iso-2022-jp", "はい".encode("iso-2022-jp"), "はい"),
        ("nonsense", b"yes", "yes"),
        ("hex", b"yes", "yes"),
        ("utf-8", b"gr\xfc\xdf", "gr��"),
        ("utf-8", b"y\x00es", "yes"),
    ],
)
def test_a_text_in_any_charset(charset: str, raw: bytes, text: str) -> None:
    mail = f"Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: base64\r\n\r\n".encode()

    assert said(mail + base64.encodebytes(raw)) == Content(text)


def test_plain_text_goes_before_html() -> None:
    mail = of_parts(text_part("plain"), "Content-Type: text/html\r\n\r\n<p>page</p>", kind="alternative")

    assert said(mail) == Content("plain")


def test_html_alone_becomes_text() -> None:
    mail = of_parts(text_part("  \r\n"), "Content-Type: text/html\r\n\r\n<p>page</p><p>two</p>", kind="alternative")

    assert said(mail) == Content("page\n\ntwo")


def test_lines_that_flow_are_one_line() -> None:
    flowed = "first line \r\ngoes on\r\n\r\n from here\r\n> quoted \r\n> more"

    assert said(text_part(flowed, "; format=flowed").encode()).text == "first line goes on\n\nfrom here"


def test_files_come_with_their_names_and_bytes() -> None:
    mail = EmailMessage(policy=SMTP)
    mail.set_content("look")
    mail.add_attachment(b"\x00\xff", maintype="image", subtype="png", filename="../a b/ä.png")
    mail.add_attachment("text\n", filename="notes.txt")

    assert said(mail.as_bytes()) == Content(
        "look", (MailFile("_a_b_.png", b"\x00\xff"), MailFile("notes.txt", b"text\r\n"))
    )


def test_texts_before_and_behind_a_picture_are_one_text() -> None:
    picture = "Content-Type: image/jpeg; name=a.jpg\r\nContent-Disposition: inline; filename=a.jpg\r\n\r\nx"

    assert said(of_parts(text_part("before"), picture, text_part("behind"))) == Content(
        "before\nbehind", (MailFile("a.jpg", b"x"),)
    )


def test_a_picture_of_the_page_is_no_file() -> None:
    logo = "Content-Type: image/png; name=logo.png\r\nContent-ID: <a>\r\nContent-Disposition: inline\r\n\r\nx"

    assert said(of_parts("Content-Type: text/html\r\n\r\n<p>yes</p>", logo, kind="related")) == Content("yes")


def test_a_mail_within_it_is_somebody_elses_words() -> None:
    inner = "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nrm -rf /"

    assert said(of_parts(text_part("look"), inner)) == Content("look")


def test_files_beyond_the_most_are_counted() -> None:
    file = "Content-Type: text/plain\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nx"

    read = said(of_parts(text_part("look"), *[file] * (MOST_FILES + 2)))

    assert (len(read.files), read.left_out) == (MOST_FILES, 2)


@pytest.mark.parametrize(
    "mail",
    [
        of_parts(*[text_part("x")] * 200),
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(50)),
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(2000)),
    ],
    ids=["many", "deep", "deeper than a stack"],
)
def test_a_mail_that_nobody_makes_is_refused(mail: bytes) -> None:
    with pytest.raises(Unreadable):
        said(mail)


@pytest.mark.parametrize(
    "mail", [b"", b"\r\n", b"\xff" * 100, b"Content-Type: multipart/mixed\r\n\r\nx", b"a" * 100_000]
)
def test_what_is_hardly_a_mail_never_raises(mail: bytes) -> None:
    said(mail)
