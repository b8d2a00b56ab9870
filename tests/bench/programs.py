"""The programs under measurement, as real processes on loopback."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# What is started from a process with a link is another program. It is asked as gRPC is loaded.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "false"
import grpc as grpc

del os.environ["GRPC_ENABLE_FORK_SUPPORT"]

API_KEY = "pmk_" + "b" * 43
BOT_TOKEN = "4711:bench"
CHAT_ID = 4711
PATH_SECRET, HEADER_SECRET = "bench-path", "bench-header"
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Program:
    """A running process and what its ready line said."""

    process: "subprocess.Popen[str]"
    address: str


@contextmanager
def started(argv: list[str], environ: Mapping[str, str], *, log: Path) -> Iterator[Program]:
    """Run a program until the block ends; wait for its ready line first."""
    with log.open("w") as errors:
        process = subprocess.Popen(argv, env=dict(environ), stdout=subprocess.PIPE, stderr=errors, text=True, cwd="/")
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith("ready"):
            raise RuntimeError(f"{argv} did not start; see {log}: {log.read_text()[-2000:]}")
        yield Program(process, line.split()[-1])
    finally:
        process.terminate()
        process.wait(20)
        if process.stdout:
            process.stdout.close()


def environ(folder: Path, **more: str) -> dict[str, str]:
    """A complete environment for our programs."""
    base = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return (
        base
        | {
            "POINTSMAN_DATA_DIR": str(folder),
            "POINTSMAN_API_KEY": API_KEY,
            "POINTSMAN_ROUTER_LISTEN": "127.0.0.1:0",
            "POINTSMAN_HTTP_LISTEN": "127.0.0.1:0",
            "TELEGRAM_BOT_TOKEN": BOT_TOKEN,
            "TELEGRAM_WEBHOOK_SECRET": HEADER_SECRET,
            "TELEGRAM_WEBHOOK_PATH_SECRET": PATH_SECRET,
            "ALLOWED_CHAT_IDS": str(CHAT_ID),
            "POINTSMAN_PUBLIC_URL": "https://bench.invalid",
        }
        | more
    )


@contextmanager
def router(folder: Path) -> Iterator[Program]:
    with started(ours("router"), environ(folder), log=folder / "router.log") as program:
        yield program


@contextmanager
def adapter(folder: Path, router_address: str) -> Iterator[Program]:
    env = environ(folder, POINTSMAN_ROUTER=router_address)
    with started(ours("adapter-http"), env, log=folder / "adapter.log") as program:
        yield program


def ours(name: str) -> list[str]:
    return [sys.executable, "-I", "-m", "pointsman", name]


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="pointsman-bench-") as name:
        yield Path(name)
