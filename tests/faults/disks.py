"""Disks that are full, and databases that somebody else holds: nothing accepted is lost, and it ends by itself."""

import os
import resource
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.faults.kills import RECOVERY, Strike, recoveries, until_recovered
from tests.faults.load import Senders
from tests.faults.table import Row
from tests.faults.world import Machine, World
from tests.waiting import wait_until

SIZE = "16m"
LEFT = 64 * 1024  # bytes that the log may have when there is no more space
TOLD = 10.0  # seconds until health says so


@cache
def may_mount() -> bool:
    """Whether a small disk of one's own can be had here: root may, except in most containers."""
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as folder:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "faults", folder], capture_output=True)
        if mounted.returncode == 0:
            subprocess.run(["umount", folder], check=True)
        return mounted.returncode == 0


def full_at_router(world: World, count: int) -> Row:
    """The router's disk is full so many times, and gets space again."""
    since, strikes, found = time.monotonic(), [], []
    with _router_disk(world) as disk, Senders(world.door, world.sessions, world.journal, f"{since:.3f}") as senders:
        for _ in range(count):
            began = time.monotonic()
            wait_until(lambda began=began: any(world.journal.read("accepted", since=began)), RECOVERY)
            disk.fill()
            wait_until(lambda: not _serving(world), RECOVERY)
            # The log has room in itself for a while: what counts is the time since nothing more was accepted.
            found.append(time.monotonic() - max(entry["at"] for entry in world.journal.read("accepted")))
            disk.free()
            strikes.append(Strike(time.monotonic(), tuple(machine.name for machine in world.machines)))
            until_recovered(world, strikes)
            for machine in world.machines:
                world.refresh(machine)  # else their reconnect windows double up to a minute
        wait_until(lambda: _serving(world), RECOVERY)
        senders.stop()
        world.drain()
        verdict = world.verdict(since)
    late = [f"health told after {took:.0f} s" for took in found if took > TOLD]
    back = recoveries(world, strikes)
    return Row("disk full at the router", count, verdict, found, back, failures=senders.refusals, late=late)


def full_at_machine(world: World, count: int) -> Row:
    """A machine's disk is full so many times, and gets space again; the agent must drop its link meanwhile."""
    since, strikes, found = time.monotonic(), [], []
    machine = world.machines[0]
    with _machine_disk(world, machine) as disk:
        with Senders(world.door, world.sessions, world.journal, f"{since:.3f}") as senders:
            for _ in range(count):
                wait_until(lambda: world.is_connected(machine.name), RECOVERY)
                at = time.monotonic()
                disk.fill()
                wait_until(lambda: not world.is_connected(machine.name), RECOVERY)
                found.append(time.monotonic() - at)
                disk.free()
                strikes.append(Strike(time.monotonic(), (machine.name,)))
                until_recovered(world, strikes)
                world.refresh(machine)
        world.drain()
        verdict = world.verdict(since)
    back = recoveries(world, strikes)
    return Row("disk full at a machine", count, verdict, found, back, failures=senders.refusals)


def locked_router(world: World, seconds: float) -> Row:
    """Somebody holds the router's database."""
    return _locked(world, seconds, world.router_folder / "router.db", "the router")


def locked_machine(world: World, seconds: float) -> Row:
    """Somebody holds an agent's database."""
    return _locked(world, seconds, world.machines[0].folder / "agent.db", "an agent")


def _locked(world: World, seconds: float, path: Path, name: str) -> Row:
    """Somebody else's transaction holds the database for so long."""
    since = time.monotonic()
    with Senders(world.door, world.sessions, world.journal, f"{since:.3f}") as senders:
        until_recovered(world, [Strike(since, tuple(machine.name for machine in world.machines))])
        connection = sqlite3.connect(path, isolation_level=None, timeout=10)
        connection.execute("BEGIN IMMEDIATE")
        threading.Event().wait(seconds)
        connection.execute("ROLLBACK")
        connection.close()
        strike = Strike(time.monotonic(), tuple(machine.name for machine in world.machines))
        until_recovered(world, [strike])
    world.drain()
    name = f"database of {name} locked for {seconds:.0f} s"
    return Row(name, 1, world.verdict(since), back=recoveries(world, [strike]), failures=senders.refusals)


class _Mounted:
    """A small disk, filled by a file beside the database."""

    def __init__(self, folder: Path) -> None:
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        with suppress(OSError), self._ballast.open("ab", buffering=0) as file:
            while True:
                file.write(b"\0" * 65536)
        with suppress(OSError), self._ballast.open("ab", buffering=0) as file:
            while True:
                file.write(b"\0" * 512)

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)


class _Limited:
    """For ordinary users: the process may not write beyond the beginning of a file."""

    def __init__(self, world: World) -> None:
        self._world = world

    def fill(self) -> None:
        self._limit(LEFT)

    def free(self) -> None:
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        resource.prlimit(self._world.router.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@contextmanager
def _router_disk(world: World) -> Iterator[_Mounted | _Limited]:
    if not may_mount():
        yield _Limited(world)
        return
    before, folder = world.router_life, world.router_folder
    world.router.stop()
    with _tmpfs(world.folder / "router-disk", folder) as disk:
        world.router_life = replace(before, environ=before.environ | {"POINTSMAN_DATA_DIR": str(disk)})
        world.start_router()
        yield _Mounted(disk)
        world.router.stop()
        _replaced(folder, disk)
    world.router_life = before
    world.start_router()


@contextmanager
def _machine_disk(world: World, machine: Machine) -> Iterator[_Mounted]:
    before, folder = machine.life, machine.folder.parent
    machine.agent.stop()
    with _tmpfs(world.folder / "machine-disk", folder) as disk:
        machine.life = replace(before, environ=before.environ | {"POINTSMAN_DATA_DIR": str(disk)})
        world.start_agent(machine)
        machine.agent.ready()
        yield _Mounted(disk)
        machine.agent.stop()
        _replaced(folder / "agent", machine.folder)
    machine.life = before
    world.start_agent(machine)


@contextmanager
def _tmpfs(disk: Path, content: Path) -> Iterator[Path]:
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "faults", str(disk)], check=True)
    try:
        shutil.copytree(content, disk, dirs_exist_ok=True, ignore=_sockets)
        disk.chmod(0o700)
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
        disk.rmdir()


def _replaced(folder: Path, by: Path) -> None:
    """Put a database in place of an older one, whose log would be taken for its own."""
    for stale in folder.glob("*.db*"):
        stale.unlink()
    shutil.copytree(by, folder, dirs_exist_ok=True, ignore=_sockets)


def _sockets(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if (Path(folder) / name).is_socket()]


def _serving(world: World) -> bool:
    with suppress(grpc.RpcError):
        stub = health_pb2_grpc.HealthStub(world.door.channel)
        answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=5)
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
    return False
