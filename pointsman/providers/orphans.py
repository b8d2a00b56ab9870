"""What providers have and nobody knows of: whoever made it died before anybody heard of it. Pure, but for who is asked.

It goes only where it is proven that nothing can be on it: it is this router's, a day old, and never ran. Not to
know means that it stays and is told of; what is another router's is not even told of.
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from pointsman.providers.provider import ProviderError

logger = logging.getLogger(__name__)
GRACE = 24 * 3600.0  # seconds: whoever makes it now is known by then


@dataclass(frozen=True, slots=True)
class Left:
    """A machine or a disk that a provider has. `never_ran`: the provider itself says so; not to say it is no yes."""

    key: str  # of the machine; empty where nobody can say which
    reference: str
    owner: str = ""  # the fingerprint of the router for which it was made; empty where it does not say
    made_at: float | None = None  # seconds since the epoch
    never_ran: bool = False


@runtime_checkable
class Keeper(Protocol):
    """A provider that can be asked what it has. Both raise ProviderError; what is not known is not gone."""

    def left(self) -> list[Left]:
        """All that carries our label, and disks that are no machine's."""

    def discard(self, one: Left) -> None:
        """Delete a machine that never ran; its provider refuses where it runs after all."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one, and why, for people."""

    provider: str
    machine: str
    reference: str
    goes: bool
    why: str


def decide(left: Left, owner: str, known: Collection[str], now: float) -> tuple[bool, str] | None:
    """Whether it goes, and why; None for what is somebody's."""
    if left.key in known or (owner and left.owner and left.owner != owner):
        return None
    if not left.owner or not owner:
        return False, "nobody can say which router it was made for"
    if left.made_at is None or left.made_at > now:
        return False, "nobody can say when it was made"
    if now - left.made_at < GRACE:
        return False, "it is not a day old"
    if not left.never_ran:
        return False, "it may have run: what is on its disk may be nowhere else"
    return True, "nobody knows of it, and it never ran"


def sweep(
    name: str, provider: Keeper, owner: str, known: Collection[str], now: float, *, dry_run: bool
) -> list[Decision]:
    """Decide about all that one provider has, and do it. Raises ProviderError, having deleted nothing."""
    decided = [(each, decide(each, owner, known, now)) for each in provider.left()]
    found = [(each, Decision(name, each.key, each.reference, *what)) for each, what in decided if what is not None]
    return [decision if dry_run else _done(provider, each, decision) for each, decision in found]


def _done(provider: Keeper, left: Left, decision: Decision) -> Decision:
    # Before it is carried out: whoever asks where it went finds this.
    deed = "remove" if decision.goes else "keep"
    logger.info("orphan %s of %s: %s: %s", left.reference, decision.provider, deed, decision.why)
    try:
        if decision.goes:
            provider.discard(left)
    except ProviderError as error:
        return replace(decision, goes=False, why=f"it could not be removed: {error}")
    return decision
