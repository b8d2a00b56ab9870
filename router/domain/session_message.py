"""What a session says to another one: how it reads there, how far it may go, and whether people let it.

The line before the words is the router's alone. No other text that is typed has one that begins so: whoever writes,
the mark at the beginning of a line becomes two square brackets.
"""

import re
from enum import Enum

from msgspec import Struct

from router.domain.errors import Reason, Refusal
from router.domain.session import Session, SessionState
from router.domain.unicode_escapes import visible

MAX_BYTES = 16 * 1024
MAX_HOPS = 10  # sessions in a row without a word of a person
MOST_WAITING = 5  # messages of one session, until people have said whether they may be
MOST_LATELY, LATELY = 60, 600.0  # messages of one session within so many seconds
ANSWERABLE = 24 * 3600.0  # seconds in which a message may be answered without a consent
GOOD_FOR = 90 * 24 * 3600.0  # seconds; by then people have forgotten what they agreed to
ASKED_FOR = 24 * 3600.0  # seconds until nobody answers any more
MARK, END = "⟦", "⟧"
# Whatever ends a line for somebody; and what cannot be seen before the mark is no disguise.
_UNSEEN = r"[\s\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
_AT_A_LINE = re.compile(rf"((?:^|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]){_UNSEEN}*){MARK}")
_HEAD = (
    "{mark}pointsman: session {name} on {machine} says this, no person does. To answer it: pointsman send --reply"
    " {message_id} TEXT{end}\n{text}"
)
_OWN = "{mark}pointsman: this session wanted to be told this now, no person does.{end}\n{text}"


class SessionMessageState(Enum):
    """Where it stands."""

    WAITING = "waiting"
    SENT = "sent"
    REFUSED = "refused"


class SessionMessage(Struct, frozen=True):
    """One message. Times are seconds since the epoch by the router's steady clock."""

    message_id: str
    from_session_id: str
    to_session_id: str
    text: str
    hops: int  # this one counted
    created_at: float
    reply_to: str = ""
    state: SessionMessageState = SessionMessageState.WAITING
    command_id: str = ""
    permission_id: str = ""
    detail: str = ""


class ConsentState(Enum):
    """Where it stands."""

    ASKED = "asked"
    GIVEN = "given"
    REFUSED = "refused"
    ENDED = "ended"


class Consent(Struct, frozen=True):
    """Whether one session may send to another; its id is that of the question."""

    consent_id: str
    from_session_id: str
    from_machine_id: str
    to_session_id: str
    to_machine_id: str
    created_at: float
    state: ConsentState = ConsentState.ASKED
    decided_by: str = ""
    decided_at: float | None = None


def is_free(sender: Session, receiver: Session) -> bool:
    """Whether nobody need be asked: on one machine, to what reads and does not run it as a shell would."""
    return sender.machine_id == receiver.machine_id and receiver.state is not SessionState.UNKNOWN


def checked_text(text: str) -> str:
    """The text itself. Raises Refusal."""
    if not 0 < len(text.strip().encode()) <= MAX_BYTES:
        raise Refusal(Reason.TOO_LARGE, f"A message to another session must have 1 to {MAX_BYTES} bytes.")
    return text


def check_hops(hops: int) -> None:
    """Raises Refusal where it looks like a loop."""
    if hops > MAX_HOPS:
        text = (
            f"{MAX_HOPS} sessions have passed this on in a row, and no person has said a word. Tell people"
            " (`pointsman notify`): what one of them writes to this session begins to count anew."
        )
        raise Refusal(Reason.TOO_MANY_HOPS, text)


def headed(message: SessionMessage, sender: Session) -> str:
    """As it is typed."""
    return _HEAD.format(
        mark=MARK, end=END, name=_named(sender.name), machine=_named(sender.machine_id), message_id=message.message_id,
        text=unmarked(message.text),
    )  # fmt: skip


def of_itself(text: str) -> str:
    """What a session put off for itself, as it is typed."""
    return _OWN.format(mark=MARK, end=END, text=unmarked(text))


def headed_as(head: str, text: str, **names: str) -> str:
    """What comes from elsewhere, as it is typed: behind our own line, in which no name ends it."""
    line = head.format_map({name: _named(value) for name, value in names.items()})
    return f"{MARK}{line}{END}\n{unmarked(text)}"


def unmarked(text: str) -> str:
    """Any other text: no line of it begins as ours do."""
    return _AT_A_LINE.sub(r"\1[[", text) if MARK in text else text


def _named(name: str) -> str:
    """A name that ends neither the line nor its mark."""
    return " ".join(visible(name).replace(MARK, "[").replace(END, "]").split())[:80]
