"""How a person who does not answer is asked again, and elsewhere: a ladder, and where they stand on it. Pure.

    told ─▶ rung 1 ─▶ rung 2 … ─▶ once a day     each at its time after the question was asked
      │        ▲
      └────────┘ nothing shown within STAND_IN: the next transport stands in, before its time

The first answer, wherever it comes from, ends all of it. Each telling has a round: what stands in for one that did
not get through has the same, and of the two one is shown.
"""

import re
from itertools import pairwise

from msgspec import Struct

from router.domain.errors import Reason, Refusal

AGAIN = "again"  # where it was shown, as a reminder
OFF = "off"  # all at once, and never again
DEFAULT = "15m again, 30m mail"
STAND_IN = 300.0  # seconds for which a platform may take nothing
DAY = 24 * 3600.0  # seconds
MAX_RUNGS = 8
LATEST = 7 * DAY  # of a rung
MAX_TEXT = 200  # characters of a ladder
_RUNG = re.compile(r"(\d{1,4})\s*(m|h|d)\s+([a-z]{1,20})(!?)")
_SECONDS = {"m": 60.0, "h": 3600.0, "d": DAY}
EXAMPLES = '"15m again, 30m mail", "10m push, 20m again, 1h mail!", "off"'
_UNCLEAR = "A ladder is read as {examples}: when, and where; ! in quiet hours, too. At most {most}, from 1m to 7d."


class Rung(Struct, frozen=True):
    """One step: so many seconds after the question, a transport, or AGAIN. `urgent`: in quiet hours, too."""

    after: float
    way: str
    urgent: bool = False


class Escalation(Struct, frozen=True):
    """Where one person stands with one question. Times are seconds since the epoch by the router's steady clock."""

    permission_id: str
    person_id: str  # empty for whoever has the key
    session_id: str
    asked_at: float
    next_at: float  # when to look again
    told_at: float = 0.0  # when the last round was told; 0 before the first
    rung: int = 0  # so many are done
    round: int = 0
    days: int = 0  # so many daily reminders are done


class Telling(Struct, frozen=True):
    """A notification that tells a person of a question, in a round."""

    notification_id: str
    permission_id: str
    person_id: str
    round: int
    turn: int  # what was told at one moment has one, what was told later a higher one
    at: float


def read(text: str) -> tuple[Rung, ...]:
    """A ladder as somebody writes it; empty for OFF. Raises Refusal."""
    words = " ".join(text.lower().split())
    if words == OFF:
        return ()
    matches = [_RUNG.fullmatch(part.strip()) for part in words[:MAX_TEXT].split(",")]
    rungs = tuple(Rung(int(m[1]) * _SECONDS[m[2]], m[3], bool(m[4])) for m in matches if m)
    in_order = all(one.after <= other.after for one, other in pairwise(rungs))
    if len(words) > MAX_TEXT or not all(matches) or len(rungs) > MAX_RUNGS or not in_order:
        raise _unclear()
    if any(not 60.0 <= rung.after <= LATEST or rung.way == OFF for rung in rungs):
        raise _unclear()
    return rungs


def told(ladder: tuple[Rung, ...]) -> str:
    """A ladder as people read and write it."""
    return ", ".join(f"{_span(rung.after)} {rung.way}{'!' if rung.urgent else ''}" for rung in ladder) or OFF


def first_ways(ladder: tuple[Rung, ...], there: set[str]) -> set[str]:
    """Transports on which a person is told at once: all that no rung names, else that of the first that has any."""
    if at_once := there - {rung.way for rung in ladder}:
        return at_once
    return next(({rung.way} for rung in ladder if rung.way in there), there)


def next_transport(ladder: tuple[Rung, ...], rung: int, there: set[str]) -> int | None:
    """The rung that would be told next on one of these transports; None where there is none."""
    return next((at for at in range(rung, len(ladder)) if ladder[at].way in there), None)


def due_at(ladder: tuple[Rung, ...], known: Escalation, *, stands_in: bool) -> float:
    """When to look at it next; `stands_in`: another transport could, for what is not shown yet."""
    daily = known.asked_at + (known.days + 1) * DAY
    moments = [daily]
    if known.rung < len(ladder):
        moments.append(known.asked_at + ladder[known.rung].after)
    if stands_in:
        moments.append(known.told_at + STAND_IN)
    return min(moments)


def _span(seconds: float) -> str:
    for unit in ("d", "h", "m"):
        if seconds % _SECONDS[unit] == 0:
            return f"{round(seconds / _SECONDS[unit])}{unit}"
    return f"{round(seconds / 60)}m"


def _unclear() -> Refusal:
    return Refusal(Reason.LADDER_UNCLEAR, _UNCLEAR.format(examples=EXAMPLES, most=MAX_RUNGS))
