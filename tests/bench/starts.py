"""What commands cost that people and their programs wait for, from start to end, beside Python that does nothing."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import grpc

from agent.local import client
from pointsman.mcp import SERVER
from tests.bench import programs
from tests.bench.figures import Figures, middle
from tests.bench.machine import Machine
from tests.fakes.hook_caller import call

SESSIONS = 20
COMMAND = Path(sys.executable).parent / "pointsman"


async def measure(folder: Path, rounds: int) -> Figures:
    """Medians in seconds; the commands are started by turns."""
    with programs.router(folder) as router:
        async with grpc.aio.insecure_channel(router.address) as channel:
            machine = Machine(channel, "starts")
            await machine.enrol()
            await machine.sessions(SESSIONS)
        environ = programs.environ(folder, POINTSMAN_ROUTER=router.address)
        python = [sys.executable, "-I", "-S", "-c", ""]
        mcp = [*python[:3], SERVER, client.socket_path(folder)]
        starts: dict[str, Callable[[], object]] = {
            "python": lambda: subprocess.run(python, input=b"{}", capture_output=True, check=True),
            "mcp": lambda: subprocess.run(mcp, input=b"", capture_output=True, check=True),
            "hook": lambda: call(folder, "Stop", b"{}", {}),
            "help": lambda: _run(environ, "--help"),
            "sessions": lambda: _run(environ, "sessions"),
        }
        took = {name: list[float]() for name in starts}
        for _ in range(rounds):
            for name, start in starts.items():
                began = time.perf_counter()
                start()
                took[name].append(time.perf_counter() - began)
    return {name: middle(times) for name, times in took.items()}


def _run(environ: dict[str, str], *words: str) -> None:
    subprocess.run([COMMAND, *words], env=environ, capture_output=True, check=True)
