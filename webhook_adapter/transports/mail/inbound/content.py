"""What a mail says and brings: its text and its files, however it is put together. Pure.

A mail is whatever somebody sends: its size, depth and number of parts are bounded, and what cannot be read is left out
or replaced, but never raises.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser

from webhook_adapter.transports.mail.inbound.html_text import text_of
from webhook_adapter.transports.mail.inbound.quotes import own_words

MOST_PARTS = 100
MOST_DEPTH = 10
MOST_FILES = 10
_LONGEST_TEXT = 256 * 1024  # characters; the router takes less, and says so
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_BOUNDARY = re.compile(rb"boundary\s*=", re.IGNORECASE)
_NAMES = {
    "image/jpeg": "photo.jpg",
    "image/png": "picture.png",
    "text/plain": "text.txt",
    "application/pdf": "file.pdf",
}


class Unreadable(Exception):
    """It is no mail that people's programs make; why, for people."""


@dataclass(frozen=True, slots=True)
class MailFile:
    """A file that came with a mail."""

    name: str  # letters, digits, ".", "_" and "-"
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Content:
    """What a person wrote, without what they quote, and their files. `left_out`: files beyond the most."""

    text: str
    files: tuple[MailFile, ...] = ()
    left_out: int = 0


def content(mail: bytes, own_address: str) -> Content:
    """What a mail says and brings. Raises Unreadable."""
    parts = list(_parts(parsed(mail)))
    texts = [part for part in parts if _is_text(part)]
    # Some programs put a text before a picture and one behind it.
    text = "\n".join(_unwrapped(part) for part in texts if part.get_content_subtype() == "plain")
    if not text.strip():
        text = "\n\n".join(text_of(_text(part)) for part in texts if part.get_content_subtype() == "html")
    files = [part for part in parts if _is_file(part)]
    return Content(
        own_words(text[:_LONGEST_TEXT], own_address),
        tuple(MailFile(_name(part), bytes_of(part)) for part in files[:MOST_FILES]),
        len(files[MOST_FILES:]),
    )


def parsed(mail: bytes) -> Message:
    """A mail with its parts. Raises Unreadable."""
    # Before it is read: a parser asks each line for each boundary that is open.
    if len(_BOUNDARY.findall(mail)) > MOST_PARTS:
        raise Unreadable("it has too many parts")
    try:
        return BytesParser().parsebytes(mail)
    except (RecursionError, MessageError, ValueError, LookupError, IndexError, TypeError, AttributeError):
        raise Unreadable("it cannot be read") from None


def parts_of(mail: Message) -> list[Message]:
    """The parts right below; none for a text, which is not looked at: it may have a charset that is none."""
    inside = mail.get_payload() if mail.is_multipart() else []
    return [each for each in inside if isinstance(each, Message)]


def _parts(mail: Message) -> Iterator[Message]:
    """What has no parts of its own, in order. A mail within it is somebody else's words. Raises Unreadable."""
    waiting: list[tuple[Message, int]] = [(mail, 0)]
    count = 0
    while waiting:
        part, depth = waiting.pop()
        count += 1
        if depth > MOST_DEPTH or count > MOST_PARTS:
            raise Unreadable("it has too many parts")
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            waiting += [(each, depth + 1) for each in reversed(parts_of(part))]
        elif part.get_content_maintype() != "message":
            yield part


def _is_text(part: Message) -> bool:
    return part.get_content_type() in ("text/plain", "text/html") and not _is_file(part)


def _is_file(part: Message) -> bool:
    """A picture that the page shows belongs to the page: mostly it is a logo below the signature."""
    disposition, has_name = part.get_content_disposition(), bool(_given_name(part))
    if disposition == "attachment":
        return True
    is_of_page = disposition != "attachment" and "Content-ID" in part and part.get_content_maintype() == "image"
    text_itself = part.get_content_type() in ("text/plain", "text/html") and not has_name
    return (
        not is_of_page and not text_itself and (has_name or part.get_content_maintype() in ("image", "audio", "video"))
    )


def _given_name(part: Message) -> str:
    try:
        name = part.get_filename("") or ""
        return str(make_header(decode_header(name)))
    except (MessageError, LookupError, ValueError, TypeError):
        return ""


def _name(part: Message) -> str:
    safe = _UNSAFE.sub("_", _given_name(part)).lstrip(".")[-64:].lstrip(".")
    return safe or _NAMES.get(part.get_content_type(), "file")


def bytes_of(part: Message) -> bytes:
    """What a part holds, decoded as far as it can be."""
    try:
        payload = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError):
        payload = None
    return payload if isinstance(payload, bytes) else b""


def _text(part: Message) -> str:
    """In a charset that nobody knows, what can be read is read."""
    raw = bytes_of(part)
    try:
        charset = codecs.lookup(part.get_content_charset("utf-8")).name
        text = raw.decode(charset, errors="replace")
    except (LookupError, ValueError, TypeError):  # of what is no charset, too: "hex", a null in its name
        text = raw.decode("utf-8", errors="replace")
    return text.encode(errors="replace").decode().replace("\x00", "")


def _unwrapped(part: Message) -> str:
    """The text of a part. Of format=flowed (RFC 3676) a line that ends in a blank goes on in the next."""
    text = _text(part)
    if str(part.get_param("format", "")).lower() != "flowed":
        return text
    together = "" if str(part.get_param("delsp", "")).lower() == "yes" else " "
    lines = list[str]()
    goes_on = False
    for line in text.replace("\r\n", "\n").split("\n"):
        said = line if line.startswith(">") else line.removeprefix(" ")
        goes_on = goes_on and not said.startswith(">") and said not in ("-- ", "")
        if goes_on:
            lines[-1] += said
        else:
            lines.append(said)
        goes_on = said.endswith(" ") and said != "-- " and not said.startswith(">")
        if goes_on:
            lines[-1] = lines[-1].rstrip(" ") + together
    return "\n".join(lines)
