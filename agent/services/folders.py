"""The folders in which sessions may be started from afar. None, unless this machine's settings say so."""

import os
from collections.abc import Sequence
from pathlib import Path

from agent.backends.folders import leads_into
from agent.domain.command import Reason
from agent.domain.errors import Refusal

_NONE = (
    "No sessions are started on this machine: POINTSMAN_START_FOLDERS names no folder. Set it and restart the agent."
)


class Folders:
    """Decides by where a path really leads: links and ".." are followed first. Looks at the disk; may block."""

    def __init__(self, allowed: Sequence[Path], home: Path) -> None:
        self._allowed = tuple(allowed)
        self._home = home

    @property
    def names(self) -> tuple[str, ...]:
        """Those allowed, as `resolve` takes them, for people to choose from."""
        return tuple(map(self._name, self._allowed))

    def resolve(self, wanted: str) -> Path:
        """The real path of a folder, absolute, from "~", or below one of those allowed; empty for the first of these.

        Raises Refusal for one that is not allowed, and then says nothing of what is there.
        """
        if not self._allowed:
            raise Refusal(Reason.FOLDER_NOT_ALLOWED, _NONE)
        found = next((path for path in self._meant(wanted) if leads_into(path, self._allowed)), None)
        if found is None:  # one text for what is not there and what may not be told of
            names = ", ".join(map(str, self._allowed))
            text = f"{wanted[:200]} is not below a folder that this machine allows: {names}"
            raise Refusal(Reason.FOLDER_NOT_ALLOWED, text)
        if not found.is_dir():
            raise Refusal(Reason.FOLDER_NOT_ALLOWED, f"There is no folder {found} here.")
        return found

    def _name(self, folder: Path) -> str:
        at_home = folder.is_relative_to(self._home)
        return str(Path("~", folder.relative_to(self._home)) if at_home else folder)

    def _meant(self, wanted: str) -> list[Path]:
        """The real paths that the words may mean, what exists first."""
        path = Path(wanted.replace("\0", "") or self._allowed[0])
        if path.parts[:1] == ("~",):
            path = self._home.joinpath(*path.parts[1:])
        candidates = [path] if path.is_absolute() else [folder / path for folder in self._allowed]
        real = [Path(os.path.realpath(candidate)) for candidate in candidates]
        return sorted(real, key=lambda candidate: not candidate.is_dir())
