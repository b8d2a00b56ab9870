"""Where the parts of workspaces are on this machine. What is removed is put aside by its name first, in one step.

    workspaces/open/NAME/{tree,state}   mirrors/…   archives/NAME.tar   making/NAME   removing/NAME   locks/NAME
    leaving/NAME.COMMAND.tar and coming/NAME.COMMAND.tar, on their way to another machine and from one

Nothing outside of the root is ever moved or removed, wherever a link leads.
"""

import hashlib
import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent.backends.workspaces.archive import sync
from agent.domain.command import Reason
from agent.domain.errors import Refusal

TREE, STATE = "tree", "state"


@dataclass(frozen=True, slots=True)
class Places:
    """Below one root."""

    root: Path

    def home(self, name: str) -> Path:
        """Where it is while sessions may work in it."""
        return self.root / "open" / name

    def making(self, name: str) -> Path:
        """Where it is while it is made: of that nothing matters."""
        return self.root / "making" / name

    def archive(self, name: str) -> Path:
        """Where its archive is, or would be."""
        return self.root / "archives" / f"{name}.tar"

    def has_archive(self, name: str) -> bool:
        """Whether there is one; a link is none."""
        packed = self.archive(name)
        return packed.is_file() and not packed.is_symlink()

    def drop_archive(self, name: str, came: Path | None = None) -> None:
        """Once what was in it is in its tree: until that is on the disk it is the one place where that is.

        Of one that came from another machine, and of what was left here when it went there.
        """
        os.sync()
        for each in (came, self.archive(name)):
            if each is not None:
                each.unlink(missing_ok=True)

    def leaving(self, name: str, command_id: str) -> Path:
        """The archive that another machine is to get by a command."""
        return self._carried("leaving", name, command_id)

    def coming(self, name: str, command_id: str) -> Path:
        """The archive that came from another machine by a command."""
        return self._carried("coming", name, command_id)

    def lock(self, name: str) -> Path:
        """What whoever works on it holds."""
        return self.root / "locks" / name

    def scratch(self, name: str) -> Path:
        """For what is needed for a moment."""
        return self.root / "scratch" / name

    @property
    def mirrors(self) -> Path:
        """Of repositories."""
        return self.root / "mirrors"

    def is_open(self, name: str) -> bool:
        """Whether its folder is there, as a folder of ours."""
        home = self.home(name)
        try:
            is_folder = stat.S_ISDIR(home.lstat().st_mode)
        except OSError:
            return False
        return is_folder and Path(os.path.realpath(home)) == Path(os.path.realpath(self.root), "open", name)

    def strangers(self, names: frozenset[str]) -> list[str]:
        """What lies among the open ones and has none of these names."""
        there = self.root / "open"
        return sorted({each.name for each in there.iterdir()} - names) if there.is_dir() else []

    def begin(self, name: str) -> Path:
        """An empty folder to make it in."""
        making = self.making(name)
        _remove(making)
        (making / STATE).mkdir(mode=0o700, parents=True)
        return making

    def move_in(self, name: str) -> None:
        """What was made is the workspace from now on; whole, or not at all."""
        home = self.home(name)
        home.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.making(name).rename(home)
        sync(home.parent)

    def put_aside(self, name: str) -> None:
        """It is no workspace any more; what is left of it goes with `clear`. Raises Refusal for what is not ours."""
        if not self.is_open(name):
            raise Refusal(Reason.WORKSPACE_FAILED, f"{self.home(name)} is no folder of ours: look at it.")
        aside = self.root / "removing" / name
        aside.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove(aside)
        self.home(name).rename(aside)
        sync(aside.parent)

    def clear(self, name: str) -> None:
        """Remove what was put aside, or half made."""
        for each in (self.root / "removing" / name, self.making(name), self.scratch(name)):
            _remove(each)
        _forget(self.root / "leaving", name)

    def _carried(self, way: str, name: str, command_id: str) -> Path:
        """Its place; those of earlier commands are over, and gone."""
        path = self.root / way / f"{name}.{hashlib.sha256(command_id.encode()).hexdigest()[:16]}.tar"
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _forget(path.parent, name, path.name)
        return path


def _forget(folder: Path, name: str, but: str = "-") -> None:
    """Remove the archives of one workspace; a name has no dots, so that none is the beginning of another one's."""
    for each in folder.glob(f"{name}.*"):
        if not each.name.startswith(but):
            each.unlink(missing_ok=True)


def _remove(folder: Path) -> None:
    if os.path.lexists(folder):
        shutil.rmtree(folder, onerror=_let_go)


def _let_go(_remove: Callable[..., object], path: str, _error: object) -> None:
    """Folders that may not be written to, as some programs leave them."""
    for each in (Path(path).parent, Path(path)):
        if each.is_dir() and not each.is_symlink():
            each.chmod(0o700)
    if Path(path).is_dir() and not Path(path).is_symlink():
        shutil.rmtree(path)
    else:
        Path(path).unlink(missing_ok=True)
