"""The message that a mail answers, as the router knows it, and what may be answered there."""

import re
from dataclasses import dataclass
from typing import Protocol

from pointsman.client.errors import RouterError
from pointsman.client.permission_records import Permission
from pointsman.client.records import Notification
from webhook_adapter.transports.mail.options import Choice, Option, chosen, numbered
from webhook_adapter.transports.mail.reply_token import identity

_WANTS_CODE = "six digits"  # so the router says that a question takes a code; a test holds both to it
_CODE = re.compile(r"[0-9]{6}")
_LATEST = 1000  # the most that the router lists


class Messages(Protocol):
    """What is asked of the router about messages. Every method raises RouterError."""

    def notification(self, notification_id: str) -> Notification:
        """One of them."""

    def notifications(self, session_id: str = "", limit: int = 0) -> list[Notification]:
        """The newest."""

    def permissions(self, session_id: str = "", permission_id: str = "") -> list[Permission]:
        """Questions."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The message that is answered. `own_words`: it takes what stands among no options."""

    message_id: str  # as the platform's; empty where the router does not know it as delivered
    options: tuple[Option, ...] = ()
    own_words: bool = True
    takes_code: bool = False

    def choice(self, text: str) -> Choice | None:
        """What the text chooses, if exactly that."""
        return chosen(self.options, text)

    def takes(self, text: str) -> bool:
        """Whether a text that chooses nothing may be handed in as it is."""
        return self.own_words or (self.takes_code and _CODE.fullmatch(text) is not None)


def answered(messages: Messages, wanted: str) -> Answered | None:
    """The message of this identity; None where the router has it no more. Raises RouterError."""
    found = _found(messages, wanted)
    if found is None:
        return None
    named = found.message_ids[-1] if found.message_ids else ""
    options = numbered((each.label, f"cmd:{found.token}:{each.action}") for each in found.buttons if found.token)
    if not found.permission_id:
        return Answered(named, options)
    asked = next(iter(messages.permissions(permission_id=found.permission_id)), None)
    # Only a question has an option that no button stands for: one's own words. No prose allows a tool, or denies it.
    own = asked is not None and asked.kind == "QUESTION" and len(asked.options) > len(found.buttons)
    own = own or (asked is not None and asked.is_notice)  # which is none: words are for its session
    return Answered(named, options, own_words=own, takes_code=_WANTS_CODE in found.text)


def _found(messages: Messages, wanted: str) -> Notification | None:
    try:
        return messages.notification(wanted)
    except RouterError as error:
        if error.status != "NOT_FOUND":
            raise
    # An agent that is not ours may have given it an id that is no UUID.
    return next(
        (each for each in messages.notifications(limit=_LATEST) if identity(each.notification_id) == wanted), None
    )
