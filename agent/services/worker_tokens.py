"""Tokens for the programs of sessions: a file for each, written anew long before it is over, gone with its session."""

import asyncio
import logging
import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.domain.session import Session, SessionState, bare_id
from agent.link.identity import WORKER_LIFE
from agent.link.machine_key import MachineKey
from agent.token_files import folder_name, token_path

logger = logging.getLogger(__name__)

LOOK = 60.0  # seconds between looks for what is half over


@dataclass(frozen=True, slots=True)
class _Issued:
    generation: int
    at: float  # by the router's clock
    key: Ed25519PrivateKey


class WorkerTokens:
    """Follows the sessions. What the disk does not take is logged, and tried again at the next look."""

    def __init__(self, folder: Path, key: MachineKey, now: Callable[[], float]) -> None:
        """`now` is the router's time as far as it is known, in seconds since the epoch: tokens are judged by that."""
        self._folder = folder
        self._key = key
        self._now = now
        self._issued: dict[str, _Issued] = {}

    async def begin(self, live: Iterable[Session]) -> None:
        """Leave nothing of sessions that ended while no agent ran; what those that live have stays until `run`."""
        kept = {folder_name(session.session_id) for session in live}
        await asyncio.to_thread(_sweep, self._folder, kept)

    async def run(self, live: Callable[[], Iterable[Session]]) -> None:
        """Write anew what an earlier process wrote, and keep the tokens of live sessions good."""
        while True:
            for session in tuple(live()):
                await self.follow(session)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._key.changed.wait(), LOOK)
            self._key.changed.clear()

    async def follow(self, session: Session) -> None:
        """A session began, changed or ended: its program finds a token that is good, or none."""
        name, path = bare_id(session.session_id), token_path(self._folder, session.session_id)
        try:
            if session.state is SessionState.ENDED:
                self._issued.pop(name, None)
                await asyncio.to_thread(shutil.rmtree, path.parent, ignore_errors=True)
            elif self._is_due(name, session.generation):
                who, now = self._key.identity, self._now()
                await asyncio.to_thread(_put, path, who.worker_token(session.session_id, session.generation, now))
                self._issued[name] = _Issued(session.generation, now, who.key)
        except OSError as error:
            logger.warning("no worker token session_id=%s: %s", session.session_id, error)

    def _is_due(self, name: str, generation: int) -> bool:
        issued = self._issued.get(name)
        if issued is None or issued.generation != generation or issued.key is not self._key.identity.key:
            return True
        # Half of its time is left for an agent that is away. Dated ahead of what the router's time proves to be, it is
        # not good yet.
        return not 0 <= self._now() - issued.at < WORKER_LIFE / 2


def _put(path: Path, token: str) -> None:
    """In one move: whoever reads meanwhile has the old one or the new one, whole."""
    for folder in (path.parent.parent, path.parent):  # one by one: the mode counts for the last alone
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name("token.new")
    draft.unlink(missing_ok=True)  # of a process that died while it wrote
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(token + "\n")
    draft.replace(path)


def _sweep(folder: Path, kept: set[str]) -> None:
    for each in folder.iterdir() if folder.is_dir() else ():
        if each.name not in kept:
            shutil.rmtree(each, ignore_errors=True)
