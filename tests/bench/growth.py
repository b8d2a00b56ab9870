"""What a router's past costs it: the same figures at 10^3 and at 10^6 commands, on the real router.

    python -m tests.bench.growth                                  # all sizes; an hour, 10 GB
    python -m tests.bench.growth 1000:1:1 100000:100:1000 --kept FOLDER --json

A size is commands:machines:sessions. The past is written by the router's own store layer (`tests.rigs.history`), into
a folder where one is named; every measurement has a copy of it. What is counted (instructions, bytes, rows) holds on a
busy machine; what is timed needs a quiet one (`--counted` leaves it out). Ends with 1 where the largest costs more than
a fifth above the smallest.
"""

import argparse
import asyncio
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median

import grpc
import psutil
from agentlink.v1 import chat_link_pb2, chat_link_pb2_grpc, control_pb2, control_pb2_grpc, types_pb2

from router.store.migrations import migrate
from tests.bench import day, instructions, programs, submits
from tests.bench.machine import METADATA, Machine
from tests.rigs import history

SIZES = ("1000:1:1", "10000:10:100", "100000:100:1000", "1000000:5000:20000")
MOST = 1.2  # times the smallest
SENT = 300  # commands, one at a time
ASKED = 5  # times each question
LINKED_AT_ONCE = 50
# The rest grows with what is there, and is told: a list, a file, the memory of a link.
FLAT = ("instructions, machine away", "instructions, to its end", "submit to machine, p50", "start", "start, CPU")

Figures = dict[str, float]


def main() -> int:
    """Measure, print, judge."""
    arguments = _arguments()
    sizes = [history.Size(*map(int, each.split(":"))) for each in arguments.sizes]
    with _kept(arguments.kept) as kept:
        found = {str(size): _measured(size, kept, arguments) for size in sizes}
    if arguments.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    else:
        _table(found)
    first, last = _ends(found)
    grown = [name for name in FLAT if name in first and last[name] > MOST * first[name]]
    for name in grown:
        _tell(f"not flat: {name}, {last[name] / first[name]:.2f} times as much")
    return 1 if grown else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", default=SIZES, help="commands:machines:sessions")
    parser.add_argument("--kept", type=Path, help="a folder for databases, used again by the next run")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--counted", action="store_true", help="nothing that is timed")
    parser.add_argument("--day", action="store_true", help="also 24 hours of traffic in moved time, with retention")
    return parser.parse_args()


def _measured(size: history.Size, kept: Path, wanted: argparse.Namespace) -> Figures:
    figures: Figures = {}
    file = kept / f"{size.commands}-{size.machines}-{size.sessions}-{wanted.seed}.db"
    if not file.exists():
        unfinished = file.with_suffix(".part")
        unfinished.unlink(missing_ok=True)
        history.write(unfinished, size, seed=wanted.seed, tell=_tell)
        unfinished.rename(file)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        migrate(connection)  # it may be kept from an earlier version
    figures["database, MB"] = file.stat().st_size / 1e6
    if instructions.is_possible():
        for name, connected in (("machine away", False), ("to its end", True)):
            _tell(f"{size}: counting instructions, {name}")
            figures[f"instructions, {name}"] = asyncio.run(instructions.per_command(connected=connected, past=file))
    if not wanted.counted:
        with _copy(file) as folder:
            figures |= asyncio.run(_served(folder, size))
    if wanted.day:
        with _copy(file) as folder:
            figures |= day.replayed(folder, size, _tell)
    _tell(f"{size}: {json.dumps(figures)}")
    return figures


async def _served(folder: Path, size: history.Size) -> Figures:
    """What the router does with it, in seconds and bytes."""
    _tell(f"{size}: starting")
    began = time.monotonic()
    with programs.router(folder) as router:
        process = psutil.Process(router.process.pid)
        spent = process.cpu_times()
        figures = {"start": time.monotonic() - began, "start, CPU": spent.user + spent.system}
        figures["memory, MiB"] = _mebibytes(process)
        async with grpc.aio.insecure_channel(router.address) as channel:
            await instructions.looked_at(folder)
            linked = await _linked(router.address, size)
            figures["memory with its machines linked, MiB"] = _mebibytes(process)
            figures |= await _latency(channel)
            figures |= await _answers(channel)
            figures |= _shown(folder, router.address)
            figures["log, MB"] = (folder / "router.db-wal").stat().st_size / 1e6
            for machine in linked:
                machine.close()
    return figures


async def _linked(address: str, size: history.Size) -> list[Machine]:
    """Every machine of the past has a link, on a channel of its own."""
    _tell(f"{size}: linking {size.machines} machines")
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.aio.insecure_channel(address, options) for _ in range(size.machines)]
    machines = [
        Machine(channel, history.machine_id_of(number), history.key_of(number))
        for number, channel in enumerate(channels)
    ]
    for start in range(0, len(machines), LINKED_AT_ONCE):
        await asyncio.gather(*(each.connect() for each in machines[start : start + LINKED_AT_ONCE]))
    return machines


