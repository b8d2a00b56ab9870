"""A database of the agent that keeps what a kill may leave: its file as it was after each commit."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from agent.store.database import Database
from agent.store.group_commit import Transaction

T = TypeVar("T")


def _nothing() -> bool:
    return False


class Snapshots(Database):
    """Keeps the folder as it was after each commit, before anybody heard of that: what a kill may leave.

    With each it keeps what `note` said at that moment.
    """

    def __init__(self, folder: Path, into: Path, note: Callable[[], bool] = _nothing) -> None:
        self.kept: list[Path] = []
        self.noted: dict[Path, bool] = {}
        self._folder, self._into, self._note = folder, into, note
        super().__init__(folder)

    def write(self, function: Callable[[Transaction], T], **how: bool) -> "asyncio.Future[T]":
        future = super().write(function, **how)
        if not how.get("reads"):
            future.add_done_callback(lambda _: self._keep())
        return future

    def _keep(self) -> None:
        kept = self._into / f"d{len(self.kept)}"
        (kept / "agent").mkdir(parents=True)
        for file in self._folder.glob("agent.db*"):
            shutil.copy(file, kept / "agent")
        self.kept.append(kept)
        self.noted[kept] = self._note()
