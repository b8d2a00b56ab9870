"""Whose the data directory is, and what lies in it: keys, settings and locks there are believed."""

import os
import pwd
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

OURS = ("agent", "tls", "tls/authority", "tls/clients")  # folders in it whose files are believed, too
GITHUB_APP = "github_app.json"  # what `pointsman github setup` writes
_EDITORS = ".#"  # how a link begins that marks a file as being edited; nothing of ours is called so
_OVERFLOW = 65534  # the kernel's default; where /proc is cut down, nothing tells of another
_CURE = "choose another place with POINTSMAN_DATA_DIR"


def trouble_with(folder: Path) -> str:
    """Why nothing in it can be believed; empty where all can be. One that is not there yet has the folders above it."""
    return next(_troubles(folder), "")


def trouble_with_database(path: Path) -> str:
    """The same of a database that lies elsewhere, and of what lies beside it and belongs to it."""
    beside = (path.name, "second_factor.key")
    of_folder = (*_above(path.parent), *_of_folder(path.parent))
    return next(iter((*of_folder, *_of_contents(path.parent, lambda name: name.startswith(beside)))), "")


def _troubles(folder: Path) -> Iterator[str]:
    yield from _above(folder)
    for part in (folder, *(folder / name for name in OURS)):
        yield from _of_folder(part)
        yield from _of_contents(part, lambda name: not name.startswith(_EDITORS))


def _above(folder: Path) -> Iterator[str]:
    for parent in sorted({*folder.parents, *_resolved(folder).parents}):
        yield from _of_parent(parent, folder)


def _of_parent(parent: Path, folder: Path) -> Iterator[str]:
    """Whoever may write to a folder above puts another one in the place of ours."""
    if not (look := _look(parent)):
        return
    if _is_foreign(look) and look.st_uid != unmapped():
        yield f"{folder} lies in {parent}, which {_whose(look)}, who can put another in its place: {_CURE}"
    elif look.st_mode & stat.S_IWOTH and not look.st_mode & stat.S_ISVTX and not stat.S_ISLNK(look.st_mode):
        yield (
            f"{folder} lies in {parent}, which {_whose(look)}, so that every account can put another in its place:"
            f" chmod o-w {parent}"
        )


def _of_folder(folder: Path) -> Iterator[str]:
    # Of a link first: whoever made it leads us where they like.
    for look in filter(None, (_look(folder), _look(_resolved(folder)))):
        if _is_foreign(look):
            yield (
                f"{folder} {_whose(look)}: it belongs to another account, which may have put keys and settings into it:"
                f" {_CURE}, or look at what is in it and make it yours: chown -R {os.geteuid()} {folder}"
            )
        if not stat.S_ISLNK(look.st_mode) and look.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            yield f"other accounts may put keys and settings into {folder}, which {_whose(look)}: chmod 700 {folder}"


def _of_contents(folder: Path, is_of_concern: Callable[[str], bool]) -> Iterator[str]:
    try:
        is_open = bool(folder.stat().st_mode & stat.S_IXGRP)
        names = sorted(filter(is_of_concern, os.listdir(folder)))  # noqa: PTH208 - names are what is asked for
    except OSError:
        return  # not there, or no folder: whoever needs it says so
    for path in (folder / name for name in names):
        if look := _look(path):
            yield from _of_file(path, look, is_open=is_open)


def _of_file(path: Path, look: os.stat_result, *, is_open: bool) -> Iterator[str]:
    if _is_foreign(look):
        yield f"{path} {_whose(look)}, who may have put it there: look at it, then rm {path}, or chown it"
    elif stat.S_ISLNK(look.st_mode):
        yield f"{path} is a link, and {_whose(look)}: what lies behind it would be believed or overwritten: rm {path}"
    elif stat.S_ISREG(look.st_mode) and look.st_nlink > 1:
        copy = f"cp -p {path} {path}.copy && mv {path}.copy {path}"
        yield f"{path} has another name somewhere (a hard link), and {_whose(look)}: {copy}"
    # To the group of a folder that is shut a file's mode says nothing; who comes to a socket is asked of the kernel.
    elif look.st_mode & (stat.S_IWOTH | (stat.S_IWGRP if is_open else 0)) and not stat.S_ISSOCK(look.st_mode):
        yield f"other accounts may write to {path}, which {_whose(look)}: chmod go-w {path}"


def _look(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except OSError:
        return None


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # links in a circle
        return path


def _is_foreign(look: os.stat_result) -> bool:
    return look.st_uid not in (os.geteuid(), 0)


def _whose(look: os.stat_result) -> str:
    try:
        owner = pwd.getpwuid(look.st_uid).pw_name
    except KeyError:
        owner = f"account {look.st_uid}"
    return f"is {owner}'s (mode {stat.S_IMODE(look.st_mode):04o})"


def unmapped() -> int:
    """In a sandbox that maps few accounts, the owner of all that is of others, / and /home too; -1 elsewhere."""
    try:
        mapped = sum(int(line.split()[2]) for line in Path("/proc/self/uid_map").read_text().splitlines())
    except (OSError, ValueError, IndexError):
        return -1
    return -1 if mapped >= 2**32 - 1 else _OVERFLOW


def router_socket(folder: Path) -> str:
    """The address of the socket of this folder's router; empty where there is none."""
    from router.local_socket import socket_path

    path = socket_path(folder)
    return f"unix:{path}" if path.is_socket() else ""
