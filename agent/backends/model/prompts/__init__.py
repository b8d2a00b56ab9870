"""What a model is told first: Markdown files, those that come along and those of the machine's owner."""

from pathlib import Path

from agent.backends.folders import text_within
from agent.domain.session import Session

MOST = 16 * 1024  # bytes of one
NAME = "quick.md"
_SHIPPED = Path(__file__).parent


class Prompts:
    """Read anew for each text. The owner's takes the place of the one that comes along; empty, it says nothing."""

    def __init__(self, own: Path | None) -> None:
        self._folders = (*((own,) if own else ()), _SHIPPED)

    def of(self, session: Session) -> str:  # noqa: ARG002 -- as a backend asks for it
        """What is said to every session. Looks at the disk."""
        found = (text_within(Path(NAME), folder, MOST) for folder in self._folders)
        return next((text for text in found if text is not None), "").strip()
