"""Where the program of a session finds the token that lets it speak for that session at the router."""

import hashlib
from pathlib import Path

from agent.domain.session import bare_id

SESSION = "POINTSMAN_SESSION_ID"
PLACE = "POINTSMAN_WORKER_TOKEN_FILE"


def folder_name(session_id: str) -> str:
    """Of the folder that holds the file of one session."""
    # A hash, since an id may hold slashes, or be two dots.
    return hashlib.sha256(bare_id(session_id).encode()).hexdigest()[:32]


def token_path(folder: Path, session_id: str) -> Path:
    """The file of one session."""
    # In a folder of its own, so that a container can be given that one: a file alone that is mounted stays the old one.
    return folder / folder_name(session_id) / "token"


def environment(session_id: str, folder: Path | None) -> dict[str, str]:
    """What a program that is started in a session gets to know of it."""
    own = {SESSION: session_id}
    return own if folder is None else own | {PLACE: str(token_path(folder, session_id))}
