"""What a session does, as its machine tells it: numbered, and otherwise opaque here."""

from msgspec import Struct

from router.domain.errors import Reason

MOST_KEPT = 20_000  # events of a session
MOST_BYTES_KEPT = 32 * 1024 * 1024  # of a session
MOST_BYTES = 512 * 1024 * 1024  # of all
KEPT = 7 * 24 * 3600.0  # seconds
STREAM_KEPT = 90 * 24 * 3600.0  # seconds until it is forgotten how far a silent session was


class SessionEvents(Struct, frozen=True):
    """Events of one session, in order, each as it goes out again."""

    session_id: str
    first_seq: int
    payloads: tuple[bytes, ...]
    cursor: bytes
    said: tuple[str, ...] = ()  # for each payload the words to find it by, empty where it has none

    @property
    def names(self) -> tuple[str, ...]:
        """What sessions are called here."""
        return (self.session_id,)

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(map(len, self.payloads))


class EventsQuery(Struct, frozen=True):
    """How far is the router with these sessions?"""

    session_ids: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """What sessions are called here."""
        return self.session_ids


class EventsAck(Struct, frozen=True):
    """How far it is with one; `reason` where it takes nothing."""

    session_id: str
    acked_seq: int = 0
    cursor: bytes = b""
    reason: Reason = Reason.UNSPECIFIED


class EventStream(Struct, frozen=True):
    """What is kept of a session: the numbers from `first_seq` to `last_seq`."""

    session_id: str
    first_seq: int = 1
    last_seq: int = 0
    size: int = 0
    cursor: bytes = b""
    updated_at: float = 0.0


class Gap(Struct, frozen=True):
    """These numbers are not kept any more."""

    first_seq: int
    last_seq: int


class Hit(Struct, frozen=True):
    """An event with the words that were searched. In `snippet` each of them stands between BEGIN and END."""

    position: int
    session_id: str
    payload: bytes
    snippet: str


class Found(Struct, frozen=True):
    """The newest first; behind `before` there may be more, unless it is 0."""

    hits: tuple[Hit, ...]
    before: int = 0


BEGIN, END = "\x01", "\x02"
