"""Programs of others as peers: found, or said how to install; run in a folder of their own until a block ends."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from tests.ports import free_port as free_port

PATIENCE = 30.0  # seconds until it listens
_MORE = ("/usr/sbin", "/usr/local/sbin")  # servers may live there, and not be on everybody's path


def program(name: str, *folders: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *folders, *_MORE]))


def missing(install: str, programs: list[str | None], modules: tuple[str, ...] = ()) -> str:
    """How to install what is not here, or nothing."""
    absent = [] if all(programs) else [install]
    absent += [f"pip install {module}" for module in modules if find_spec(module) is None]
    return "; ".join(absent)


@contextmanager
def server(
    argv: list[str], port: int, *, log: Path, user: str | None = None, environ: Mapping[str, str] | None = None
) -> Iterator[None]:
    """The program listens inside the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(argv, stdout=output, stderr=output, cwd=log.parent, user=user, env=environ)
    try:
        until = time.monotonic() + PATIENCE
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{argv} does not listen: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)
        yield
    finally:
        process.send_signal(signal.SIGINT)  # PostgreSQL waits for nobody then
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def somebody(folder: Path, name: str) -> str | None:
    """Who a server that refuses to be root is to run as, the folder being theirs; nobody else where we are not root."""
    if os.geteuid():
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    user = name if name in known else "nobody"
    shutil.chown(folder, user)
    folder.parent.chmod(0o755)
    return user
