"""`python -m tests.sim`: run one seed and tell its history, or many and tell what broke."""

import argparse
import hashlib
import logging
import sys
import time
from collections import Counter
from collections.abc import Collection
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from tests.sim.plan import HAPPENINGS
from tests.sim.plants import PLANTS, Plant
from tests.sim.record import Record
from tests.sim.schedule_plants import SCHEDULE_PLANTS
from tests.sim.schedules import HAPPENINGS as LATER
from tests.sim.schedules import SMALL, ScheduleWorld
from tests.sim.world import Size, World, simulate

CHUNK = 50  # seeds that a process takes at a time
PROGRESS = 10.0  # seconds between signs of life


@dataclass(frozen=True, slots=True)
class Worlds:
    """Which worlds: their size, what is planted in them, and whether people want things later there."""

    size: Size
    plant: str = ""
    later: bool = False

    @property
    def happenings(self) -> Collection[str]:
        """What can happen in them."""
        return LATER if self.later else HAPPENINGS

    def play(self, seed: int) -> Record:
        """One of them."""
        plants, kind = (SCHEDULE_PLANTS, ScheduleWorld) if self.later else (PLANTS, World)
        return simulate(seed, self.size, plants.get(self.plant, Plant)(), kind)


@dataclass(slots=True)
class Total:
    """What some seeds came to."""

    seeds: int = 0
    hours: float = 0.0  # virtual
    typed: int = 0
    happened: Counter[str] = field(default_factory=Counter)
    endings: Counter[str] = field(default_factory=Counter)
    broken: dict[int, list[str]] = field(default_factory=dict)

    def add(self, seed: int, record: Record) -> None:
        """One more."""
        self.seeds += 1
        self.hours += record.lasted / 3600
        self.typed += len(record.typed)
        self.happened.update(record.happened)
        self.endings.update(record.endings)
        if record.broken:
            self.broken[seed] = record.broken

    def join(self, other: "Total") -> None:
        """Some more."""
        self.seeds += other.seeds
        self.hours += other.hours
        self.typed += other.typed
        self.happened.update(other.happened)
        self.endings.update(other.endings)
        self.broken.update(other.broken)


def main() -> int:
    """Exit 1 when a promise was broken, or when nothing happened that could have broken one."""
    options = _options()
    _hush()
    size = SMALL if options.later else Size(options.machines, options.sessions, options.events, options.span)
    worlds = Worlds(size, options.plant, later=options.later)
    if options.seed is not None:
        return _one(options.seed, worlds)
    return _many(range(options.first, options.first + options.seeds), worlds, options.jobs)


def _one(seed: int, worlds: Worlds) -> int:
    record = worlds.play(seed)
    history = "\n".join(record.history)
    print(history)
    print(f"\nseed {seed}, history {hashlib.sha256(history.encode()).hexdigest()[:16]}")
    print("\n".join(f"BROKEN {what}" for what in record.broken) or "every promise held")
    return 1 if record.broken else 0


def _many(seeds: range, worlds: Worlds, jobs: int | None) -> int:
    began, total, told = time.monotonic(), Total(), time.monotonic()
    chunks = [seeds[start : start + CHUNK] for start in range(0, len(seeds), CHUNK)]
    with ProcessPoolExecutor(jobs) as pool:
        for part in pool.map(partial(_chunk, worlds=worlds), chunks):
            total.join(part)
            for seed, broken in part.broken.items():
                print(f"seed {seed}: {broken[0]}\n    {_replay(seed, worlds)}", flush=True)
            if time.monotonic() - told > PROGRESS:
                told = time.monotonic()
                print(f"... {total.seeds} seeds", flush=True)
    _print(total, time.monotonic() - began)
    silent = [name for name in worlds.happenings if not total.happened[name]]
    if silent and len(seeds) > CHUNK:
        print(f"never happened, so nothing is proven about it: {', '.join(silent)}")
    return 1 if total.broken or (silent and len(seeds) > CHUNK) else 0


def _chunk(seeds: range, worlds: Worlds) -> Total:
    _hush()
    total = Total()
    for seed in seeds:
        total.add(seed, worlds.play(seed))
    return total


def _hush() -> None:
    """The programs log every fault that is put before them; the worlds listen, the terminal need not."""
    logging.getLogger().addHandler(logging.NullHandler())


def _replay(seed: int, worlds: Worlds) -> str:
    wanted = {**({} if worlds.later else asdict(worlds.size)), "plant": worlds.plant}
    given = [f"--{name} {value}" for name, value in wanted.items() if value != _DEFAULTS[name]]
    return " ".join(["python -m tests.sim", *(["--later"] if worlds.later else []), "--seed", str(seed), *given])


def _print(total: Total, seconds: float) -> None:
    print(f"\n{total.seeds} seeds, {total.hours:.0f} simulated hours in {seconds:.0f} s; {total.typed} texts typed")
    for title, counts in (("happened", total.happened), ("commands ended", total.endings)):
        print(f"\n{title}")
        for name, count in counts.most_common():
            print(f"  {name:28} {count:9}")
    print(f"\nseeds with a broken promise: {len(total.broken)}")


_DEFAULTS: dict[str, Any] = {**asdict(Size()), "plant": ""}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one and print its history")
    parser.add_argument("--seeds", type=int, default=1000, help="how many to run")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--jobs", type=int, default=None, help="processes; as many as there are cores unless given")
    parser.add_argument("--plant", choices=["", *PLANTS, *SCHEDULE_PLANTS], default="", help="a bug planted on purpose")
    parser.add_argument("--later", action="store_true", help="worlds with schedules, of their own size")
    for name in ("machines", "sessions", "events", "span"):
        kind = type(_DEFAULTS[name])
        parser.add_argument(f"--{name}", type=kind, default=_DEFAULTS[name], help="of each world")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
