"""What a session is saying, as it says it: asked of its machine while somebody wants it, and kept nowhere."""

from msgspec import Struct


class DeltasWanted(Struct, frozen=True):
    """Somebody wants them for so many seconds."""

    session_id: str
    seconds: int


class SaidDelta(Struct, frozen=True):
    """What was said so far of an answer: its end, behind so many characters."""

    session_id: str
    answer_id: str
    before: int
    text: str
