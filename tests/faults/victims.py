"""What can be killed and started again."""

from pathlib import Path
from typing import Protocol

from tests.faults.world import Machine, World

SLOWLY = 0.5  # seconds for a line: texts wait then, and what waits is STARTED in a transaction of its own
FRESH_AFTER = 2  # deaths of the router, then new agents: else their reconnect windows double up to a minute


class Victim(Protocol):
    """A program with many lives."""

    @property
    def machines(self) -> tuple[str, ...]:
        """The machines that cannot type while it is dead."""

    @property
    def sentinel(self) -> int:
        """Ready to be read when it is dead."""

    def start(self, point: str, passes: int) -> None:
        """Begin a life that ends at a point, or at none. Raises Died when it ended before it was ready."""

    def kill(self) -> None:
        """Make sure that it is dead, and note what it left behind."""


class AgentVictim:
    """The agent of one machine. With `survivors` its deaths are power cuts."""

    def __init__(self, world: World, machine: Machine, survivors: Path | None = None) -> None:
        self._world = world
        self._machine = machine
        self._survivors = survivors
        self.machines = (machine.name,)

    @property
    def sentinel(self) -> int:
        return self._machine.agent.sentinel

    def start(self, point: str, passes: int) -> None:
        # Of texts that come one by one each is STARTED with its receipt: the point might never be passed.
        pace = SLOWLY if point.startswith("start") else self._machine.life.pace
        self._world.start_agent(self._machine, point=point, passes=passes, pace=pace, survivors=self._survivors)

    def kill(self) -> None:
        self._world.bury(self._machine)


class RouterVictim:
    """The router. With `survivors` its deaths are power cuts."""

    def __init__(self, world: World, survivors: Path | None = None) -> None:
        self._world = world
        self._survivors = survivors
        self._deaths = 0
        self.machines = tuple(machine.name for machine in world.machines)

    @property
    def sentinel(self) -> int:
        return self._world.router.sentinel

    def start(self, point: str, passes: int) -> None:
        self._world.start_router(point=point, passes=passes, survivors=self._survivors)

    def kill(self) -> None:
        self._world.end_router()
        self._deaths += 1
        if self._deaths % FRESH_AFTER == 0:
            for machine in self._world.machines:
                self._world.refresh(machine)
