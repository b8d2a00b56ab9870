"""The promises of what is done later: each occurrence once, none lost, and none that nobody wants any more.

Each moment of a rule is computed here by walking through the minutes, and compared with what the router carried out.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from tests.sim.checks import Checks

if TYPE_CHECKING:
    from tests.sim.schedules import ScheduleWorld

NOTICED_WITHIN = 70.0  # seconds: the router looks once a minute
LATER = "SELECT text, rule, zone, state, next_at, is_steady, occurrence, fired_for, detail FROM deferred"
# What occurrences became: texts, starts and reminders.
BECAME = """
    SELECT IIF(kind = 'start', json_extract(text, '$[0]'), text), COUNT(*) FROM commands GROUP BY 1
    UNION ALL SELECT SUBSTR(text, 3), COUNT(*) FROM notifications WHERE text LIKE '⏰ later%' GROUP BY 1
"""
LATE = "more than a day ago"  # where the clock was put forward by that while no router ran; and that is told


@dataclass(slots=True)
class Wanted:
    """Something that was asked for later, what was done about it since, and how it was at the last look."""

    text: str
    when: str
    zone: str
    task: str = "text"
    answered: bool = False
    deferred_id: str = ""  # once it was accepted
    changes: int = 0  # that wait for an answer
    is_cancelled: bool = False
    pressed: int = 0  # times that somebody wanted it now
    occurrence: int = 0
    moves: int = 0  # that somebody asked for
    unforeseen: int = 0  # occurrences without a moment of a rule
    hidden: int = 0  # those of them that may have had one
    passed_over: int = 0  # occurrences that could not be carried out, and were told of
    state: str = "waiting"
    fired_for: float | None = None
    moments: list[float] = field(default_factory=list)  # that it was carried out for


class Row(NamedTuple):
    """One of them on disk."""

    text: str
    rule: str
    zone: str
    state: str
    next_at: float | None
    is_steady: int
    occurrence: int
    fired_for: float | None
    detail: str

    @property
    def cron(self) -> tuple[int, int | None] | None:
        """The minute and the hour of its rule; None for a span, a moment or a condition."""
        kind, *fields = self.rule.split()
        return (int(fields[0]), None if fields[1] == "*" else int(fields[1])) if kind == "cron" else None


class ScheduleChecks(Checks):
    """No occurrence twice, none lost."""

    _world: "ScheduleWorld"

    def after_commit(self) -> None:
        """What was carried out became one command or reminder, in the same transaction; and no moment comes again."""
        super().after_commit()
        counts = dict(self._rows(BECAME))
        for row in map(Row._make, self._rows(LATER)):
            one = self._world.wanted[row.text]
            self._world.record.redriven[row.text] = max(0, counts.get(row.text, 0) - 1)
            if row.fired_for is None:
                one.moments.clear()  # moved: what was carried out was of another rule
            if row.occurrence != one.occurrence:
                self._carried_out(one, row, counts.get(row.text, 0))
            if counts.get(row.text, 0) != row.occurrence - one.passed_over:
                self.broken(
                    f"{row.text} was carried out {row.occurrence} times and became {counts.get(row.text, 0)} commands"
                )
            one.occurrence, one.state, one.fired_for = row.occurrence, row.state, row.fired_for

    def _carried_out(self, one: Wanted, row: Row, count: int) -> None:
        self._world.note("router", f"carries out {row.text} ({row.rule}, {row.zone}) for {row.fired_for}")
        times = row.occurrence - one.occurrence  # several, where they share a commit
        one.passed_over += self._passed_over(one, row, times - (count - one.occurrence + one.passed_over))
        is_other = row.fired_for != one.fired_for or (row.is_steady and one.unforeseen == one.pressed)
        is_of_moment = row.fired_for is not None and bool(is_other)  # moments of the steady clock move, and meet others
        one.unforeseen += times - is_of_moment
        if row.fired_for is None and one.moves:
            one.hidden += times  # the same commit may have moved it
        if one.unforeseen > one.pressed + one.hidden + row.rule.startswith("on "):
            self.broken(f"{row.text} ({row.rule}) was carried out twice for {row.fired_for}")
        if not is_of_moment:
            return
        if one.state != "waiting":
            self.broken(f"{row.text} was carried out though it was {one.state}")
        self._of_moment(one, row, row.fired_for or 0.0)

    def _passed_over(self, one: Wanted, row: Row, times: int) -> int:
        """How often it could not be done, as its last start still worked; and that is told."""
        return times if one.task == "start" and (row.detail or times > 1) else 0

    def _of_moment(self, one: Wanted, row: Row, moment: float) -> None:
        now = self._steady() if row.is_steady else self._world.wall()
        if moment > now:
            self.broken(f"{row.text} ({row.rule}, {row.zone}) was carried out early")
        if row.next_at is not None and row.next_at <= now:
            self.broken(f"{row.text} ({row.rule}, {row.zone}) brings what was missed more than once")
        # Spans are of the steady clock, whose moments on disk move along when that is set.
        if row.cron is not None:
            if moment in one.moments:
                self.broken(f"{row.text} ({row.rule}, {row.zone}) was carried out twice for {moment:.0f}")
            if moment != next_of(row.cron, row.zone, moment - 1):
                self.broken(f"{row.text} ({row.rule}, {row.zone}) has no moment {moment:.0f}")
        one.moments.append(moment)

    def is_quiet(self) -> bool:
        """And nothing is overdue."""
        overdue = "SELECT 1 FROM deferred WHERE state = 'waiting' AND next_at <= {} AND is_steady = {}"
        wall, steady = self._world.wall(), self._steady()
        due = self._rows(overdue.format(wall, 0)) + self._rows(overdue.format(steady, 1))
        due += self._rows("SELECT 1 FROM deferred WHERE state = 'waiting' AND condition != ''")
        asked = all(one.answered and not one.changes for one in self._world.wanted.values())
        has_looked = asyncio.get_running_loop().time() - self._world.set_at > NOTICED_WITHIN
        return has_looked and asked and not due and super().is_quiet()

    def at_end(self) -> None:
        """Whatever repeats has its next moment, and that is the first which was not carried out."""
        super().at_end()
        rows = {row.text: row for row in map(Row._make, self._rows(LATER))}
        for one in self._world.wanted.values():
            row = rows.get(one.text)
            if (row is None) != (one.deferred_id == ""):
                self.broken(f"{one.text} was {'accepted and is lost' if row is None else 'refused and is there'}")
            if row is not None:
                self._at_end(one, row)

    def _at_end(self, one: Wanted, row: Row) -> None:
        repeats = row.rule.startswith(("every", "cron"))
        if row.state == "failed" and LATE not in row.detail:
            self.broken(f"{row.text} was given up: {row.detail}")
        if row.state == "done" and (repeats or row.occurrence != 1) and not (one.pressed or one.moves):
            self.broken(f"{row.text} was to be done once, and was {row.occurrence} times")
        if one.is_cancelled and row.state == "waiting":
            self.broken(f"{row.text} was taken back, and waits")
        if one.unforeseen < one.pressed:
            self.broken(f"{row.text} was wanted now {one.pressed} times, and came {one.unforeseen} times")
        if row.state == "waiting" and row.rule.startswith("on "):
            self.broken(f"{row.text} ({row.rule}) is lost: what it waits for is there")
        if row.cron is not None and row.state == "waiting":
            expected = next_of(row.cron, row.zone, max(self._world.wall(), row.fired_for or 0.0))
            if row.next_at != expected:
                self.broken(f"{row.text} ({row.rule}, {row.zone}) is lost: next at {row.next_at} and not at {expected}")

    def _steady(self) -> float:
        router = self._world.router.router
        return router._delivery._clock.now() if router is not None else 0.0


def next_of(rule: tuple[int, int | None], zone: str, after: float) -> float:
    """The first moment of a rule behind a time, found minute by minute."""
    begins = datetime.fromtimestamp(after, UTC).replace(second=0, microsecond=0)
    there = ZoneInfo(zone)
    walk = ((moment, moment.astimezone(there)) for moment in _minutes(begins))
    return next(moment for (_, before), (moment, local) in pairwise(walk) if _is_due(before, local, *rule)).timestamp()


def _minutes(begins: datetime) -> Iterator[datetime]:
    return (begins + timedelta(minutes=count) for count in range(4 * 24 * 60))


def _is_due(before: datetime, local: datetime, minute: int, hour: int | None) -> bool:
    if hour is None:
        return local.minute == minute
    if (local.hour, local.minute) == (hour, minute):
        return local.fold == 0
    # Put forward just now: what was skipped is due at the first moment behind it.
    was, now = before.replace(tzinfo=None), local.replace(tzinfo=None)
    return any(
        (passed.hour, passed.minute) == (hour, minute)
        for count in range(1, int((now - was).total_seconds() // 60))
        if (passed := was + timedelta(minutes=count))
    )
