"""Agents that die at a point of work on a workspace, as by kill -9: `python -m tests.rigs.dying_workspaces`.

One JSON list a line: the folder, the upstream's folder, the point and the deed, one of POINTS. For each a child is
forked, does the deed and dies at the point; the answer is the signal that it died of, 0 for none.

Points are installed from outside, before and after what changes the disk.
"""

import asyncio
import hashlib
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
from agent.domain.command import TakeWorkspace
from agent.store.workspaces import WorkspaceStore
from tests.rigs.upstream import Upstream
from tests.rigs.workspace_rig import KEY, CarriedParts, WorkspaceRig, workspaces

Die = Callable[[Path, Upstream, str, str], int]
"""Does a deed in a folder, on a clone of that upstream, and dies at a point; the signal that it died of."""

SHORT = {
    "enter": ["clone", "move_in before", "move_in"],
    "archive": ["bundle", "fsync before", "rename before", "rename", "put_aside", "saved archived"],
    "restore": ["extract", "move_in", "unlink"],
    "remove": ["status", "put_aside before", "put_aside"],
    "pack": ["in place"],
    "take": ["move_in"],
}
"""Of these the first word on each step that changes something; TEST_WORKSPACES takes all."""

POINTS = {
    "enter": [
        *("saved preparing", "init", "fetch", "clone", "checkout", "move_in before", "move_in"),
        *("saved in_use before", "saved in_use"),
    ],
    "archive": [
        *("saved closing", "rev-list", "bundle", "diff", "fsync before", "fsync", "check before", "check"),
        *("rename before", "rename", "in place", "put_aside before", "put_aside"),
        *("saved archived before", "saved archived", "clear"),
    ],
    "restore": [
        *("saved preparing", "clone", "extract before", "extract", "work before", "work", "apply", "stash"),
        *("put_back", "move_in before", "move_in", "unlink before", "unlink"),
        *("saved in_use before", "saved in_use"),
    ],
    "remove": [
        *("saved closing", "rev-list", "status", "put_aside before", "put_aside"),
        *("saved gone before", "saved gone", "clear"),
    ],
    "pack": [
        *("rev-list", "bundle", "diff", "fsync before", "fsync", "check", "rename before", "rename", "in place"),
        *("saved ready before", "saved ready"),
    ],
    "take": [
        *("fsync before", "rename before", "rename", "saved preparing", "clone", "extract", "put_back"),
        *("move_in before", "move_in", "unlink before", "unlink", "saved ready before", "saved ready"),
    ],
}


def install(reached: Callable[[str], None]) -> None:
    """Around what changes the disk: `reached` is told of each point."""
    for name in ("move_in", "put_aside"):
        _around(Places, name, name, reached)
    _around(Places, "clear", "clear", reached, lambda places, name: (places.root / "removing" / name).exists())
    for name, label in (("_check", "check"), ("_extract", "extract"), ("sync", "in place")):
        _around(archive, name, label, reached)
    _around(os, "fsync", "fsync", reached, lambda file: _is_archive(str(Path(f"/proc/self/fd/{file}").readlink())))
    _around(Path, "replace", "rename", reached, lambda path, *_: _is_archive(str(path)))
    _around(Path, "unlink", "unlink", reached, lambda path, **_: str(path).endswith(".tar") and path.exists())
    for name, label in (("_put_work_back", "work"), ("put_back", "put_back")):
        _around_async(archive, name, lambda *_, label=label, **__: label, reached)
    _around_async(Git, "run", lambda _, word, *__, **___: str(word), reached)
    _around_async(WorkspaceStore, "save", lambda _, known, *__: f"saved {known.state.value}", reached)


def _around(
    owner: Any,
    name: str,
    label: str,
    reached: Callable[[str], None],
    meant: Callable[..., bool] = lambda *_, **__: True,
) -> None:
    plain: Callable[..., Any] = getattr(owner, name)

    @wraps(plain)
    def called(*words: Any, **more: Any) -> Any:
        if not meant(*words, **more):
            return plain(*words, **more)
        reached(f"{label} before")
        value = plain(*words, **more)
        reached(label)
        return value

    setattr(owner, name, called)


def _around_async(owner: Any, name: str, label: Callable[..., str], reached: Callable[[str], None]) -> None:
    plain: Callable[..., Any] = getattr(owner, name)

    @wraps(plain)
    async def called(*words: Any, **more: Any) -> Any:
        reached(f"{label(*words, **more)} before")
        value = await plain(*words, **more)
        reached(label(*words, **more))
        return value

    setattr(owner, name, called)


def _is_archive(path: str) -> bool:
    return path.endswith(".tar.part")


def _dies(point: str) -> Callable[[str], None]:
    def reached(name: str) -> None:
        if name == point:
            os.kill(os.getpid(), signal.SIGKILL)

    return reached


async def work(folder: Path, upstream: Upstream, deed: str) -> None:
    async with workspaces(folder, upstream) as rig:
        if deed in ("enter", "restore"):
            await rig.service.enter(rig.wanted(restore=deed == "restore"), "s1")
        elif deed == "pack":
            await rig.service.pack("c1", KEY)
        elif deed == "take":
            await rig.service.take("c2", "s2", taken(rig))
        else:
            await rig.close(archive=deed == "archive")


def taken(rig: WorkspaceRig) -> TakeWorkspace:
    """What is to be taken: the archive that lies in the router's folder."""
    packed = CarriedParts(rig.places.root.parents[1] / "router").all()
    return TakeWorkspace(rig.wanted(), hashlib.sha256(packed).hexdigest(), len(packed))


def main() -> None:
    for line in sys.stdin:
        folder, elsewhere, point, deed = json.loads(line)
        if (child := os.fork()) == 0:
            install(_dies(point))
            asyncio.run(work(Path(folder), Upstream.there(Path(elsewhere)), deed))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, flush=True)


if __name__ == "__main__":
    main()
