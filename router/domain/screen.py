"""What the terminal of a session shows, asked of its machine."""

from msgspec import Struct

from router.domain.errors import Reason


class ScreenQuery(Struct, frozen=True):
    """What does it show? The answer has this number."""

    query_id: int
    session_id: str


class Screen(Struct, frozen=True):
    """What it shows, or why nobody can see it."""

    query_id: int
    text: str
    reason: Reason = Reason.UNSPECIFIED
    detail: str = ""
