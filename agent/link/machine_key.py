"""Another key for this machine: the router knows it before the old one is over.

    machine.key.next on disk ──▶ offered ──taken──▶ it is machine.key, and the one before is machine.key.former
                                    └──no answer──▶ offered again before the next link, signed by itself too

So whatever dies in between, one of the keys on disk is the one that the router knows. The former one is for a router
that is put back from a backup of before: it is offered the present key once more.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.link import identity
from agent.link.identity import Identity, public_bytes

logger = logging.getLogger(__name__)

AGAIN_AFTER = 600.0  # seconds after a change that failed, before it is begun anew without a person asking
_PURPOSE = b"pointsman machine key v1"


@dataclass(frozen=True, slots=True)
class Offer:
    """A key for the router to take in the place of another; `caller` signs the call."""

    new: Ed25519PrivateKey
    old: Ed25519PrivateKey
    caller: Ed25519PrivateKey

    def signatures(self, known: Identity) -> tuple[bytes, bytes]:
        """By the new key and by the old one."""
        said = b"\0".join((_PURPOSE, known.router_id.encode(), known.machine_id.encode(), public_bytes(self.new)))
        return self.new.sign(said), self.old.sign(said)


Ask = Callable[[Offer], Awaitable[str]]  # the router: why it does not take an offer, or nothing where it does


class Unanswered(Exception):
    """Whether the router has taken an offer is not known."""


class MachineKey:
    """The identity of this machine, and the change of its key: between links, when nothing else is signed."""

    def __init__(self, folder: Path, known: Identity) -> None:
        self.identity = known
        self.changed = asyncio.Event()  # what the key before has signed for others is over
        self._folder = folder
        self._wanted = False
        self._again_at = 0.0
        self._outcome: asyncio.Future[str] | None = None

    @property
    def is_settled(self) -> bool:
        """Whether no change is wanted or begun."""
        return self.identity.next_key is None and not self._wanted

    def want(self, now: float) -> bool:
        """Change the key before the next link; False where that failed a while ago."""
        self._wanted = self._wanted or now >= self._again_at
        return self._wanted

    def change(self) -> "asyncio.Future[str]":
        """Change it before the next link, whatever was a while ago; why it was not, or nothing."""
        self._wanted = True
        if self._outcome is None:
            self._outcome = asyncio.get_running_loop().create_future()
        return self._outcome

    async def settle(self, ask: Ask, now: float) -> None:
        """Before a link: begin a change that is wanted, and end one that was begun.

        Raises Unanswered: then there can be no link, as nobody knows with which key.
        """
        if self.is_settled:
            return
        begun, why = self.identity.next_key is not None, "no answer came"
        try:
            why = await self._begin() or await self._end(ask, begun=begun)
        except Unanswered as error:
            why = str(error)
            raise
        finally:
            self._over(why, now)

    async def tell_again(self, ask: Ask) -> bool:
        """Whether a router that does not know our key knew the former one, and knows this one now."""
        key, former = self.identity.key, self.identity.former_key
        try:
            if former is None or await ask(Offer(key, former, former)):
                return False
        except Unanswered:
            return False
        logger.warning("the router knew this machine's former key alone, and was told of the present one")
        return True

    def _over(self, why: str, now: float) -> None:
        self._wanted = False
        if why:
            self._again_at = now + AGAIN_AFTER
            logger.warning("this machine's key was not changed: %s", why)
        if self._outcome is not None:
            self._outcome.set_result(why)
            self._outcome = None

    async def _begin(self) -> str:
        try:
            self.identity = await asyncio.to_thread(identity.with_next_key, self._folder, self.identity)
        except OSError as error:
            return f"the new one cannot be written: {error.strerror}"
        return ""

    async def _end(self, ask: Ask, *, begun: bool) -> str:
        known = self.identity
        assert known.next_key is not None  # noqa: S101 -- since it was begun
        why = ""
        # Itself first where it may have been taken: an old key that is shown looks like one that was stolen.
        for caller in (known.next_key, known.key) if begun else (known.key,):
            if not (why := await ask(Offer(known.next_key, known.key, caller))):
                await self._put_in_place()
                break
        return why

    async def _put_in_place(self) -> None:
        self.identity = identity.with_key_changed(self.identity)
        self.changed.set()
        logger.info("this machine has a new key")
        try:
            await asyncio.to_thread(identity.change_files, self._folder, self.identity)
        except OSError as error:  # the router has taken it, and it is on disk under its other name
            logger.warning("the new key is in use, and put in its place at the next start: %s", error.strerror)
