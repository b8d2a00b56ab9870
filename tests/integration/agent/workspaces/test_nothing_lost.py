"""Whatever is done in which order, and whoever dies: what was nowhere else is found again.

TEST_WORKSPACES=N plays N seeds; by default one.
"""

import os
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from agent.domain.workspace import WorkspaceState
from tests.rigs.dying_workspaces import POINTS, Die
from tests.rigs.upstream import Upstream, git
from tests.rigs.workspace_rig import WorkspaceRig, workspaces

SEEDS = int(os.environ.get("TEST_WORKSPACES", "1"))
STEPS = 14


class Play:
    """One workspace, what was done in it, and where that has to be."""

    def __init__(self, folder: Path, upstream: Upstream, chance: random.Random, die: Die) -> None:
        self.folder, self.upstream, self.chance, self._die = folder, upstream, chance, die
        self.files: dict[str, str] = {}  # that git does not know, with what is in them
        self.commits: list[str] = []
        self.stashes = 0
        self.sessions = 0
        self.done: list[str] = []
        self._open = AsyncExitStack()
        self.rig: WorkspaceRig

    async def begin(self) -> None:
        self.rig = await self._open.enter_async_context(workspaces(self.folder, self.upstream))

    async def end(self) -> None:
        await self._open.aclose()
        self._open = AsyncExitStack()

    @property
    def tree(self) -> Path:
        return self.rig.home() / "tree"

    async def step(self) -> None:
        deeds: dict[str, Callable[[], Awaitable[None]]] = {
            "work": self.work, "remove": self.remove, "archive": self.archive, "die": self.dies,
        }  # fmt: skip
        name = self.chance.choices([*deeds], [4, 2, 2, 2])[0]
        self.done.append(name)
        await deeds[name]()

    async def work(self) -> None:
        """A session comes, finds everything, does something and leaves."""
        await self.enter()
        what = self.chance.choice(["file", "commit", "stash", "push", "loose"])
        self.done[-1] += f" {what}"
        number = len(self.done)
        if what == "file":
            self.files[f"own-{number}.txt"] = f"mine {number}\n"
            (self.tree / f"own-{number}.txt").write_text(self.files[f"own-{number}.txt"])
        elif what == "push":
            git(self.tree, "push", "-q", "origin", "HEAD:refs/heads/main")
        elif what == "stash":
            (self.tree / "README.md").write_text(f"put away {number}\n")
            git(self.tree, "stash", "-q")
            self.stashes += 1
        else:
            (self.tree / f"made-{number}.py").write_text(f"x = {number}\n")
            git(self.tree, "add", f"made-{number}.py")
            git(self.tree, "commit", "-q", "-m", f"made {number}")
            self.commits.append(git(self.tree, "rev-parse", "HEAD"))
            if what == "loose":  # only the reflog has it then
                git(self.tree, "reset", "-q", "--hard", "HEAD~1")
        await self.rig.leave(f"s{self.sessions}")

    async def enter(self) -> None:
        self.sessions += 1
        is_archived = self.rig.packed().exists() and not self.rig.home().exists()
        await self.rig.enter(f"s{self.sessions}", self.rig.wanted(restore=is_archived))
        self.look()

    async def remove(self) -> None:
        await self.rig.close()
        await self.forget_what_is_gone()

    async def archive(self) -> None:
        if self.sessions:
            await self.rig.close(archive=True)

    async def dies(self) -> None:
        """An agent does one of these, and dies somewhere on the way; the next goes on."""
        if not self.sessions:
            return
        await self.end()
        deed = self.chance.choice(["archive", "remove"])
        point = self.chance.choice(POINTS[deed])
        self.done[-1] += f" {deed} at {point}"
        self._die(self.folder, self.upstream, point, deed)
        await self.begin()

    async def forget_what_is_gone(self) -> None:
        """One that was removed may begin anew only if nothing was nowhere else."""
        found = await self.rig.store.find("github:acme/api#12")
        if found is not None and found.state is WorkspaceState.GONE:
            assert not self.files, self.done
            assert not self.stashes, self.done
            assert all(self.upstream.has(each) for each in self.commits), self.done
            self.commits = []

    def look(self) -> None:
        """All of it is here."""
        for name, content in self.files.items():
            assert (self.tree / name).read_text() == content, self.done
        for each in self.commits:
            assert git(self.tree, "cat-file", "-t", each) == "commit", self.done
        assert len(git(self.tree, "stash", "list").splitlines()) == self.stashes, self.done


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(SEEDS))
async def test_what_was_nowhere_else_is_found_again(tmp_path: Path, upstream: Upstream, die: Die, seed: int) -> None:
    play = Play(tmp_path, upstream, random.Random(seed), die)
    await play.begin()
    try:
        for _ in range(STEPS):
            await play.step()
        found = await play.rig.store.find("github:acme/api#12")
        if found is not None and found.state is not WorkspaceState.GONE:
            await play.enter()
    finally:
        await play.end()
