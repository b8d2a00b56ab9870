"""The tree of a workspace: cloned, checked out, and looked at in a way that nothing in it can run anything.

A look uses none of the settings that are in the tree: a program that was in it may have put a filter, a monitor or
another command there, which git would run. It goes by a folder of metadata of our own, with the tree's objects, its
refs and a copy of its index.
"""

import asyncio
import os
import shutil
import stat
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from agent.backends.workspaces.git import Git, GitFailed
from agent.domain.workspace import SETTINGS, Look, Workspace

START, BASE = "refs/remotes/pointsman/start", "refs/remotes/pointsman/base"
_CONFIG = "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tfilemode = true\n\tsymlinks = {symlinks}\n"
_AT_WORK = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "BISECT_LOG", "rebase-merge", "rebase-apply", "sequencer")
_STRANGE = ("commondir", "worktrees", "modules", "objects/info/alternates", "shallow", "reftable")
_READ_ONLY = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_ATTR_NOSYSTEM": "1"}
_STATUS = ("status", "--porcelain", "-z", "--untracked-files=normal", "--ignore-submodules=all", "--no-renames")
ELSEWHERE = ("--not", "--remotes")  # what some remote branch has
ALL = ("--all", "--reflog", "HEAD")


async def clone(git: Git, mirror: Path, own_branch: str, wanted: Workspace, tree: Path) -> None:
    """Make it. Raises GitFailed."""
    ref = wanted.ref or own_branch
    if not ref:
        raise GitFailed(f"{wanted.repository} has no branch yet.")
    # Hard links are quick; through them, whoever is in the tree could spoil the objects of all others.
    links = "--no-hardlinks" if wanted.foreign else "--local"
    await git.run("clone", "--quiet", links, "--no-checkout", "--", str(mirror), str(tree), is_slow=True)
    inside = git.within(tree)
    refs = ["+refs/tags/*:refs/remotes/pointsman/tags/*", f"+{ref}:{START}"]
    refs += [f"+{wanted.base_ref}:{BASE}"] if wanted.base_ref else []
    await inside.run("fetch", "--quiet", "--no-tags", "--", str(mirror), *refs, is_slow=True)
    await inside.run("remote", "set-url", "origin", wanted.repository)
    if wanted.foreign:
        await inside.run("config", "core.symlinks", "false")  # a link could lead out of the tree
    branch, ours = ref.removeprefix("refs/heads/"), f"pointsman/{wanted.folder}"
    if branch != ref and not wanted.foreign:
        where = ["-B", branch, "--track", f"refs/remotes/origin/{branch}"]
    else:
        where = ["-B", ours, "--no-track", START]
    await inside.run("checkout", "--quiet", *where, "--", is_slow=True)


async def settings_of_base(git: Git, tree: Path) -> None:
    """What a stranger's branch would have coding agents and hooks run is the base's from now on. Raises GitFailed."""
    inside, theirs = git.within(tree), {name.casefold() for name in SETTINGS}
    await asyncio.to_thread(_take_away, tree, theirs)
    tracked = [name for name in await _names(inside, "ls-files", "-z") if name.split("/")[0].casefold() in theirs]
    marked = "".join(f"{name}\0" for name in tracked).encode()
    await inside.run("update-index", "--skip-worktree", "-z", "--stdin", given=marked)
    for line in await _names(inside, "ls-tree", "-r", "-z", BASE, "--", *SETTINGS):
        mode, kind, blob, name = line.replace("\t", " ", 1).split(" ", 3)
        if kind == "blob" and mode != "120000":
            content = await inside.run("cat-file", "blob", blob)
            await asyncio.to_thread(_write, tree / name, content)


@asynccontextmanager
async def metadata(git: Git, tree: Path, scratch: Path, *, links: bool) -> AsyncIterator[Git]:
    """A git that sees the tree, its objects, refs and index, and none of its settings. Raises GitFailed."""
    ours = await asyncio.to_thread(_draft, scratch)
    try:
        await asyncio.to_thread(_copy_metadata, tree / ".git", ours, _CONFIG.format(symlinks=str(links).lower()))
        inside = git.within(tree, GIT_DIR=str(ours), GIT_WORK_TREE=str(tree), **_READ_ONLY)
        await _unmasked(inside, () if links else SETTINGS)
        yield inside
    except OSError as error:
        raise GitFailed(f"{tree} cannot be looked at: {error.strerror}") from None
    finally:
        shutil.rmtree(ours, ignore_errors=True)


