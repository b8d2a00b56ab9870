"""How far the wall clock was moved while no agent looked: what was not lived through makes nothing old.

The kernel's own count of seconds says how long the agent was away. After a reboot it can prove only the time since.
"""

from dataclasses import dataclass

NOTICEABLE = 0.001  # seconds; less is two clocks being read one after the other


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment by three clocks: the agent's time (seconds since the epoch), and the kernel's since which boot."""

    now: float
    uptime: float
    boot_id: str

    def same_boot(self, other: "Moment") -> bool:
        """Whether the kernel counted on from one to the other."""
        return self.boot_id == other.boot_id != ""  # unknown is another one: then only what can be proven counts


def step_between(before: Moment, after: Moment) -> float:
    """Seconds by which the wall clock was moved beside the time that passed; 0 where nothing is to be noticed."""
    lived = after.uptime - before.uptime if after.same_boot(before) else after.uptime
    step = (after.now - before.now) - lived
    return step if abs(step) >= NOTICEABLE else 0.0
