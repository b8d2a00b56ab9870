"""A session and its ids."""

import re
from enum import Enum
from functools import lru_cache

from msgspec import Struct

from router.domain.command import ChatRef
from router.domain.errors import Reason, Refusal

MAX_LABEL = 200
_ID = re.compile(r"[A-Za-z0-9._:@/-]{1,128}")
_DRESSED = re.compile(r"(?:session_|cse_)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.IGNORECASE)


class SessionState(Enum):
    """What the program in it is doing, as far as its machine can tell."""

    UNKNOWN = "unknown"
    IDLE = "idle"
    BUSY = "busy"
    WAITING = "waiting"
    ENDED = "ended"
    STARTING = "starting"  # asked for, and not begun yet


class Session(Struct, frozen=True):
    """One program that can be typed into."""

    session_id: str
    machine_id: str
    label: str
    backend: str
    cwd: str
    state: SessionState
    generation: int
    created_at: float
    updated_at: float
    connected: bool = False
    waiting_for: str = ""  # in the state WAITING: for what, in the program's own words
    first_words: str = ""  # the beginning of the first text that was sent to it; only in lists
    distinction: str = ""  # what tells it from others of its name; only in lists
    mode: str = ""  # its program's permission mode, as last heard of
    model: str = ""
    modes: tuple[str, ...] = ()  # that can be chosen from afar
    controls: tuple[str, ...] = ()  # what a control signal can change there, by the names of ControlKind
    given_name: str = ""  # by people, in place of the label, which is its machine's
    home: tuple[ChatRef, ...] = ()  # chats that are told of it for its own sake; only in lists
    limited_until: float | None = None  # its account is at a usage limit, by the wall clock of its machine

    @property
    def name(self) -> str:
        """What people read."""
        return self.given_name or self.label or self.session_id


def checked_id(value: str, field: str) -> str:
    """The id itself. Raises Refusal(INVALID_ARGUMENT) naming the field when it is not a well-formed id."""
    if not _ID.fullmatch(value):
        raise Refusal(
            Reason.INVALID_ARGUMENT,
            f"{field} must be 1 to 128 of the characters A-Z a-z 0-9 . _ : @ / -; got {value[:40]!r}",
        )
    return value


def checked_label(value: str) -> str:
    """The label itself. Raises Refusal when it is longer than 200 characters."""
    if len(value) > MAX_LABEL:
        raise Refusal(Reason.TOO_LARGE, f"label is {len(value)} characters long; the limit is {MAX_LABEL}")
    return value


def is_uuid(session_id: str) -> bool:
    """Whether it is a UUID, in whatever dress: ids that we make are."""
    return _DRESSED.fullmatch(session_id) is not None


@lru_cache(4096)  # every command asks
def bare_id(session_id: str) -> str:
    """One spelling for ids that differ only in their dress: session_<uuid>, cse_<uuid> and <uuid> are one session."""
    match = _DRESSED.fullmatch(session_id)
    return match[1].lower() if match else session_id
