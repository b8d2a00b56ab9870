"""Time as the router uses it: steady, whatever the wall clock does while it runs."""

import datetime
import os
import time
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_SINCE_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # goes on while the machine sleeps


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> float:
        """Seconds since the epoch; never jumps and never goes back within a process."""

    def wall(self) -> float:
        """Seconds since the epoch as the machine's clock says it now, which may be set; for times of day alone."""

    def monotonic(self) -> float:
        """Seconds since some fixed point; for timers and leases."""

    def uptime(self) -> float:
        """Seconds since the machine was booted; comparable between processes of one boot."""

    def boot_id(self) -> str:
        """Which boot of the machine this is; empty where nobody says."""


class SteadyClock:
    """Wall time at the start plus what has passed since: a step of the wall clock expires nothing, stalls nothing."""

    def __init__(self) -> None:
        self._offset = time.time() - self.uptime()

    def now(self) -> float:
        return self._offset + time.clock_gettime(_SINCE_BOOT)  # not by `uptime`: it is asked thrice for a command

    def wall(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def uptime(self) -> float:
        return time.clock_gettime(_SINCE_BOOT)

    def boot_id(self) -> str:
        return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""


def local_zone(named: str) -> str:
    """What the IANA calls the machine's time zone; `named` is what its environment says. UTC where nobody does."""
    linked = os.path.realpath("/etc/localtime").partition("/zoneinfo/")[
        2
    ]  # where it says it elsewhere, its file is meant
    for name in (named.removeprefix(":"), linked):
        try:
            if name:
                return ZoneInfo(name).key
        except (OSError, ValueError, KeyError):
            continue
    return "UTC"


def time_of_day(now: float) -> datetime.time:
    """The local time of day at a moment, in seconds since the epoch."""
    return datetime.datetime.fromtimestamp(now, datetime.UTC).astimezone().time()


def moment(at: float, now: float) -> str:
    """A moment in local time for people who read it now: "14:05", or "3 Nov 14:05" on another day."""
    then, today = (datetime.datetime.fromtimestamp(each, datetime.UTC).astimezone() for each in (at, now))
    return f"{then:%H:%M}" if then.date() == today.date() else f"{then.day} {then:%b %H:%M}"
