"""Agents that die at a point of work on a workspace, as by kill -9: `python -m tests.rigs.dying_workspaces`.

One JSON list a line: the folder, the upstream's folder, the point and the deed ("enter", "archive" or "remove"). For
each a child is forked, does the deed and dies at the point; the answer is the signal that it died of, 0 for none.

Points are installed from outside, before and after what changes the disk.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from agent.backends.workspaces import archive
from agent.backends.workspaces.folders import Places
from agent.backends.workspaces.git import Git
from agent.store.workspaces import WorkspaceStore
from tests.rigs.upstream import Upstream
from tests.rigs.workspace_rig import workspaces

Die = Callable[[Path, Upstream, str, str], int]
"""Does a deed in a folder, on a clone of that upstream, and dies at a point; the signal that it died of."""

SHORT = {
    "enter": ["clone", "move_in before", "move_in"],
    "archive": ["bundle", "written", "in place", "put_aside", "saved"],
    "remove": ["status", "put_aside before", "put_aside"],
}
"""Of these the first word on each step that changes something; TEST_WORKSPACES takes all."""

POINTS = {
    "enter": ["init", "fetch", "clone", "checkout", "move_in before", "move_in", "saved"],
    "archive": ["status", "bundle", "diff", "written", "checked", "in place", "put_aside before", "put_aside", "saved"],
    "remove": ["rev-list", "status", "put_aside before", "put_aside", "saved", "clear"],
}


def install(point: str) -> None:
    def reached(name: str) -> None:
        if name == point:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(owner: Any, name: str, label: str) -> None:
        plain: Callable[..., Any] = getattr(owner, name)

        @wraps(plain)
        def called(*words: Any, **more: Any) -> Any:
            reached(f"{label} before")
            value = plain(*words, **more)
            reached(label)
            return value

        setattr(owner, name, called)

    run = Git.run

    async def ran(self: Git, *words: str, **more: Any) -> bytes:
        said = await run(self, *words, **more)
        reached(words[0])
        return said

    save = WorkspaceStore.save

    async def saved(self: WorkspaceStore, known: Any) -> None:
        await save(self, known)
        if known.state.value not in ("closing", "preparing"):
            reached("saved")

    Git.run, WorkspaceStore.save = ran, saved  # type: ignore[method-assign, assignment]
    for name in ("move_in", "put_aside", "clear"):
        around(Places, name, name)
    around(archive, "_write", "written")
    around(archive, "_check", "checked")
    around(archive, "sync", "in place")


async def work(folder: Path, upstream: Upstream, deed: str) -> None:
    async with workspaces(folder, upstream) as rig:
        if deed == "enter":
            await rig.service.enter(rig.wanted(), "s1")
        else:
            await rig.close(archive=deed == "archive")


def main() -> None:
    for line in sys.stdin:
        folder, elsewhere, point, deed = json.loads(line)
        if (child := os.fork()) == 0:
            install(point)
            asyncio.run(work(Path(folder), Upstream.there(Path(elsewhere)), deed))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, flush=True)


if __name__ == "__main__":
    main()
