"""A message as a mail: plain text and simple HTML, its choices numbered, its files behind it.

What mail clients sort by is made of what is known, so that nothing need be kept: a mail's Message-ID of its
notification, the same at every try, and the first in its References of its session, which makes them one conversation.
"""

import hashlib
import html
import mimetypes
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import quote

from webhook_adapter.transports.mail.options import Option, numbered
from webhook_adapter.transports.mail.reply_token import identity
from webhook_adapter.transports.transport import Outgoing

NAME = "Pointsman"
# Servers may know no 8-bit mail.
_POLICY = SMTP.clone(cte_type="7bit")
_LONGEST_SUBJECT = 150  # characters
_MESSAGE_ID = re.compile(r"[\x21-\x3b\x3d\x3f-\x7e]{1,250}")
_SHOWN = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "application/pdf"})
_CHOOSE = "To choose, answer with the number of one, or its words, and nothing else."
_CHOOSE_WITH_WORDS = "{number} wants words of yours behind it: `{number}: your words`."
_TO_SESSION = "Answer this mail to write to the session: what stands above the quoted text is typed there."
_TO_US = "Answer this mail to write to Pointsman: /help tells what it knows."


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file, whole."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a mail is made of. `subject`: of its conversation; `thread`: what makes it one."""

    recipient: str
    reply_to: str
    message_id: str
    subject: str
    thread: str
    text: str
    options: tuple[Option, ...] = ()
    answers: str = ""  # the Message-ID of the mail that it answers
    hint: str = _TO_US
    attachments: tuple[Attachment, ...] = ()
    replied: bool = False  # somebody's mail is answered by a program


def sheet_of(message: Outgoing, domain: str, reply_to: str) -> Sheet:
    """The mail that brings a message, without its files."""
    name = " · ".join(filter(None, (message.machine_id, message.session_label))) if message.session_id else ""
    about = message.session_id or "system"
    return Sheet(
        recipient=message.chat.chat_id,
        reply_to=reply_to,
        message_id=message_id(message.notification_id, domain),
        subject=f"[{NAME}] {name}" if name else NAME,
        thread=thread_id(about, message.chat.chat_id, domain),
        text=message.text,
        options=numbered((each.label, each.data) for each in message.buttons),
        answers=message.reply_to_message_id or (message.edit_message_ids[-1] if message.edit_message_ids else ""),
        hint=_TO_SESSION if message.session_id else _TO_US,
    )


def message_id(notification_id: str, domain: str) -> str:
    """Of the mail that brings a notification, without its angle brackets."""
    return f"{identity(notification_id)}@{domain}"


def thread_id(about: str, person: str, domain: str) -> str:
    """What the mails about one thing to one person refer to. No mail has it."""
    return f"thread.{hashlib.sha256(f'{about} {person}'.encode()).hexdigest()[:32]}@{domain}"


def mail_of(sheet: Sheet, sender: str, now: float) -> bytes:
    """The mail as it is sent, at that time (seconds since the epoch)."""
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = Address(NAME, addr_spec=sender)
    mail["To"] = Address(addr_spec=sheet.recipient)
    mail["Reply-To"] = Address(NAME, addr_spec=sheet.reply_to)
    mail["Subject"] = _one_line(sheet.subject)[:_LONGEST_SUBJECT]
    mail["Date"] = format_datetime(datetime.fromtimestamp(now, UTC))
    mail["Message-ID"] = f"<{sheet.message_id}>"
    answers = sheet.answers if _MESSAGE_ID.fullmatch(sheet.answers) else ""
    mail["In-Reply-To"] = f"<{answers or sheet.thread}>"
    mail["References"] = " ".join(f"<{each}>" for each in (sheet.thread, answers) if each)
    # So that nobody's machine answers: not one that is away, and not one of ours.
    mail["Auto-Submitted"] = "auto-replied" if sheet.replied else "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(plain(sheet), cte="quoted-printable")
    mail.add_alternative(page(sheet), subtype="html", cte="quoted-printable")
    for each in sheet.attachments:
        main, _, sub = _kind(each.name).partition("/")
        mail.add_attachment(each.content, maintype=main, subtype=sub, filename=each.name)
    _name_boundaries(mail, sheet.message_id)
    return mail.as_bytes()


def plain(sheet: Sheet) -> str:
    """The mail for who reads text."""
    lines = [_sound(sheet.text)]
    if sheet.options:
        listed = "\n".join(f"{each.number}. {_sound(each.label)}" for each in sheet.options)
        lines += [listed, " ".join(_hints(sheet.options))]
    # Mail clients cut off what stands below this sign when they quote.
    return "\n\n".join(lines) + f"\n\n-- \n{sheet.hint}\n"


def page(sheet: Sheet) -> str:
    """The same in HTML. A choice is a link that begins the answer; nothing is fetched from anywhere."""
    text = html.escape(_sound(sheet.text)).replace("\n", "<br>")
    parts = [f'<div style="white-space:pre-wrap">{text}</div>']
    if sheet.options:
        listed = "\n".join(f"<li>{_choice(sheet, each)}</li>" for each in sheet.options)
        parts += [f"<ol>\n{listed}\n</ol>", f"<p>{html.escape(' '.join(_hints(sheet.options)))}</p>"]
    parts.append(f'<p style="color:#666;font-size:small">{html.escape(sheet.hint)}</p>')
    return "<!doctype html>\n<html><body>\n" + "\n".join(parts) + "\n</body></html>\n"


def _kind(name: str) -> str:
    """What a mail program may show by itself; all else it offers to save."""
    kind = mimetypes.guess_type(name)[0] or ""
    return kind if kind in _SHOWN else "application/octet-stream"


def _choice(sheet: Sheet, option: Option) -> str:
    says = f"{option.number}: " if option.with_words else str(option.number)
    fields = f"subject={quote(f'Re: {_one_line(sheet.subject)}')}&body={quote(says)}"
    link = html.escape(f"mailto:{quote(sheet.reply_to, safe='@+')}?{fields}")
    return f'<a href="{link}">{html.escape(_sound(option.label))}</a>'


def _hints(options: tuple[Option, ...]) -> list[str]:
    return [_CHOOSE, *(_CHOOSE_WITH_WORDS.format(number=each.number) for each in options if each.with_words)]


def _name_boundaries(mail: EmailMessage, about: str) -> None:
    """So that every try is the same mail."""
    for number, part in enumerate(part for part in mail.walk() if part.is_multipart()):
        part.set_boundary(f"=_{hashlib.sha256(about.encode()).hexdigest()[:24]}_{number}")


def _sound(text: str) -> str:
    """Without what mail cannot carry: half a surrogate pair, and controls but for line ends and tabs."""
    whole = text.encode(errors="replace").decode()
    return "".join(c for c in whole.replace("\r\n", "\n") if c.isprintable() or c in "\n\t" or ord(c) > 0x9F)


def _one_line(text: str) -> str:
    return " ".join(_sound(text).split())
