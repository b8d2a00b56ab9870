"""A storm of machines is held back, each by its turn; whoever is no machine takes none."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from router.api.auth import Guard
from router.api.turns import Turns
from router.domain.credentials import AUDIENCE
from router.domain.errors import Reason, Refusal
from router.domain.machine import Machine
from router.link.admission import EARLY, FIRST_PACE, PATIENCE, PLACES
from router.store import machines

FITTING = int(PATIENCE / FIRST_PACE)  # in line, as long as nobody knows how fast it goes
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
        self.asked = self.answered = 0
        self.answers = asyncio.Event()
        self.answers.set()
        self._machine = Machine("devbox", self.key.public_key().public_bytes_raw(), 0.0)

    async def read(self, query: Callable[[Any], list[Machine]]) -> list[Machine]:
        found = query(self)
        await self.answers.wait()
        self.answered += len(found)
        return found

    def find(self, _machine_id: str) -> Machine:
        self.asked += 1
        return self._machine


@pytest.fixture(autouse=True)
def one_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked of the database is asked of that."""
    monkeypatch.setattr(machines, "find", OneMachine.find)


class Calling:
    """A call with the credential that a key makes."""

    def __init__(self, key: Ed25519PrivateKey, at: float, name: str = "devbox") -> None:
        claims = {"sub": name, "aud": AUDIENCE, "iat": at, "exp": at + 300}
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
        self.turns = Turns(self.clock)
        none = cast("Any", None)
        self._guard = Guard(none, none, cast("Any", self.database), none, none, self.clock, "router", self.turns)
        self._machine = Calling(self.database.key, self.clock.at)

    async def looks(self, calling: Calling | None = None) -> Refusal | None:
        """What the machine, or somebody else, is told; None when it is let in."""
        try:
            await self._guard.admit(CONNECT, cast("Any", calling or self._machine))
        except Refusal as refusal:
            return refusal
        return None

    async def told(self, calling: Calling) -> bool:
        """As its call is ended: whether it is of a machine, whose turn is kept then."""
        return await self._guard.is_of_a_machine(cast("Any", calling))

    async def crowd(self, count: int) -> "list[asyncio.Task[Refusal | None]]":
        """So many at the door, none of which is answered yet."""
        self.database.answers.clear()
        tasks = [asyncio.create_task(self.looks()) for _ in range(count)]
        await settled()
        return tasks


async def settled() -> None:
    """Come back when everybody who could go on has."""
    for _ in range(20):
        await asyncio.sleep(0)


async def reasons(tasks: "list[asyncio.Task[Refusal | None]]") -> list[Reason | None]:
    return [refusal and refusal.reason for refusal in await asyncio.gather(*tasks)]


def test_so_many_are_looked_at_at_once_and_all_come_in() -> None:
    async def storm() -> tuple[int, list[Reason | None]]:
        door = Door()
        tasks = await door.crowd(100)
        at_once = door.database.asked
        door.database.answers.set()
        return at_once, await reasons(tasks)

    assert asyncio.run(storm()) == (PLACES, [None] * 100)


def test_one_for_whom_the_line_is_too_long_is_told_when_to_come() -> None:
    async def storm() -> tuple[Refusal | None, Refusal | None]:
        door = Door()
        tasks = await door.crowd(PLACES + FITTING)
        told = await door.looks(), await door.looks()
        door.database.answers.set()
        await reasons(tasks)
        return told

    first, second = asyncio.run(storm())

    assert first is not None
    assert second is not None
    assert (first.reason, second.reason) == (Reason.BUSY, Reason.BUSY)
    assert [first.retry_after, second.retry_after] == pytest.approx([PATIENCE - EARLY + n * FIRST_PACE for n in (1, 2)])


def test_a_machine_that_was_told_once_is_not_told_again() -> None:
    async def storm() -> tuple[Refusal | None, bool, Refusal | None]:
        door = Door()
        laptop = Calling(door.database.key, door.clock.at, "laptop")
        await door.crowd(PLACES + FITTING)
        told = await door.looks(laptop)
        door.database.answers.set()
        known = await door.told(laptop)
        await door.crowd(PLACES + 2 * FITTING)
        again = asyncio.create_task(door.looks(laptop))
        await settled()
        door.database.answers.set()
        return told, known, await again

    told, known, again = asyncio.run(storm())

    assert told is not None
    assert known
    assert again is None


def test_callers_that_hang_up_take_no_turn() -> None:
    async def storm() -> list[Reason | None]:
        door = Door()
        tasks = await door.crowd(PLACES + 50)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        door.database.answers.set()
        return await reasons([asyncio.create_task(door.looks()) for _ in range(PLACES + 1)])

    assert asyncio.run(storm()) == [None] * (PLACES + 1)


@pytest.mark.parametrize("steps", range(6))
def test_one_that_hangs_up_as_its_turn_comes_passes_it_on(steps: int) -> None:
    async def storm() -> tuple[list[Reason | None], int]:
        door = Door()
        tasks = await door.crowd(PLACES + 2)
        door.database.answers.set()
        while not door.database.answered:
            await asyncio.sleep(0)
        for _ in range(steps):  # of the loop, in one of which it is its turn
            await asyncio.sleep(0)
        tasks[PLACES].cancel()
        told = await reasons([task for task in tasks if task is not tasks[PLACES]])
        before = door.database.asked
        later = await door.crowd(PLACES + 1)
        at_once = door.database.asked - before
        door.database.answers.set()
        await reasons(later)
        return told, at_once

    assert asyncio.run(storm()) == ([None] * (PLACES + 1), PLACES)


def test_forged_credentials_take_no_turn() -> None:
    async def storm() -> tuple[set[Reason | None], Refusal | None]:
        door, thief = Door(), Calling(Ed25519PrivateKey.generate(), StandingClock().at)
        forged = [await door.looks(thief) for _ in range(500)]
        return {refusal and refusal.reason for refusal in forged}, await door.looks()

    assert asyncio.run(storm()) == ({Reason.UNAUTHENTICATED}, None)
