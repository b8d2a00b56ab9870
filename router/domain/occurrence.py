"""When what waits is done in the days to come. Pure: nothing is written, and what is said may change."""

from collections.abc import Iterable, Iterator
from datetime import datetime, time, timedelta
from heapq import merge
from itertools import islice
from operator import attrgetter
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from router.domain.deferral import Deferred, DeferredState
from router.domain.errors import Reason, Refusal
from router.domain.schedule import zone_of

LONGEST = 62 * 24 * 3600.0  # seconds that somebody may look ahead: a month, with the ends of its weeks, and more
MOST_A_DAY = 12  # of one rule: what is done every few minutes would hide all else
MOST = 2000


class Occurrence(Struct, frozen=True):
    """One time, by the wall clock. `more`: that day has others of the same, which are not said."""

    deferred_id: str
    session_id: str
    at: float
    more: bool = False


class Days(Struct, frozen=True):
    """What is looked at: from one moment to before another, in days of a zone."""

    since: float
    until: float
    zone: ZoneInfo

    def checked(self) -> "Days":
        """Itself. Raises Refusal."""
        if not self.since < self.until <= self.since + LONGEST:
            raise Refusal(Reason.INVALID_ARGUMENT, f"until must be behind since, by {LONGEST / 86400:.0f} days at most")
        return self


def coming(there: Iterable[Deferred], days: Days, wall_is_ahead: float) -> tuple[list[Occurrence], bool]:
    """The times of all of them, the next first; and whether there are more, later than the last.

    `wall_is_ahead`: by so many seconds of the clock that spans are counted by.
    """
    each = (_times(known, days, wall_is_ahead) for known in there)
    found = list(islice(merge(*each, key=attrgetter("at", "deferred_id")), MOST + 1))
    return found[:MOST], len(found) > MOST


def _times(known: Deferred, days: Days, wall_is_ahead: float) -> Iterator[Occurrence]:
    if known.next_at is None or known.schedule.condition or known.state is not DeferredState.WAITING:
        return
    ahead = wall_is_ahead if known.schedule.is_steady else 0.0
    at: float | None = known.next_at
    if known.next_at + ahead < days.since:
        at = _after(known, known.next_at, days.since - ahead - 1)
    day, count = None, 0
    last: Occurrence | None = None
    while at is not None and at + ahead < days.until:
        local = datetime.fromtimestamp(at + ahead, days.zone)
        day, count = (local.date(), 0) if local.date() != day else (day, count)
        if count == MOST_A_DAY:
            last = last and replace(last, more=True)
            at = _after(known, at, _midnight(local) - ahead - 1)
            continue
        if last:
            yield last
        last, count = Occurrence(known.deferred_id, known.session_id, at + ahead), count + 1
        at = _after(known, at, at)
    if last:
        yield last


def _after(known: Deferred, at: float, moment: float) -> float | None:
    """Its next time behind both, by its own clock."""
    later = max(at, moment)
    try:
        return known.schedule.following(at, later, later, zone_of(known.zone))
    except Refusal:  # there was such a zone when it was asked for
        return None


def _midnight(local: datetime) -> float:
    """When the day after that begins."""
    return datetime.combine(local.date() + timedelta(1), time(), local.tzinfo).timestamp()
