"""When something deferred is due, in a small language of its own. Pure. What is not in it is asked back, never guessed.

    in 10m · 1h30m · at 9:00 · tomorrow 9:00 · fri 18:00 · 2026-12-01 9:00 · on return · on rest · on reset
    every 2h · every day 9:00 · every weekday 9:00 · every mon,thu 8:00 · every cron 0 9 * * 1-5

A span runs on the router's steady clock, a time of day on the wall clock of its zone. Where summer time skips a time,
its moment is the first that there is behind it; a time that comes twice counts the first time.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from itertools import pairwise
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from msgspec import Struct

from router.domain.errors import Reason, Refusal

MINUTE = 60.0
SHORTEST, LONGEST = MINUTE, 366 * 24 * 3600.0  # seconds until a moment
SHORTEST_REPEAT = 5 * MINUTE
_LOOKED_AT = 100  # moments of a rule: more than an hour has, where they may be too close

_UNITS = {"m": 60, "h": 3600, "d": 24 * 3600, "w": 7 * 24 * 3600}
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = "mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:rs?(?:day)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
_PART = r"\d{1,5} ?(?:minutes?|mins?|m|hours?|h|days?|d|weeks?|w)(?![a-z])"
_COMPACT = r"\d{1,5}[wdhm](?:\d{1,5}[dhm])+(?![a-z0-9])"
_SPAN = rf"(?:{_COMPACT}|{_PART})"
_TIME = r"(?:\d{1,2}:\d{2}(?: ?[ap]m)?|\d{1,2} ?[ap]m)(?![\w:])"
_FIELDS = r"(?:[\w*/,#-]+ ){4}[\w*/,#-]+"
_FORMS = tuple(
    re.compile(rf"{form}(?P<end>[:,]?)(?:\s+|$)(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
    for form in (
        rf"(?:in )?(?P<span>{_SPAN})",
        rf"(?P<near>today |tomorrow )?(?:at )?(?P<time>{_TIME})",
        rf"(?:on )?(?P<day>{_DAY}) (?:at )?(?P<time>{_TIME})",
        rf"(?P<date>\d{{4}}-\d{{2}}-\d{{2}})[ T](?:at )?(?P<time>{_TIME})",
        r"on (?P<on>return|rest|reset)(?!\w)",
        rf"every (?P<every>{_SPAN}|hour(?!\w))",
        rf"every (?P<days>days?|weekdays?|(?:{_DAY})(?: ?[,-] ?(?:{_DAY}))*) (?:at )?(?P<time>{_TIME})",
        rf"every cron (?P<cron>{_FIELDS})",
    )
)
# A word that could be a part of when: whether it is must be asked.
_COULD_BE_MORE = re.compile(rf"(?:{_SPAN}|{_TIME}|(?:at|today|tomorrow|{_DAY})(?!\w))", re.IGNORECASE)
_FIELD = re.compile(rf"[\d*/,#-]+(?!\S)|{_COULD_BE_MORE.pattern}", re.IGNORECASE)  # a sixth one, of seconds or years
EXAMPLES = (
    "in 10m, 1h30m, in 2 days; at 9:00, tomorrow 9:00, fri 18:00, 2026-12-01 9:00; on return (the machine is back),"
    " on rest (the session is ready), on reset (its usage limit is over); every 2h, every day 9:00, every weekday 9:00,"
    " every mon,thu 8:00, every cron 0 9 * * 1-5"
)


class Condition(Enum):
    """What is waited for that is no time."""

    RETURN = "return"  # the machine has a link
    REST = "rest"  # the program in the session is idle, and stays so
    RESET = "reset"  # the session is at no usage limit any more


class Schedule(Struct, frozen=True):
    """When. The rule is one of: in SECONDS, at LOCAL-TIME, on CONDITION, every SECONDS, cron FIELDS."""

    rule: str
    words: str  # as people read it

    @property
    def repeats(self) -> bool:
        """There is always a next time."""
        return self.rule.startswith(("every ", "cron "))

    @property
    def is_steady(self) -> bool:
        """Its moments are of the router's steady clock; else of the wall clock."""
        return not self.rule.startswith(("at ", "cron "))

    @property
    def condition(self) -> Condition | None:
        """What it waits for; None for a time."""
        return Condition(self.rule[3:]) if self.rule.startswith("on ") else None

    @property
    def span(self) -> float:
        """Seconds, of one that counts them; for a condition, how long it waits at most."""
        kind, _, count = self.rule.partition(" ")
        return float(count) if kind in ("in", "every") else LONGEST

    def first(self, steady: float, wall: float, zone: ZoneInfo) -> float | None:
        """Its first moment from now on, by its own clock; None where there is none any more."""
        if self.is_steady:
            return steady + self.span
        if self.rule.startswith("at "):
            return _instant(datetime.fromisoformat(self.rule[3:]), zone)
        return _following(self.rule[5:], wall, zone)

    def following(self, fired: float, steady: float, wall: float, zone: ZoneInfo) -> float | None:
        """Its moment behind one that was due then; what was missed in between has no moment of its own."""
        if not self.repeats:
            return None
        if not self.is_steady:
            return _following(self.rule[5:], max(fired, wall), zone)
        missed = max(0.0, steady - fired) // self.span
        return fired + (missed + 1) * self.span


