"""A mail in our mailbox, and what names it for ever."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

from webhook_adapter.transports.mail.inbound.envelope import Envelope
from webhook_adapter.transports.mail.inbound.mailbox import Head


class TryAgain(Exception):
    """The mail stays as it is, and is looked at again later."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail. `place` names where it lies; `fetch` gives its first bytes, and raises what the mailbox raises."""

    place: str
    head: Head
    fetch: Callable[[int], bytes]


def update_key(mail: Mail, read: Envelope) -> str:
    """The same at every look, also where the server numbers its mails anew, or got the mail twice.

    Whoever could take another mail's name has its writer's address and a token for it.
    """
    name = f"{read.sender} {read.message_id}" if read.message_id else mail.place
    return f"mail:{hashlib.sha256(name.encode()).hexdigest()[:40]}"


def begun_by(person: str) -> str:
    """What somebody answers who was asked to say again what they wrote: no message of the router's."""
    return str(uuid5(NAMESPACE_URL, f"mailto:{person}"))
