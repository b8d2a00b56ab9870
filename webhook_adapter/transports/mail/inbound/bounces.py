"""What mail servers report of a mail of ours that they could not bring (RFC 3464). Pure.

Anybody can write such a report. It counts where what it brings back of our mail holds the token that only we made for
that address.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from email.utils import getaddresses, parseaddr

from webhook_adapter.transports.mail.inbound.content import Unreadable, parsed
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
        inside = parsed(mail).get_payload()
    except Unreadable:
        return None
    parts = [part for part in inside[:_MOST_PARTS] if isinstance(part, Message)] if isinstance(inside, list) else []
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
    blocks = part.get_payload()
    for fields in blocks if isinstance(blocks, list) else ():
        if isinstance(fields, Message) and str(fields.get("Action", "")).strip().lower() == "failed":
            said = str(fields.get("Diagnostic-Code", "")).rpartition(";")[2]
            words = f"{fields.get('Status', '')} {said}"
            shown = "".join(c if c.isprintable() else " " for c in words.encode(errors="replace").decode())
            return f"the mail came back: {' '.join(shown.split())}"[:_LONGEST_WORDS]
    return ""


def _returned(part: Message) -> Iterator[Message]:
    """The headers of the mail that came back."""
    inside = part.get_payload()
    if part.get_content_type() == "message/rfc822" and isinstance(inside, list):
        yield from (each for each in inside[:1] if isinstance(each, Message))
    elif part.get_content_type() == "text/rfc822-headers" and isinstance(inside, str):
        yield Parser().parsestr(inside, headersonly=True)
