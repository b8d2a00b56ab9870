"""Database files that something damaged while their program was dead, or that somebody reads without end."""

import random
import shutil
import sqlite3
import struct
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.faults.kills import Strike, recoveries, until_recovered
from tests.faults.load import Senders
from tests.faults.processes import Died, Process
from tests.faults.storm import waits
from tests.faults.table import Row, quantile
from tests.faults.world import World

MIB = 2**20
LONGEST_LOG = 64 * MIB  # that may stay once the reader is done
DENSE = 0.02  # seconds between texts: a log must have something to lose, and grow past its limit
_WAL_HEADER, _FRAME_HEADER = 32, 24  # bytes; https://sqlite.org/fileformat2.html#walformat
_COMMITTED_FRAMES, _FOLDED_FRAMES = 16, 96  # where a -shm file has them; https://sqlite.org/walformat.html


def lost_index(world: World, count: int) -> Row:
    """The -shm beside the router's log, or beside an agent's, is gone."""
    since, strikes, machine = time.monotonic(), [], world.machines[0]
    names = tuple(one.name for one in world.machines)
    with Senders(world.door, world.sessions, world.journal, f"{since:.3f}", pause=DENSE) as senders:
        for _ in range(count):
            world.end_router()
            (world.router_folder / "router.db-shm").unlink()
            strikes.append(Strike(time.monotonic(), names))
            world.start_router()
            until_recovered(world, strikes)
            world.bury(machine)
            (machine.folder / "agent.db-shm").unlink()
            strikes.append(Strike(time.monotonic(), (machine.name,)))
            world.start_agent(machine)
            until_recovered(world, strikes)
            for other in world.machines[1:]:
                world.refresh(other)  # else their reconnect windows double up to a minute
    world.drain()
    back = recoveries(world, strikes)
    return Row("-shm deleted", len(strikes), world.verdict(since), back=back, failures=senders.refusals)


def cut_log(world: World, rng: random.Random, count: int) -> Row:
    """The end of the router's log is gone, and with it what it had acknowledged: a disk that lied.

    That is lost, and no fault of ours; but nothing may be typed twice for it, and everything still known must end. Only
    what was not answered when the router died may come twice: its sender repeats it, and that it was there is lost.
    """
    since, strikes, unanswered = time.monotonic(), [], set[str]()
    names = tuple(one.name for one in world.machines)
    world.end_router()
    _folded(world.router_folder / "router.db")  # else the machines may be gone with it, for ever
    world.start_router()
    for machine in world.machines:
        world.refresh(machine)
    with Senders(world.door, world.sessions, world.journal, f"{since:.3f}", pause=DENSE) as senders:
        while len(strikes) < count:
            until_recovered(world, [Strike(time.monotonic(), names)])
            world.end_router()
            unanswered |= _unanswered(world, since)
            if _cut(world.router_folder / "router.db", rng):
                strikes.append(Strike(time.monotonic(), names))
            world.start_router()
            for machine in world.machines:
                world.refresh(machine)
            until_recovered(world, strikes)
    world.drain()
    verdict = world.verdict(since, interruptions=False)
    duplicated, again = verdict.duplicated - unanswered, verdict.duplicated & unanswered
    twice = [f"typed twice: {len(duplicated)}"] if duplicated else []
    lost, typed = f"{len(verdict.lost)} of them lost with the log", f"{len(again)} without an answer typed again"
    remarks = [f"{verdict.accepted} accepted, {lost}", typed]
    name = "end of the router's log cut off"
    return Row(name, len(strikes), None, (), recoveries(world, strikes), remarks, [*senders.refusals, *twice])


def _unanswered(world: World, since: float) -> set[str]:
    """The texts that their senders still hand in."""
    attempted, accepted = (
        {entry["text"] for entry in world.journal.read(kind, since=since)} for kind in ("attempted", "accepted")
    )
    return attempted - accepted


def damaged_router(world: World, rng: random.Random, count: int) -> Row:
    """A page of the router's database is overwritten."""

    victim = _Victim("router", world.router_folder / "router.db", world.end_router, world.start_router)
    return _damaged(world, rng, count, victim, lambda: world.router)


def damaged_agent(world: World, rng: random.Random, count: int) -> Row:
    """A page of an agent's database is overwritten."""
    machine = world.machines[0]

    def start() -> None:
        world.start_agent(machine)
        machine.agent.ready()

    victim = _Victim("agent", machine.folder / "agent.db", lambda: world.bury(machine), start)
    return _damaged(world, rng, count, victim, lambda: machine.agent)