def zone_of(name: str) -> ZoneInfo:
    """A time zone by its name. Raises Refusal for one that there is not."""
    try:
        if len(name) <= 64 and re.fullmatch(r"[A-Za-z0-9_+/-]+", name):
            return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # the last is what it raises; a folder's name is another
        pass
    text = f"There is no time zone {name[:64]!r}. Zones are called Europe/Berlin, America/New_York, UTC, …"
    raise Refusal(Reason.INVALID_ARGUMENT, text)


def read(text: str, wall: float, zone: ZoneInfo) -> tuple[Schedule, str]:
    """When, and the words behind it. Raises Refusal, saying what would be understood."""
    line = re.sub(r"[ \t]+", " ", text.strip(), count=16)
    now = datetime.fromtimestamp(wall, zone)
    for form in _FORMS:
        if match := form.match(line):
            schedule = _schedule(match, _words(line, match), now)
            rest = match["rest"].strip()
            more = _FIELD if schedule and schedule.rule.startswith("cron ") else _COULD_BE_MORE
            if schedule is not None and (match["end"] or not more.match(rest)):
                return schedule, rest
    raise unclear(line)


def alone(text: str, wall: float, zone: ZoneInfo) -> Schedule:
    """When, where there are no other words. Raises Refusal."""
    schedule, rest = read(text, wall, zone)
    if rest:
        raise unclear(text)
    return schedule


def unclear(text: str) -> Refusal:
    """What is said of what was not understood."""
    begun = " ".join(text.split())[:40]
    return Refusal(Reason.WHEN_UNCLEAR, f"When is not clear from {begun!r}. These are: {EXAMPLES}.")


def told(moment: float, zone: ZoneInfo, now: float) -> str:
    """A moment for people: "Mon 30 Nov 08:00 (Europe/Berlin)"."""
    then, today = (datetime.fromtimestamp(each, zone) for each in (moment, now))
    year = "" if then.year == today.year else f" {then.year}"
    return f"{then:%a} {then.day} {then:%b}{year} {then:%H:%M} ({zone.key})"


def _words(line: str, match: re.Match[str]) -> str:
    return line[: match.start("end")].strip().lower()


def _schedule(match: re.Match[str], words: str, now: datetime) -> Schedule | None:
    found = match.groupdict()
    if span := found.get("span"):
        seconds = _seconds(span)
        return Schedule(f"in {seconds}", f"in {words.removeprefix('in ')}") if _fits(seconds, SHORTEST) else None
    if every := found.get("every"):
        seconds = _seconds("1h" if every.lower() == "hour" else every)
        return Schedule(f"every {seconds}", words) if _fits(seconds, SHORTEST_REPEAT) else None
    if condition := found.get("on"):
        return Schedule(f"on {condition.lower()}", words)
    if fields := found.get("cron"):
        return _checked_cron(fields, words)
    if (at := _time(found["time"])) is None:
        return None
    if days := found.get("days"):
        return Schedule(f"cron {at.minute} {at.hour} * * {_weekdays(days.lower())}", words)
    return _once(found, at, words, now)


