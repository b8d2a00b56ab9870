"""What a client shows the router with each call: an API key, or the token of the session that it runs in."""

from pathlib import Path
from typing import Protocol

from pointsman.client.errors import NOTHING_TO_SHOW, RouterError

Metadata = tuple[tuple[str, str], ...]
_LONGEST = 4096  # bytes of a file that is meant


class Credential(Protocol):
    """Asked before each call."""

    def shown(self) -> Metadata:
        """The call's metadata. Raises RouterError."""


class ApiKey:
    """One for all calls; an empty one shows nothing."""

    def __init__(self, key: str) -> None:
        self._metadata: Metadata = (("x-api-key", key),) if key else ()

    def shown(self) -> Metadata:
        return self._metadata


class Bearer:
    """The token of a session's program, as that has shown it."""

    def __init__(self, token: str) -> None:
        self._metadata: Metadata = (("authorization", f"Bearer {token}"),)

    def shown(self) -> Metadata:
        return self._metadata


class TokenFile:
    """Read anew for each call: the agent puts another token there twice an hour."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def shown(self) -> Metadata:
        try:
            with self._path.open("rb") as file:
                token = file.read(_LONGEST).decode("ascii").strip()
        except (OSError, UnicodeDecodeError):
            token = ""
        if not token.isprintable() or not token:
            text = "there is no worker token: the agent of this machine is away, or this session is over"
            raise RouterError("UNAUTHENTICATED", text, NOTHING_TO_SHOW)
        return (("authorization", f"Bearer {token}"),)