def pinned_reader(world: World, seconds: float) -> Row:
    """Somebody keeps a read transaction open for so long: the log cannot be written over meanwhile."""
    since, longest = time.monotonic(), 0
    path = world.router_folder / "router.db"
    log = path.with_name("router.db-wal")
    with Senders(world.door, world.sessions, world.journal, f"{since:.3f}", pause=DENSE) as senders:
        until_recovered(world, [Strike(since, tuple(machine.name for machine in world.machines))])
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM commands").fetchall()
            began = time.monotonic()
            while time.monotonic() < began + seconds:
                threading.Event().wait(0.5)
                longest = max(longest, log.stat().st_size)
            ended = time.monotonic()
        until_recovered(world, [Strike(ended, tuple(machine.name for machine in world.machines))])
        threading.Event().wait(seconds / 2)
        after = log.stat().st_size
    world.drain()
    took = waits(world, began, ended)
    remarks = [
        f"the log had {longest / MIB:.0f} MiB at most, {after / MIB:.0f} MiB afterwards",
        f"a command took p50 {quantile(took, 0.5):.2f} s, p99 {quantile(took, 0.99):.2f} s meanwhile",
    ]
    grows = [f"the log keeps {after / MIB:.0f} MiB"] if after > max(longest, LONGEST_LOG) else []
    name = f"reader that stays for {seconds:.0f} s"
    return Row(name, 1, world.verdict(since), remarks=remarks, failures=[*senders.refusals, *grows])


@dataclass(frozen=True, slots=True)
class _Victim:
    """A program whose database is to be damaged: how it is killed, and started until it is ready."""

    name: str
    path: Path
    end: Callable[[], object]
    start: Callable[[], object]


def _damaged(world: World, rng: random.Random, count: int, victim: _Victim, life: Callable[[], Process]) -> Row:
    """Overwrite one page at a time: the program refuses to start, and works when the file is put back."""
    since, failures, path = time.monotonic(), list[str](), victim.path
    with Senders(world.door, world.sessions, world.journal, f"{since:.3f}", pause=DENSE) as senders:
        for _ in range(count):
            until_recovered(world, [Strike(time.monotonic(), tuple(machine.name for machine in world.machines))])
            victim.end()
            with tempfile.TemporaryDirectory() as sound:
                _folded(path)
                shutil.copy(path, sound)
                page = _overwrite_page(path, rng)
                failures += [f"page {page}: {fault}" for fault in _refusal(victim)]
                life().close()
                for file in path.parent.glob(f"{path.name}*"):
                    file.unlink()
                shutil.copy(Path(sound) / path.name, path)
            victim.start()
            for machine in world.machines:
                world.refresh(machine)  # else their reconnect windows double up to a minute
    world.drain()
    remarks = ["refused to start each time"]
    row = f"page of the {victim.name}'s database overwritten"
    return Row(row, count, world.verdict(since), remarks=remarks, failures=[*senders.refusals, *failures])


def _refusal(victim: _Victim) -> list[str]:
    """What is wrong with how it refuses to start."""
    try:
        victim.start()
    except Died as died:
        return [] if "cannot" in str(died) else [f"it does not say why: {str(died)[-300:]}"]
    return ["it serves a damaged file"]


def _folded(path: Path) -> None:
    """Bring the log into the file, which nobody has open."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _overwrite_page(path: Path, rng: random.Random) -> int:
    """Random bytes in place of a page that is in use; its number."""
    with closing(sqlite3.connect(path)) as connection:
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        roots = [row[0] for row in connection.execute("SELECT rootpage FROM sqlite_schema WHERE rootpage > 0")]
    page = rng.choice(roots)
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(rng.randbytes(size))
    return page


def _cut(path: Path, rng: random.Random) -> bool:
    """Cut the log of a dead program behind a random frame that is not folded into the file; False: there is none."""
    index, log = (path.with_name(path.name + end) for end in ("-shm", "-wal"))
    content = index.read_bytes()
    (committed,) = struct.unpack_from("=I", content, _COMMITTED_FRAMES)
    (folded,) = struct.unpack_from("=I", content, _FOLDED_FRAMES)
    if committed <= folded:
        return False
    (page_size,) = struct.unpack_from(">I", log.read_bytes(), 8)
    frames = rng.randrange(folded, committed)
    with log.open("r+b") as file:
        file.truncate(_WAL_HEADER + frames * (_FRAME_HEADER + page_size))
    return True
