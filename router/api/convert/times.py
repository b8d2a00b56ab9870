"""Times and spans: protobuf <-> seconds."""

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp


def timestamp(seconds: float | None) -> Timestamp | None:
    """Seconds since the epoch as a Timestamp; None stays unset."""
    if seconds is None:
        return None
    stamp = Timestamp()
    stamp.FromMicroseconds(round(seconds * 1e6))
    return stamp


def duration(seconds: float) -> Duration:
    """Seconds as a Duration."""
    span = Duration()
    span.FromMicroseconds(round(seconds * 1e6))
    return span


def seconds(span: Duration) -> float:
    """A Duration in seconds."""
    return span.seconds + span.nanos / 1e9


def moment(stamp: Timestamp) -> float:
    """A Timestamp in seconds since the epoch."""
    return stamp.seconds + stamp.nanos / 1e9
