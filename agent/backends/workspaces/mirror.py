"""A bare copy of each repository, of which all its workspaces on this machine are cloned."""

import asyncio
import hashlib
import re
import shutil
from pathlib import Path

from agent.backends.workspaces.git import Git

_PLAIN = re.compile(r"[^A-Za-z0-9]+")
_DEFAULT = re.compile(r"ref: (refs/heads/\S+)\tHEAD")


def name_of(repository: str) -> str:
    """The name of its folder: what is readable of its address, and what tells it from every other."""
    readable = _PLAIN.sub("-", repository).strip("-")[-40:].strip("-")
    return f"{readable}-{hashlib.sha256(repository.encode()).hexdigest()[:12]}.git"


class Mirrors:
    """Those of one machine. One git works in each at a time."""

    def __init__(self, folder: Path, git: Git) -> None:
        self.folder = folder
        self._git = git

    async def fetched(self, repository: str, *refs: str) -> tuple[Path, str]:
        """Where it is, with all branches and these refs as they are now; and its own branch. Raises GitFailed."""
        path = self.folder / name_of(repository)
        async with self._git.alone(self.folder / f"{path.name}.lock") as git:
            await self._ready(path, git)
            inside = git.within(path)
            wanted = [f"+{ref}:{ref}" for ref in refs if ref]
            await inside.run(
                "fetch", "--quiet", "--prune", "--no-tags", "--force", "--no-recurse-submodules", "--", repository,
                "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*", *wanted, is_slow=True,
            )  # fmt: skip
            said = (await inside.run("ls-remote", "--symref", "--", repository, "HEAD", is_slow=True)).decode()
        own = _DEFAULT.search(said)
        return path, own[1] if own else ""

    async def _ready(self, path: Path, git: Git) -> None:
        await asyncio.to_thread(_unlock, path)
        if await git.line("--git-dir", str(path), "rev-parse", "--is-bare-repository") == "true":
            return
        shutil.rmtree(path, ignore_errors=True)
        draft = path.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        await git.run("init", "--quiet", "--bare", "--", str(draft))
        draft.replace(path)


def _unlock(path: Path) -> None:
    for left in path.rglob("*.lock") if path.is_dir() else ():
        left.unlink(missing_ok=True)  # of a git that was killed: nobody else works here now
