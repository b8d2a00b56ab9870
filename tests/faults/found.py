"""How long until a dead link or a hung peer is noticed: silence is the only sign of them."""

import signal
import time
from collections.abc import Callable, Sequence

from tests.faults.load import Senders
from tests.faults.table import Row
from tests.faults.world import Machine, World
from tests.rigs.chaos_proxy import Wire
from tests.waiting import NeverHappened, wait_until

HALF_OPEN, HUNG = 45.0, 70.0  # seconds: the promise
_WAIT = 100.0  # seconds until we stop to look


def _swallow(*, up: bool, down: bool) -> Callable[[Wire], None]:
    def act(wire: Wire) -> None:
        wire.up.swallow, wire.down.swallow = up, down

    return act


def _drip(wire: Wire) -> None:
    wire.up.rate = wire.down.rate = 1.0


def _leave(wire: Wire) -> None:
    """The machine is gone, and comes back on another connection; the router is told nothing of the old one's end."""
    wire.up.swallow = wire.down.swallow = True
    wire.client.transport.abort()


HANGS = {signal.SIGSTOP: "stopped (SIGSTOP)", signal.SIGUSR1: "with a hanging event loop"}
HALF_OPENS: dict[str, Callable[[Wire], None]] = {
    "half-open link, both ways": _swallow(up=True, down=True),
    "half-open link, towards the router": _swallow(up=True, down=False),
    "half-open link, towards the machine": _swallow(up=False, down=True),
    "one byte a second": _drip,
    "half-open link that its machine has replaced": _leave,
}


Struck = tuple[str, list[Wire], float]  # a fault, the connections it fell on, and when


def half_open(world: World, names: Sequence[str] = tuple(HALF_OPENS)) -> list[Row]:
    """Each fault on another machine's link, all at once, under traffic: both ends have to find out."""
    since, struck = time.monotonic(), list[Struck]()
    with Senders(world.door, world.sessions, world.journal, f"{since:.3f}", pause=1.0) as senders:
        for machine, name in zip(world.machines, names, strict=False):
            _linked(machine)
            struck.append((name, machine.wire.each(HALF_OPENS[name]), time.monotonic()))
        ends = time.monotonic() + _WAIT
        wait_until(lambda: not _believers(struck) or time.monotonic() > ends, 2 * _WAIT)
        if believers := _believers(struck):
            raise NeverHappened(f"not found out within {_WAIT:.0f} s: {believers}")
    world.drain()
    verdict = world.verdict(since)
    found = {name: [_later_end(wire) - at for wire in wires] for name, wires, at in struck}
    return [
        Row(name, len(times), verdict, found=times, failures=senders.refusals, late=_late(times, HALF_OPEN))
        for name, times in found.items()
    ]


def hung_agents(world: World) -> list[Row]:
    """One agent is stopped, another's event loop hangs while its threads live; the router has to find out."""
    signals = {f"agent {name}": number for number, name in HANGS.items()}
    since, found = time.monotonic(), dict[str, float]()
    with Senders(world.door, world.sessions, world.journal, f"{since:.3f}", pause=1.0) as senders:
        at = {}
        for machine, (name, number) in zip(world.machines, signals.items(), strict=False):
            _linked(machine)
            machine.agent.signal(number)
            at[machine.name] = (name, time.monotonic())
        for _ in at:
            left = set(at) - set(found)
            gone = wait_until(lambda left=left: left - _connected(world, left), _WAIT) if left else ()
            found |= {name: time.monotonic() - at[name][1] for name in gone}
        for machine in world.machines[: len(at)]:
            world.bury(machine)
            world.start_agent(machine)
    world.drain()
    verdict = world.verdict(since)
    return [
        Row(at[name][0], 1, verdict, found=[took], failures=senders.refusals, late=_late([took], HUNG))
        for name, took in found.items()
    ]


def hung_router(world: World, number: int) -> Row:
    """The router is stopped, or hangs; agents have to find out. Then it is killed and started again."""
    name = f"router {HANGS[number]}"
    since, found = time.monotonic(), {}
    with Senders(world.door, world.sessions, world.journal, f"{since:.3f}", pause=1.0) as senders:
        for machine in world.machines:
            _linked(machine)
        world.router.signal(number)
        at = time.monotonic()
        while len(found) < len(world.machines):
            names = {machine.name for machine in world.machines if not machine.ask(op="status")["connected"]}
            found |= {name: time.monotonic() - at for name in names - set(found)}
            if time.monotonic() > at + _WAIT:
                break
        world.router.close()
        world.start_router()
        for machine in world.machines:
            world.refresh(machine)
    world.drain()
    missing = [f"{len(world.machines) - len(found)} agents never noticed"] if len(found) < len(world.machines) else []
    times = list(found.values())
    failures = [*senders.refusals, *missing]
    return Row(name, 1, world.verdict(since), found=times, failures=failures, late=_late(times, HUNG))


def _linked(machine: Machine) -> None:
    wait_until(lambda: machine.ask(op="status")["connected"], _WAIT)


def _connected(world: World, before: set[str]) -> set[str]:
    """Machines that the router believes to be connected; as before when it cannot be asked."""
    listed = world.listed()
    return {machine.machine_id for machine in listed if machine.connected} if listed else before


def _believers(struck: Sequence[Struck]) -> list[str]:
    """Ends that have not given up their connection."""
    return [
        f"{who}, {name}"
        for name, wires, _ in struck
        for wire in wires
        for who, gone_at in (("the agent", wire.client_gone_at), ("the router", wire.server_gone_at))
        if gone_at is None
    ]


def _later_end(wire: Wire) -> float:
    assert wire.client_gone_at is not None
    assert wire.server_gone_at is not None
    return max(wire.client_gone_at, wire.server_gone_at)


def _late(times: Sequence[float], limit: float) -> list[str]:
    return [f"found after {took:.0f} s, not within {limit:.0f}" for took in times if took > limit]
