"""Wakes machines that somebody waits for, and lets those leave that have nothing to do. It makes none and deletes none.

What is to be done is looked up anew each round and said again until it is so: whoever dies in between leaves nothing
half done, and a machine that was asked to start is not asked for each command.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from pointsman.client.errors import RouterError
from pointsman.providers import plan
from pointsman.providers.plan import Aim, Load, Step
from pointsman.providers.pool import Pool
from pointsman.providers.provider import Provided, Provider, ProviderError, State
from pointsman.providers.watch import Seen

logger = logging.getLogger(__name__)

EVERY = 2.0  # seconds between two rounds
_UP = (State.RUNNING, State.STARTING)
_ABSENT = "it is not there: `pointsman providers bring {key}` makes it"
_BROKEN = "its provider calls it broken; look at it, and destroy it where nothing on it is needed"
_TOO_OFTEN = "it was started {count} times within an hour: it waits, as each start costs"
_TOO_MANY = "{count} machines are up, and no more may be: it waits until one leaves"


class Counted(Protocol):
    """How often each was started."""

    def within_an_hour(self, key: str, now: float) -> int:
        """So many times."""

    def note(self, key: str, now: float) -> None:
        """It is about to be."""


@dataclass(slots=True)
class _Machine:
    """What one round leaves for the next. Times are of the steady clock."""

    idle_since: float | None = None
    attempts: int = 0
    not_before: float = 0.0
    said: str = ""
    verb: "Future[None] | None" = None  # is being carried out


@dataclass(slots=True)
class Loop:
    """`look` asks the router, and raises what that does; `verbs` carries out what may take minutes."""

    pool: Pool
    providers: Mapping[str, Provider]
    look: Callable[[], Mapping[str, Seen]]
    starts: Counted
    verbs: Executor
    now: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    _machines: dict[str, _Machine] = field(default_factory=dict)
    _up: set[str] = field(init=False)  # that run, or may
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        # Not to know is no no: one that is not up after all is found out when another has to wait for it.
        self._up = set(self.pool.machines)

    def round(self) -> None:
        """Look at all, and begin what is to be done. Raises RouterError; nothing was begun then."""
        for key, seen in self.look().items():
            machine = self._machines.setdefault(key, _Machine())
            if seen.is_connected:
                self._count(key, is_up=True)
            aim = self._aim(machine, seen)
            if aim is None:
                machine.attempts, machine.not_before, machine.said = 0, 0.0, ""
            elif (machine.verb is None or machine.verb.done()) and self.now() >= machine.not_before:
                # Also where all goes well: a machine that starts is not looked at in each round.
                machine.attempts += 1
                machine.not_before = self.now() + plan.wait(machine.attempts)
                machine.verb = self.verbs.submit(self._bring, key, machine, aim)

    def _aim(self, machine: _Machine, seen: Seen) -> Aim | None:
        """A machine without a link is never let go: what it does nobody knows."""
        rests = seen.is_connected and not seen.waiting and not seen.works
        machine.idle_since = (machine.idle_since if machine.idle_since is not None else self.now()) if rests else None
        queued = seen.waiting if seen.is_known and not seen.is_connected else 0
        return plan.aim(Load(queued, machine.idle_since), self.now(), self.pool.idle)

    def _bring(self, key: str, machine: _Machine, aim: Aim) -> None:
        """In a thread of its own: what one provider is slow at holds up no other machine."""
        try:
            why = self._step(key, aim)
        # Whatever a provider meets, the next round says it again.
        except (ProviderError, RouterError, OSError, ValueError) as error:
            why = str(error)
        except Exception:
            logger.exception("machine %s: looking after it failed", key)
            return
        if why and why != machine.said:
            logger.warning("machine %s: %s", key, why)
        machine.said = why

    def _step(self, key: str, aim: Aim) -> str:
        """Say the next verb; why it is not said, for people."""
        provider = self.providers[key]
        found = state_of(provider, key)
        self._count(key, is_up=found is not None and found.state in _UP)
        if found is not None and found.state is State.BROKEN:
            return _BROKEN
        match plan.step(aim, found.state if found else None):
            case Step.ENSURE:
                return _ABSENT.format(key=key)
            case Step.START:
                return self._start(key, provider)
            case Step.STOP:
                return self._stop(key, provider)
        return ""

    def _start(self, key: str, provider: Provider) -> str:
        if (count := self.starts.within_an_hour(key, self.wall())) >= self.pool.starts_an_hour:
            return _TOO_OFTEN.format(count=count)
        if others := self._too_many(key):
            self._look_at(others)
            return _TOO_MANY.format(count=len(others))
        # First: who dies behind this has counted one too many, and never one too few.
        self.starts.note(key, self.wall())
        logger.info("machine %s: started, as a command waits for it", key)
        provider.start(key)
        return ""

    def _stop(self, key: str, provider: Provider) -> str:
        # Its provider took its time: somebody may have written meanwhile.
        seen = self.look().get(key)
        if seen is None or seen.waiting or seen.works:
            return ""
        logger.info("machine %s: stopped, as it had nothing to do", key)
        stopped = provider.stop(key)
        self._count(key, is_up=stopped.state in _UP)
        return ""

    def _count(self, key: str, *, is_up: bool) -> None:
        with self._counting:
            (self._up.add if is_up else self._up.discard)(key)

    def _too_many(self, key: str) -> set[str]:
        """The others that are up, where there are so many that this one may not be; else it counts from now on."""
        with self._counting:
            others = self._up - {key}
            if len(others) >= self.pool.most_up:
                return others
            self._up.add(key)
            return set()

    def _look_at(self, others: Collection[str]) -> None:
        """Whether they still run: one may have ended by itself. Of a provider that does not say, it does."""
        for key in others:
            with suppress(ProviderError, OSError):
                found = state_of(self.providers[key], key)
                self._count(key, is_up=found is not None and found.state in _UP)


def state_of(provider: Provider, key: str) -> Provided | None:
    """One machine as its provider sees it. Raises ProviderError."""
    return next((each for each in provider.listed() if each.key == key), None)
