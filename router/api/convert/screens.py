"""Looks at terminals, to and from machines."""

from agentlink.v1 import session_events_pb2 as pb

from router.domain.errors import Reason
from router.domain.screen import Screen, ScreenQuery

MAX_SCREEN_BYTES = 64 * 1024
MAX_DETAIL = 1000  # characters
_REASONS = {reason.value: reason for reason in Reason}


def screen(frame: pb.Screen) -> Screen:
    """Raises ValueError for what is too large."""
    if len(frame.text.encode()) > MAX_SCREEN_BYTES:
        raise ValueError(f"a screen may have {MAX_SCREEN_BYTES} bytes")
    # One that only a newer agent knows is a no all the same.
    reason = _REASONS.get(frame.reason, Reason.BACKEND_ERROR)
    return Screen(frame.query_id, frame.text, reason, frame.detail[:MAX_DETAIL])


def screen_query(query: ScreenQuery) -> pb.ScreenQuery:
    return pb.ScreenQuery(query_id=query.query_id, session_id=query.session_id)
