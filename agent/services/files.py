"""Files that people send to sessions: fetched before anything is typed, and kept where programs can read them."""

import asyncio
import hashlib
import itertools
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from agent.domain.command import FileInput, Input, Reason
from agent.domain.errors import Refusal
from agent.link.identity import write_durably

KEPT = 30 * 24 * 3600.0  # seconds; a session may look at it long after
Fetch = Callable[[str, int], Awaitable[bytes]]
"""A part of a command's file; empty behind the last. Raises Refusal for good, RouterUnreachable for now."""


class Files:
    """One folder, one place for each command."""

    def __init__(self, folder: Path, fetch: Fetch) -> None:
        self._folder = folder
        self._fetch = fetch

    async def typed(self, command_id: str, file: FileInput) -> Input:
        """What to type for it, once it is on this disk. Raises what fetching raises."""
        path = self._folder / hashlib.sha256(command_id.encode()).hexdigest()[:16] / file.name
        if not path.exists():  # after a restart it may be here already
            content = await self._content(command_id, file)
            try:
                await asyncio.to_thread(self._keep, path, content)
            except OSError as error:
                raise Refusal(Reason.STORAGE_UNAVAILABLE, f"the file cannot be kept: {error.strerror}") from None
        break_or_space = "\n" if "\n" in file.caption else " "
        return Input(f"{file.caption}{break_or_space}{path}".lstrip())

    async def _content(self, command_id: str, file: FileInput) -> bytes:
        content = bytearray()
        for number in itertools.count():
            if len(content) >= file.size or not (part := await self._fetch(command_id, number)):
                break
            content += part
        if len(content) != file.size:
            raise Refusal(Reason.FILE_GONE, f"of {file.size} bytes {len(content)} are left")
        return bytes(content)

    def _keep(self, path: Path, content: bytes) -> None:
        for folder in (self._folder, path.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in self._folder.iterdir():
            if old.stat().st_mtime < time.time() - KEPT:
                shutil.rmtree(old, ignore_errors=True)  # a text is more than a tidy folder
        write_durably(path, content)