def _once(found: dict[str, str | None], at: time, words: str, now: datetime) -> Schedule | None:
    day = _date(found, at, now)
    # Past: a person who says so means something that we do not know.
    if day is None or datetime.combine(day, at) <= now.replace(tzinfo=None) or (day - now.date()).days > 366:
        return None
    return Schedule(f"at {datetime.combine(day, at).isoformat(timespec='minutes')}", words)


def _date(found: dict[str, str | None], at: time, now: datetime) -> date | None:
    if text := found.get("date"):
        try:
            return date.fromisoformat(text)
        except ValueError:
            return None
    today, is_over = now.date(), at <= now.time()
    if day := found.get("day"):
        ahead = (_DAYS.index(day.lower()[:3]) - today.weekday()) % 7
        return today + timedelta(7 if ahead == 0 and is_over else ahead)
    near = (found.get("near") or "").strip().lower()
    if near == "today":
        return today
    return today + timedelta(1) if near == "tomorrow" or is_over else today


def _seconds(span: str) -> int:
    parts = re.findall(r"(\d+) ?([wdhm])", span.lower())
    return sum(int(count) * _UNITS[unit] for count, unit in parts)


def _fits(seconds: int, least: float) -> bool:
    return least <= seconds <= LONGEST


def _time(text: str | None) -> time | None:
    match = re.fullmatch(r"(\d{1,2})(?::(\d{2}))? ?([ap]m)?", (text or "").lower())
    if match is None:
        return None
    hour, minute, half = int(match[1]), int(match[2] or 0), match[3]
    if minute > 59 or hour > 23 or (half and not 1 <= hour <= 12):
        return None
    return time(hour % 12 + (12 if half == "pm" else 0) if half else hour, minute)


def _weekdays(days: str) -> str:
    if days.startswith("day"):
        return "*"
    if days.startswith("weekday"):
        return "1-5"
    numbers: set[int] = set()
    for part in re.split(r" ?, ?", days):
        ends = [_DAYS.index(each.strip()[:3]) for each in part.split("-")]
        # Over the end of the week, too: fri-mon.
        numbers |= {(ends[0] + each) % 7 + 1 for each in range((ends[-1] - ends[0]) % 7 + 1)}
    return ",".join(map(str, sorted(numbers)))


def _checked_cron(fields: str, words: str) -> Schedule | None:
    try:
        moments = CronSim(fields, datetime(2026, 1, 1, tzinfo=UTC))
        some = [moment for moment, _ in zip(moments, range(_LOOKED_AT), strict=False)]
    except (CronSimError, ValueError):
        return None
    gaps = [(later - sooner).total_seconds() for sooner, later in pairwise(some)]
    return Schedule(f"cron {fields}", words) if some and min(gaps, default=LONGEST) >= SHORTEST_REPEAT else None


def _following(fields: str, after: float, zone: ZoneInfo) -> float | None:
    found = next(_moments(fields, datetime.fromtimestamp(after, zone)), None)
    return None if found is None else found.timestamp()


def _moments(fields: str, after: datetime) -> Iterator[datetime]:
    # What it gives for a time that comes twice may be the second one, or lie before what it was asked after.
    for moment in CronSim(fields, after):
        if moment.timestamp() > after.timestamp():
            yield moment


def _instant(local: datetime, zone: ZoneInfo) -> float:
    """The moment of a local time; of one that was skipped, the first behind the gap."""
    moment = local.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == local:
        return moment.timestamp()
    # The clock was put forward before it: back to when that was, by the minute.
    offset = moment.astimezone(zone).utcoffset()
    while (earlier := moment - timedelta(minutes=1)).astimezone(zone).utcoffset() == offset:
        moment = earlier
    return moment.timestamp()
