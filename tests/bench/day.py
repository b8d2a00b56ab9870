"""A day of traffic in moved time, on the real router with its retention: what the longest commit was, and what is left.

The clock is the test harness's: an hour passes when the hour's traffic is through.
"""

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from statistics import median

from agentlink.v1 import types_pb2 as types

from tests.integration.router.harness import RouterUnderTest, config, serving
from tests.rigs import history
from tests.rigs.thin_agent import ThinLink, ids
from tests.rigs.thin_courier import ThinCourier
from tests.waiting import wait_until

HOURS, HOUR = 24, 3600.0
CHAT = types.ChatRef(transport="day", chat_id="1")
SESSIONS = 20
_DUE = "SELECT count(*) FROM (SELECT at FROM steps ORDER BY step_id LIMIT 500) WHERE at < ?"


def replayed(folder: Path, size: history.Size, tell: Callable[[str], None]) -> dict[str, float]:
    """As much comes in an hour as in one of the past; what gets too old meanwhile goes."""
    hourly = max(1, round(size.commands / size.days / HOURS))
    with serving(config(folder)) as router:
        router.router.database.times.recent = commits = deque()
        before = _rows(router)
        traffic, taken = _Traffic(router), []
        for hour in range(HOURS):
            tell(f"{size}: hour {hour + 1} of {HOURS}, {hourly} commands")
            taken += traffic.some(hourly)
            _pass_an_hour(router)
        times = sorted(commits)
        return {
            "day: submit, p50": median(taken),
            "day: submit, longest": max(taken),
            "day: commit, p99": times[int(len(times) * 0.99)],
            "day: commit, longest": times[-1],
            "day: rows at its end beside its beginning": _rows(router) / before,
            "day: log, MB": router.router.database.wal_bytes() / 1e6,
        }


class _Traffic:
    """A person writes, a machine types, a courier tells."""

    def __init__(self, router: RouterUnderTest) -> None:
        self._router, self._agent = router, router.machine()
        self._sessions = [router.session(self._agent) for _ in range(SESSIONS)]
        self._done = 0

    def some(self, count: int) -> list[float]:
        """So many commands, one by one; how long each submit took."""
        with self._agent.connected() as link, self._router.courier("day", "1", max_in_flight=8) as courier:
            return [self._one(link, courier) for _ in range(count)]

    def _one(self, link: ThinLink, courier: ThinCourier) -> float:
        """From the chat to its mark."""
        began = time.perf_counter()
        self._router.submit(CHAT, "go on please", session_id=self._sessions[self._done % SESSIONS])
        taken = time.perf_counter() - began
        [command_id] = ids(link.commands(1))
        link.receipt(command_id)
        self._done += 1
        link.result(self._done, command_id)
        courier.brought(f"day-{self._done}")
        return taken


def _pass_an_hour(router: RouterUnderTest) -> None:
    """And wait until what is past its time is gone."""
    router.advance(HOUR)
    before = router.time.now() - 30 * 24 * HOUR
    wait_until(lambda: not router.read(lambda on: on.execute(_DUE, (before,)).fetchone()[0]), HOUR)


def _rows(router: RouterUnderTest) -> int:
    figures = "SELECT (SELECT count(*) FROM commands) + (SELECT count(*) FROM steps) + (SELECT count(*) FROM messages)"
    return int(router.read(lambda on: on.execute(figures).fetchone()[0]))
