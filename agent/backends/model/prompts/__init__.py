"""What a model or a coding agent is told first: Markdown files, that come along or are the machine's owner's."""

import re
from pathlib import Path

from agent.backends.folders import text_within
from agent.domain.session import Session

MOST = 16 * 1024  # bytes of one
QUICK, WORK, REPOSITORIES = "quick", "work", "repositories"
PLATFORM, REPOSITORY = "platform", "repository"  # of a target
_SHIPPED = Path(__file__).parent
_WORD = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")  # of a path below the folder


class Prompts:
    """Read each time. The owner's file takes the place of the one that comes along; empty, it says nothing."""

    def __init__(self, own: Path | None) -> None:
        self._own = (own,) if own else ()

    def of(self, session: Session) -> str:
        """What a model is told that is asked without a program, and what fits its platform. Looks at the disk."""
        names = (QUICK, session.target.get(PLATFORM, ""))
        return self._joined(names, (*self._own, _SHIPPED))

    def of_work(self, session: Session) -> str:
        """What the owner says to coding agents: to all, by platform, and by repository. Looks at the disk."""
        platform, repository = session.target.get(PLATFORM, ""), session.target.get(REPOSITORY, "")
        names = (WORK, platform and f"{WORK}/{platform}", repository and f"{REPOSITORIES}/{repository}")
        return self._joined(names, self._own)

    def _joined(self, names: tuple[str, ...], folders: tuple[Path, ...]) -> str:
        found = [_text(name, folders).strip() for name in names if all(map(_WORD.fullmatch, name.split("/")))]
        return "\n\n".join(filter(None, found))


def _text(name: str, folders: tuple[Path, ...]) -> str:
    found = (text_within(Path(f"{name}.md"), folder, MOST) for folder in folders)
    return next((text for text in found if text is not None), "")
