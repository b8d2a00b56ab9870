"""A storm of machines is held back before anything is looked up."""

import asyncio
from typing import Any, cast

import pytest

from router.api.auth import Guard
from router.domain.errors import Reason, Refusal

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


class Nameless:
    """A call without a credential: refused without a look into the database, once it is its turn."""

    def invocation_metadata(self) -> tuple[()]:
        return ()


def refused(guard: Guard, method: str = CONNECT) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        asyncio.run(guard.admit(method, cast("Any", Nameless())))
    return refusal.value


def guard(clock: StandingClock) -> Guard:
    """A guard that would break if it asked anybody."""
    return Guard(cast("Any", None), cast("Any", None), clock)


def test_four_hundred_are_heard_at_once_and_the_next_is_told_when_to_come() -> None:
    door = guard(StandingClock())

    heard = [refused(door).reason for _ in range(400)]
    next_ = [refused(door) for _ in range(2)]

    assert set(heard) == {Reason.UNAUTHENTICATED}
    assert {refusal.reason for refusal in next_} == {Reason.BUSY}
    assert [refusal.retry_after for refusal in next_] == pytest.approx([0.005, 0.010])


def test_a_second_later_there_is_room_for_two_hundred() -> None:
    clock = StandingClock()
    door = guard(clock)
    for _ in range(400):
        refused(door)
    clock.at += 1.0

    reasons = [refused(door).reason for _ in range(201)]

    assert reasons == [Reason.UNAUTHENTICATED] * 200 + [Reason.BUSY]