async def _latency(channel: grpc.aio.Channel) -> Figures:
    """From a submit to the machine, one at a time."""
    machine = Machine(channel, "measured")
    await machine.enrol()
    names = await machine.sessions(submits.SESSIONS)
    await machine.connect()
    serving = asyncio.create_task(machine.serve())
    stream = chat_link_pb2_grpc.ChatLinkStub(channel).SubmitStream(metadata=METADATA)
    taken = []
    for number in range(SENT):
        began = time.perf_counter()
        await stream.write(chat_link_pb2.SubmitBatch(items=[_item(number, names[number % len(names)])]))
        await stream.read()
        while (text := f"growth {number}") not in machine.arrived:
            await asyncio.sleep(0)
        taken.append(machine.arrived[text] - began)
    serving.cancel()
    machine.close()
    return {"submit to machine, p50": median(taken), "submit to machine, p99": sorted(taken)[int(SENT * 0.99)]}


def _item(number: int, session_id: str) -> chat_link_pb2.SubmitItem:
    chat = types_pb2.ChatRef(transport="bench", chat_id="1")
    request = chat_link_pb2.SubmitRequest(
        update_key=f"growth:{number}", chat=chat, text=f"growth {number}", session_id=session_id
    )
    return chat_link_pb2.SubmitItem(item_id=number, request=request)


async def _answers(channel: grpc.aio.Channel) -> Figures:
    """How long the router takes for what people and programs ask."""
    control = control_pb2_grpc.ControlStub(channel)
    newest = await control.ListCommands(control_pb2.ListCommandsRequest(limit=1), metadata=METADATA)
    command_id = newest.commands[0].command_id
    asked: dict[str, Callable[[], grpc.aio.UnaryUnaryCall[object, object]]] = {
        "sessions": lambda: control.ListSessions(control_pb2.ListSessionsRequest(), metadata=METADATA),
        "sessions and their last words": lambda: control.ListNotifications(
            control_pb2.ListNotificationsRequest(last_words=True, limit=1000), metadata=METADATA
        ),
        "a page of commands": lambda: control.ListCommands(control_pb2.ListCommandsRequest(), metadata=METADATA),
        "a trace": lambda: control.Trace(control_pb2.TraceRequest(id=command_id), metadata=METADATA),
        "a trace, by the end of its id": lambda: control.Trace(
            control_pb2.TraceRequest(id=command_id[-8:]), metadata=METADATA
        ),
        "figures": lambda: control.GetStats(control_pb2.GetStatsRequest(), metadata=METADATA),
        "machines": lambda: control.ListMachines(control_pb2.ListMachinesRequest(), metadata=METADATA),
    }
    return {f"asked for {name}": await _asked(call) for name, call in asked.items()}


async def _asked(call: Callable[[], "grpc.aio.UnaryUnaryCall[object, object]"]) -> float:
    taken = []
    for _ in range(ASKED):
        began = time.perf_counter()
        await call()
        taken.append(time.perf_counter() - began)
    return median(taken)


def _shown(folder: Path, address: str) -> Figures:
    """The same on the command line, with its start."""
    environ = programs.environ(folder, POINTSMAN_ROUTER=address)
    figures = {}
    for name in ("sessions", "commands", "machines"):
        began = time.perf_counter()
        subprocess.run(programs.ours(name), env=environ, check=True, capture_output=True)
        figures[f"pointsman {name}"] = time.perf_counter() - began
    return figures


def _mebibytes(process: psutil.Process) -> float:
    return process.memory_info().rss / 1024**2


@contextmanager
def _kept(folder: Path | None) -> Iterator[Path]:
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="pointsman-growth-") as name:
        yield Path(name)


@contextmanager
def _copy(file: Path) -> Iterator[Path]:
    with programs.folder() as folder:
        shutil.copy(file, folder / "router.db")
        yield folder


def _ends(found: dict[str, Figures]) -> tuple[Figures, Figures]:
    """Those of the smallest and of the largest; of one alone twice the same."""
    figures = list(found.values())
    return figures[0], figures[-1]


def _table(found: dict[str, Figures]) -> None:
    sys.stdout.write(" | ".join(["| what", *found, "the last beside the first |"]) + "\n")
    first, last = _ends(found)
    for name in first:
        row = [f"{figures[name]:.4g}" for figures in found.values()]
        sys.stdout.write(" | ".join([f"| {name}", *row, f"{last[name] / (first[name] or 1.0):.2f} x |"]) + "\n")


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
