"""What is to be done about machines that providers bring: pure, from what is wanted and what is there.

A queued command wakes a machine that sleeps; one that has nothing to do leaves: what it costs ends, its queue does not.
"""

from dataclasses import dataclass
from enum import Enum

from pointsman.providers.provider import State

IDLE = 15 * 60.0  # seconds without anything to do, after which a machine is stopped
LONGEST_WAIT = 15 * 60.0  # seconds between two attempts


class Aim(Enum):
    """What a machine is to be."""

    UP = "up"
    ASLEEP = "asleep"  # it keeps its disk
    GONE = "gone"


class Step(Enum):
    """A provider's verb that brings it nearer."""

    ENSURE = "ensure"
    START = "start"
    STOP = "stop"
    DESTROY = "destroy"


@dataclass(frozen=True, slots=True)
class Load:
    """What a machine has to do. `idle_since` is by the clock that `aim` is told; None while it does something."""

    queued: int = 0  # commands that wait for it
    idle_since: float | None = None
    is_over: bool = False  # what it is for is done, and nothing on it is nowhere else


# What is missing here needs nothing: it is so already, or on its way.
_STEPS: dict[tuple[Aim, State | None], Step] = {
    (Aim.UP, None): Step.ENSURE,
    (Aim.UP, State.STOPPED): Step.START,
    (Aim.UP, State.STOPPING): Step.START,
    (Aim.ASLEEP, State.STARTING): Step.STOP,
    (Aim.ASLEEP, State.RUNNING): Step.STOP,
    **{(Aim.GONE, state): Step.DESTROY for state in State},
}


def aim(load: Load, now: float, idle: float = IDLE) -> Aim | None:
    """What it is to be; None: as it is."""
    if load.queued:  # before all else: also of one that is over, whoever wrote last wants an answer
        return Aim.UP
    if load.is_over:
        return Aim.GONE
    if load.idle_since is not None and now - load.idle_since >= idle:
        return Aim.ASLEEP
    return None


def step(wanted: Aim | None, state: State | None) -> Step | None:
    """The next verb for a machine in that state, None for one that is not there; None where nothing is to be done.

    A broken one is left to a person: what is on its disk may be nowhere else.
    """
    return _STEPS.get((wanted, state)) if wanted is not None else None


def wait(attempts: int) -> float:
    """Seconds until it is tried again, after so many that failed in a row: 5, 10, 20, … and at most 15 minutes."""
    return min(5.0 * 2.0 ** max(0, min(attempts, 16) - 1), LONGEST_WAIT)
