"""What is nowhere else of a workspace, as one tar: commits, changes, files that git does not know, the agent's state.

Written beside its place, read back whole, and only then put there: an archive that is in its place is complete.
"""

import asyncio
import io
import json
import os
import shutil
import stat
import tarfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import IO

from agent.backends.workspaces.git import Git, GitFailed
from agent.backends.workspaces.tree import ALL, ELSEWHERE, entries, metadata, size
from agent.domain.workspace import KnownWorkspace

META, BUNDLE, CHANGES, UNTRACKED, STATE, TREE = "meta.json", "work.bundle", "changes.diff", "untracked", "state", "tree"
_KEPT = "refs/pointsman/kept"
_LARGE = 256 * 1024 * 1024  # bytes of objects; of larger ones only what no remote branch has is put into the bundle
_DIFF = ("diff", "--binary", "--no-ext-diff", "--no-textconv", "--ignore-submodules=all", "--no-renames")
_SECRETS = frozenset({".credentials.json"})  # of the account, not of the work
_READ = 1024 * 1024


async def write(git: Git, known: KnownWorkspace, folder: Path, scratch: Path, to: Path) -> None:
    """Put the workspace in `folder` into an archive. Raises GitFailed, and then there is none."""
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    drafts = scratch / "parts"
    shutil.rmtree(drafts, ignore_errors=True)
    drafts.mkdir(mode=0o700, parents=True)
    tree, draft = folder / TREE, to.with_name(f"{to.name}.part")
    meta: dict[str, object] = {"key": known.key, "conversation_id": known.conversation_id, "head": known.look.head}
    try:
        names = [f"{TREE}/"]
        if known.look.is_certain:
            names = await _work(git, known, tree, scratch, drafts, meta)
        await asyncio.to_thread(_write, folder, drafts, names, meta, draft)
        await asyncio.to_thread(_check, draft)
        draft.replace(to)
        sync(to.parent)
    except (OSError, tarfile.TarError) as error:
        raise GitFailed(f"The archive cannot be written: {error}") from None
    finally:
        draft.unlink(missing_ok=True)
        shutil.rmtree(drafts, ignore_errors=True)


async def _work(
    git: Git, known: KnownWorkspace, tree: Path, scratch: Path, drafts: Path, meta: dict[str, object]
) -> list[str]:
    """Write bundle and changes; the names of files that git does not know."""
    async with metadata(git, tree, scratch, links=not known.workspace.foreign) as ours:
        await _name_what_is_loose(ours)
        meta["branch"] = await ours.line("symbolic-ref", "--quiet", "HEAD")
        meta["stashes"] = (await ours.line("reflog", "show", "--format=%H %gs", "refs/stash")).splitlines()
        kept = ["HEAD", "--branches", f"--glob={_KEPT}/*"]
        if await ours.line("rev-parse", "--verify", "--quiet", "refs/stash"):
            kept.append("refs/stash")
        is_large = size(tree / ".git" / "objects") > _LARGE
        if not is_large or int(await ours.run("rev-list", "--count", *ALL, *ELSEWHERE)):
            rest = ELSEWHERE if is_large else ()
            await ours.run("bundle", "create", "--quiet", str(drafts / BUNDLE), *kept, *rest, is_slow=True)
        (drafts / CHANGES).write_bytes(await ours.run(*_DIFF, "HEAD", is_slow=True))
        unknown = await ours.run("ls-files", "-z", "--others", "--exclude-standard", is_slow=True)
    return [f"{TREE}/{os.fsdecode(name)}" for name in unknown.split(b"\0") if name]


async def _name_what_is_loose(ours: Git) -> None:
    """Commits that only a reflog knows are named, so that they come into the bundle, too."""
    lines = (await ours.run("rev-list", "--parents", *ALL, *ELSEWHERE, is_slow=True)).decode().split("\n")
    commits = [line.split() for line in lines if line]
    inner = {parent for _, *parents in commits for parent in parents}
    tips = [commit for commit, *_ in commits if commit not in inner]
    wishes = "".join(f"update {_KEPT}/{tip} {tip}\n" for tip in tips)
    await ours.run("update-ref", "--stdin", given=wishes.encode())


async def put_back(git: Git, archive: Path, folder: Path, scratch: Path) -> dict[str, object]:
    """Bring what an archive holds into a new clone in `folder`; what it says of itself. Raises GitFailed."""
    drafts = scratch / "put-back"
    shutil.rmtree(drafts, ignore_errors=True)
    try:
        await asyncio.to_thread(_extract, archive, drafts)
        meta: dict[str, object] = json.loads((drafts / META).read_bytes())
        tree = folder / TREE
        if (drafts / STATE).is_dir():
            shutil.rmtree(folder / STATE, ignore_errors=True)
            (drafts / STATE).replace(folder / STATE)
        if "branch" not in meta:  # it was not understood, and kept as it was
            shutil.rmtree(tree)
            (drafts / TREE).replace(tree)
            return meta
        await _put_work_back(git.within(tree), drafts, meta)
        if (drafts / TREE).is_dir():
            await asyncio.to_thread(shutil.copytree, drafts / TREE, tree, symlinks=True, dirs_exist_ok=True)
    except (OSError, ValueError, tarfile.TarError) as error:
        raise GitFailed(f"The archive {archive} cannot be read: {error}") from None
    else:
        return meta
    finally:
        shutil.rmtree(drafts, ignore_errors=True)


