"""An agent that dies at a point of changing its key, as by kill -9: `python -m tests.rigs.dying_agent FILE POINT`.

The points are the names of the files that are written, and OFFERED, TAKEN and IN_PLACE. Installed from outside.
"""

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop

from agent.link import identity
from agent.link.client import Client
from tests.rigs.agent_process import main

OFFERED, TAKEN, IN_PLACE = "offered", "taken", "in place"
POINTS = (identity.NEXT_KEY, OFFERED, TAKEN, identity.FORMER_KEY, IN_PLACE)


def install(point: str) -> None:
    def reached(name: str) -> None:
        if name == point:
            os.kill(os.getpid(), signal.SIGKILL)

    write, change = identity.write_durably, identity.change_files
    offer: Callable[..., Awaitable[str]] = Client._offer

    def written(path: Path, content: bytes) -> None:
        write(path, content)
        reached(path.name)

    def changed(folder: Path, known: identity.Identity) -> None:
        change(folder, known)
        reached(IN_PLACE)

    async def offered(*arguments: Any) -> str:
        reached(OFFERED)
        if not (why := await offer(*arguments)):
            reached(TAKEN)
        return why

    identity.write_durably, identity.change_files = written, changed
    Client._offer = offered  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    install(sys.argv[2])
    uvloop.run(main(Path(sys.argv[1]), ""))
