"""How long something has waited, whatever was done to the wall clock: across restarts, too.

While the router runs its time is steady. Over a restart the kernel's own count of seconds says how long it was away;
what the wall clock moved beyond that is a step, and all deadlines on disk move along with it. After a reboot the kernel
can prove only the time since, so the time that a machine was switched off makes nothing old.
"""

from msgspec import Struct

NOTICEABLE = 0.001  # seconds; less is two clocks being read one after the other, not worth writing every deadline anew

MUCH = 60.0  # seconds; less moves no deadline that is days away: nearly each start finds some milliseconds

DAY = 24 * 3600.0  # seconds
HISTORY = 30 * DAY  # seconds that what has ended is kept: long enough to look into what happened
LONG_STEP = DAY  # seconds; by less history may go early


class Moment(Struct, frozen=True):
    """One moment by three clocks: the router's time (seconds since the epoch), and the kernel's since which boot."""

    now: float
    uptime: float
    boot_id: str


def step_between(before: Moment, after: Moment) -> float:
    """Seconds by which the wall clock was moved between two moments; 0 where nothing is to be noticed."""
    same_boot = before.boot_id == after.boot_id != ""
    lived = after.uptime - before.uptime if same_boot else after.uptime
    step = (after.now - before.now) - lived
    return step if abs(step) >= NOTICEABLE else 0.0