async def _put_work_back(inside: Git, drafts: Path, meta: dict[str, object]) -> None:
    if (drafts / BUNDLE).exists():
        await inside.run("checkout", "--quiet", "--detach", "HEAD", "--")  # else its branch could not be moved
        wanted = ("+refs/heads/*:refs/heads/*", f"+{_KEPT}/*:{_KEPT}/*")
        await inside.run("fetch", "--quiet", "--no-tags", "--", str(drafts / BUNDLE), *wanted, is_slow=True)
    branch, head = str(meta["branch"]), str(meta["head"])
    where = [branch.removeprefix("refs/heads/")] if branch.startswith("refs/heads/") else ["--detach", head]
    await inside.run("checkout", "--quiet", *where, "--", is_slow=True)
    stashes = meta.get("stashes")
    for each in reversed(stashes if isinstance(stashes, list) else []):
        commit, _, words = str(each).partition(" ")
        await inside.run("stash", "store", "--quiet", "-m", words or "stash", commit)
    if (drafts / CHANGES).stat().st_size:
        await inside.run("apply", "--binary", "--whitespace=nowarn", "--", str(drafts / CHANGES), is_slow=True)


def sync(folder: Path) -> None:
    """That a name is there survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(folder: Path, drafts: Path, names: Iterable[str], meta: dict[str, object], draft: Path) -> None:
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
            data = json.dumps(meta).encode()
            about = tarfile.TarInfo(META)
            about.size = len(data)
            tar.addfile(about, io.BytesIO(data))
            for part in sorted(drafts.iterdir()):
                tar.add(part, part.name, recursive=False)
            for name in (*names, f"{STATE}/"):
                _add(tar, folder, name)
        file.flush()
        os.fsync(file.fileno())


def _add(tar: tarfile.TarFile, folder: Path, name: str) -> None:
    """One of the files, or all of a folder; what is no file, folder or link holds nothing."""
    path = folder / name
    below = entries(path) if path.is_dir() and not path.is_symlink() else ()
    for each in (path, *sorted(below)):
        mode = each.lstat().st_mode
        if each.name not in _SECRETS and (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)):
            tar.add(each, str(each.relative_to(folder)), recursive=False)
            tar.inodes.clear()  # type: ignore[attr-defined]  # else a second name of a file would hold nothing


def _check(draft: Path) -> None:
    """Read all of it back. Raises TarError or OSError."""
    with draft.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
        for member in tar:
            if member.isreg() and (content := tar.extractfile(member)) is not None:
                left = member.size
                while left and (data := content.read(min(left, _READ))):
                    left -= len(data)
                if left:
                    raise OSError(f"{member.name} is cut off")
        _check_end(tar, file)


def _check_end(tar: tarfile.TarFile, file: IO[bytes]) -> None:
    """Raise OSError where reading a tar stopped before its end: tarfile is content with half a copy of one."""
    file.seek(tar.offset)
    end = file.read(2 * tarfile.RECORDSIZE)
    if end.strip(b"\0") or not 2 * tarfile.BLOCKSIZE <= len(end) < 2 * tarfile.RECORDSIZE:
        raise OSError("it is cut off or damaged: copy it again")


def _extract(archive: Path, to: Path) -> None:
    """Nothing outside of `to` is written, whatever the archive says: it may have come from elsewhere."""
    with archive.open("rb") as packed, tarfile.open(fileobj=packed, mode="r:") as tar:
        for member in tar:
            parts = PurePosixPath(member.name).parts
            target = to.joinpath(*parts)
            if not parts or member.name.startswith("/") or ".." in parts or not _is_within(target.parent, to):
                raise ValueError(f"it names {member.name!r}")
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if member.isdir():
                target.mkdir(mode=0o700, exist_ok=True)
            elif member.issym():
                target.symlink_to(member.linkname)
            elif member.isreg() and (content := tar.extractfile(member)) is not None:
                mode = 0o700 if member.mode & 0o100 else 0o600
                descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
                with os.fdopen(descriptor, "wb") as file:
                    shutil.copyfileobj(content, file)
        _check_end(tar, packed)


def _is_within(parent: Path, folder: Path) -> bool:
    return Path(os.path.realpath(parent)).is_relative_to(os.path.realpath(folder))
