"""Providers with the stand-ins behind them; `with` is the stand-in's life."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pointsman.providers.container import ContainerProvider
from pointsman.providers.fly import FlyProvider
from pointsman.providers.fly_api import FlyApi
from pointsman.providers.provider import Provider, Wanted
from tests.fakes.docker_program import Docker
from tests.fakes.fly_api import APP, TOKEN, FlyStandIn

WANTED = Wanted("acme/api#7", "pointsman/agent:1", "pmj_once", {"POINTSMAN_ROUTER": "router.example.org:7443"})


@dataclass
class Clock:
    """It goes only where somebody sleeps."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Scene(Protocol):
    """What a suite over all providers needs of each."""

    @property
    def provider(self) -> Provider:
        """In the state in which its machines are."""

    def machines(self) -> int:
        """How many there are."""

    def disks(self) -> int:
        """The same of disks."""

    def lose_answer(self, verb: str) -> None:
        """What the next call does that carries out a verb is done, and its answer lost."""


class ContainerScene:
    def __init__(self, folder: Path) -> None:
        self.docker, self.folder = Docker(), folder / "provided"
        self.provider = ContainerProvider("docker", self.folder, self.docker)

    def machines(self) -> int:
        return len(self.docker.containers)

    def disks(self) -> int:
        return len(self.docker.volumes)

    def lose_answer(self, verb: str) -> None:
        self.docker.lose.add({"ensure": "run", "destroy": "rm"}.get(verb, verb))


class FlyScene:
    def __init__(self, fly: FlyStandIn, clock: Clock, *regions: str) -> None:
        self.fly, self.clock = fly, clock
        self.api = FlyApi(fly.url, APP, TOKEN, clock, clock.sleep)
        self.provider = FlyProvider(self.api, regions or ("ams", "fra"))

    def machines(self) -> int:
        return len(self.fly.machines)

    def disks(self) -> int:
        return len(self.fly.volumes)

    def lose_answer(self, verb: str) -> None:
        self.fly.lose.add({"destroy": "DELETE /machines"}.get(verb, "POST /machines"))


@contextmanager
def fly_scene(*regions: str) -> Iterator[FlyScene]:
    clock = Clock()
    with FlyStandIn(clock) as fly:
        yield FlyScene(fly, clock, *regions)
    assert fly.complaints == []
    assert fly.violations == 0