async def _unmasked(ours: Git, but: tuple[str, ...]) -> None:
    """Files that git was told not to look at are looked at, but for those that we have replaced ourselves."""
    masked = [
        name
        for tag, _, name in (each.partition(" ") for each in await _names(ours, "ls-files", "-v", "-z"))
        if tag != "H" and name.split("/")[0] not in but
    ]
    if masked:
        given = b"".join(os.fsencode(name) + b"\0" for name in masked)
        for flag in ("--no-assume-unchanged", "--no-skip-worktree"):
            await ours.run("update-index", flag, "-z", "--stdin", given=given)


async def look(git: Git, tree: Path, scratch: Path, *, links: bool = True) -> Look:
    """What is in it. What cannot be looked at, or is strange, is dirty and not certain."""
    if not await asyncio.to_thread(is_plain, tree):
        return Look()
    try:
        async with metadata(git, tree, scratch, links=links) as ours:
            head = (await ours.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}")).decode().strip()
            unpushed = int(await ours.run("rev-list", "--count", *ALL, *ELSEWHERE, is_slow=True))
            is_dirty = bool(await ours.line("rev-parse", "--verify", "--quiet", "refs/stash"))
            is_dirty = is_dirty or _is_at_work(tree)
            is_dirty = is_dirty or bool(await ours.run(*_STATUS, is_slow=True))
    except (GitFailed, ValueError):
        return Look()
    return Look(head, is_dirty, unpushed, is_certain=True)


def is_plain(tree: Path) -> bool:
    """Whether it is a clone as we make them: what has other trees, modules or objects elsewhere is not understood."""
    inside = tree / ".git"
    folders = [tree, inside, *(inside / name for name in ("objects", "refs"))]
    files = [inside / "HEAD", inside / "index"]
    if not all(_is(each, stat.S_ISDIR) for each in folders) or not all(_is(each, stat.S_ISREG) for each in files):
        return False
    return not any(_holds_something(inside / name) for name in _STRANGE)


def size(folder: Path) -> int:
    """What it takes of the disk, in bytes; what has several names counts once."""
    seen, total = set(), 0
    for entry in entries(folder):
        found = entry.lstat()
        if (key := (found.st_dev, found.st_ino)) not in seen:
            seen.add(key)
            total += found.st_blocks * 512
    return total


def entries(folder: Path) -> Iterator[Path]:
    """All that is below it; links are not followed."""
    for parent, folders, files in os.walk(folder):
        yield from (Path(parent, name) for name in (*folders, *files))


async def _names(git: Git, *words: str) -> list[str]:
    return [os.fsdecode(each) for each in (await git.run(*words)).split(b"\0") if each]


def _copy_metadata(theirs: Path, ours: Path, config: str) -> None:
    (ours / "config").write_text(config)
    for name in ("HEAD", "index", "packed-refs"):
        if name == "HEAD" or (theirs / name).exists():
            shutil.copyfile(theirs / name, ours / name, follow_symlinks=False)
    # Refs are a copy, so that more can be named; logs, as git lists none behind a link.
    for name in ("refs", "logs"):
        if (theirs / name).is_dir():
            shutil.copytree(theirs / name, ours / name, symlinks=True)
    (ours / "objects").symlink_to(theirs / "objects")


def _is(path: Path, kind: Callable[[int], bool]) -> bool:
    try:
        return kind(path.lstat().st_mode)
    except OSError:
        return False


def _holds_something(path: Path) -> bool:
    if path.is_symlink() or path.is_file():
        return True
    return path.is_dir() and any(path.iterdir())


def _is_at_work(tree: Path) -> bool:
    return any(os.path.lexists(tree / ".git" / name) for name in _AT_WORK)


def _draft(scratch: Path) -> Path:
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(dir=scratch))


def _take_away(tree: Path, names: set[str]) -> None:
    for path in [each for each in tree.iterdir() if each.name.casefold() in names]:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
