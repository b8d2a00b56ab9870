"""A storm of machines is held back, each by its turn; whoever is no machine takes none."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from router.api.auth import Guard
from router.domain.credentials import AUDIENCE
from router.domain.errors import Reason, Refusal
from router.domain.machine import Machine

CONNECT = "/agentlink.v1.AgentLink/Connect"


class StandingClock:
    """Time that the test moves."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    def uptime(self) -> float:
        return self.at

    def boot_id(self) -> str:
        return "boot"


class OneMachine:
    """A database that knows one machine, whatever it is asked."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.asked, self.answers = asyncio.Event(), True
        self._machine = Machine("devbox", self.key.public_key().public_bytes_raw(), 0.0)

    async def read(self, _query: Callable[[Any], Any]) -> Machine:
        self.asked.set()
        if not self.answers:
            await asyncio.Event().wait()
        return self._machine


class Calling:
    """A call with the credential that a key makes."""

    def __init__(self, key: Ed25519PrivateKey, at: float) -> None:
        claims = {"sub": "devbox", "aud": AUDIENCE, "iat": at, "exp": at + 300}
        self._token = jwt.encode(claims, key, algorithm="EdDSA")

    def invocation_metadata(self) -> tuple[tuple[str, str]]:
        return (("authorization", f"Bearer {self._token}"),)

    def peer(self) -> str:
        return "ipv4:192.0.2.1:4711"


class Door:
    """The guard, and what it says to callers."""

    def __init__(self) -> None:
        self.clock = StandingClock()
        self.database = OneMachine()
        none = cast("Any", None)
        self._guard = Guard(none, none, cast("Any", self.database), none, none, self.clock, "router")
        self._machine = Calling(self.database.key, self.clock.at)

    async def looks(self, calling: Calling | None = None) -> None:
        await self._guard.admit(CONNECT, cast("Any", calling or self._machine))

    def comes(self, calling: Calling | None = None) -> Refusal | None:
        """What the machine, or somebody else, is told; None when it is let in."""
        try:
            asyncio.run(self.looks(calling))
        except Refusal as refusal:
            return refusal
        return None


def test_four_hundred_come_in_at_once_and_the_next_is_told_when_to_come() -> None:
    door = Door()

    heard = [door.comes() for _ in range(400)]
    next_ = [door.comes() for _ in range(2)]

    assert set(heard) == {None}
    assert [refusal and refusal.reason for refusal in next_] == [Reason.BUSY] * 2
    assert [refusal and refusal.retry_after for refusal in next_] == pytest.approx([0.005, 0.010])


def test_a_second_later_there_is_room_for_two_hundred() -> None:
    door = Door()
    for _ in range(400):
        door.comes()
    door.clock.at += 1.0

    reasons = [refusal and refusal.reason for refusal in (door.comes() for _ in range(201))]

    assert reasons == [None] * 200 + [Reason.BUSY]


def test_callers_that_hang_up_while_they_are_looked_at_take_no_turn() -> None:
    door = Door()

    async def hang_up() -> None:
        looked_at = asyncio.create_task(door.looks())
        await door.database.asked.wait()
        looked_at.cancel()
        await asyncio.wait([looked_at])
        door.database.asked.clear()

    async def many() -> None:
        door.database.answers = False
        for _ in range(500):
            await hang_up()
        door.database.answers = True

    asyncio.run(many())

    assert door.comes() is None


def test_forged_credentials_take_no_turn() -> None:
    door, thief = Door(), Calling(Ed25519PrivateKey.generate(), StandingClock().at)
    forged = [door.comes(thief) for _ in range(500)]

    assert {refusal and refusal.reason for refusal in forged} == {Reason.UNAUTHENTICATED}
    assert door.comes() is None
