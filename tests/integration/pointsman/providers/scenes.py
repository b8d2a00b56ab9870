"""Providers with the stand-ins behind them; `with` is the stand-in's life."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pointsman.commands.providers import carried_out
from pointsman.providers.container import ContainerProvider
from pointsman.providers.fly import FlyProvider
from pointsman.providers.fly_api import FlyApi
from pointsman.providers.process import ProcessProvider
from pointsman.providers.process_host import ProcessHost
from pointsman.providers.program import Result
from pointsman.providers.provider import Provider, ProviderError, Unsure, Wanted
from tests.fakes.docker_program import Docker
from tests.fakes.fly_api import APP, TOKEN, FlyStandIn

WANTED = Wanted("acme/api#7", "pointsman/agent:1", "pmj_once", {"POINTSMAN_ROUTER": "router.example.org:7443"})

# It enrols, and notes for whom; then it is there until it is asked to leave.
AGENT = """#!/bin/sh
mkdir -p "$POINTSMAN_DATA_DIR/agent"
case "$*" in
  *" enroll "*) echo "$*" "$(cat)" >"$POINTSMAN_DATA_DIR/agent/machine.json" ;;
  *) echo "$POINTSMAN_ROUTER" >>"$POINTSMAN_DATA_DIR/lives"; exec sleep 600 ;;
esac
"""


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


class ProcessScene:
    """Our own command at the other end, beside it a program that is no agent and ends when it is asked to."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.lost = folder / "provided", ""
        agent = folder / "agent"
        agent.write_text(AGENT)
        agent.chmod(0o700)
        self.host = ProcessHost(self.folder, str(agent), {"PATH": os.environ["PATH"]})
        self.provider = ProcessProvider(("here",), str(self.folder), run=self.run)

    def run(self, argv: Sequence[str], patience: float, given: str = "") -> Result:
        """As ssh would."""
        assert list(argv) == ["here", "machine-process"]
        asked = json.loads(given)
        try:
            answer = carried_out(self.host, asked)
        except (ProviderError, ValueError) as error:
            return Result(1, "", f"Error: {error}")
        if asked["verb"] == self.lost:
            self.lost = ""
            raise Unsure(f"ssh did not end within {patience:.0f} s")
        return Result(0, json.dumps(answer), "")

    def machines(self) -> int:
        return len(list(self.folder.glob("*/lock")))

    def disks(self) -> int:
        return len(list(self.folder.glob("*/data")))

    def lose_answer(self, verb: str) -> None:
        self.lost = verb

    def close(self) -> None:
        for each in self.host.listed():
            self.host.destroy(each.key)


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
