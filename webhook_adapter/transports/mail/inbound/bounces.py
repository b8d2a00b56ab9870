"""What mail servers report of a mail of ours that they could not bring (RFC 3464). Pure.

Anybody can write such a report. It counts where what it brings back of our mail holds the token that only we made for
that address.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from email.utils import getaddresses, parseaddr

from webhook_adapter.transports.mail.inbound.content import Unreadable, bytes_of, parsed, parts_of
from webhook_adapter.transports.mail.settings import person_address

_MOST_PARTS = 20
_LONGEST_WORDS = 300  # characters of what a server says


@dataclass(frozen=True, slots=True)
class Bounce:
    """A mail came back. `why`: in the servers' words."""

    person: str
    why: str


def bounce(mail: bytes, proves: Callable[[str, str], bool]) -> Bounce | None:
    """What a report tells; None where it is none of a failure, or of no mail of ours.

    `proves`: whether an address of ours was made for a person's address.
    """
    try:
        parts = parts_of(parsed(mail))[:_MOST_PARTS]
    except Unreadable:
        return None
    why = next((found for part in parts if (found := _failure(part))), "")
    for returned in parts if why else ():
        for headers in _returned(returned):
            person = person_address(parseaddr(str(headers.get("To", "")))[1])
            answers = [address for _, address in getaddresses([str(headers.get("Reply-To", ""))])[:2]]
            if person and any(proves(address, person) for address in answers):
                return Bounce(person, why)
    return None


def _failure(part: Message) -> str:
    """Why, where this part says that a mail failed for good."""
    if part.get_content_type() != "message/delivery-status":
        return ""
    for fields in parts_of(part):
        if str(fields.get("Action", "")).strip().lower() == "failed":
            said = str(fields.get("Diagnostic-Code", "")).rpartition(";")[2]
            words = f"{fields.get('Status', '')} {said}"
            shown = "".join(c if c.isprintable() else " " for c in words.encode(errors="replace").decode())
            return f"the mail came back: {' '.join(shown.split())}"[:_LONGEST_WORDS]
    return ""


def _returned(part: Message) -> Iterator[Message]:
    """The headers of the mail that came back."""
    if part.get_content_type() == "message/rfc822":
        yield from parts_of(part)[:1]
    elif part.get_content_type() == "text/rfc822-headers":
        yield BytesParser().parsebytes(bytes_of(part), headersonly=True)
