"""Wrong keys are counted for each address by itself."""

import pytest

from router.api.key_limits import BURST, RATE, WrongKeys
from router.domain.errors import Refusal


def wrong(keys: WrongKeys, peer: str, now: float = 0.0, times: int = 1) -> list[float]:
    """The seconds to wait after each of them that was too much."""
    return [wait for _ in range(times) if (wait := _one(keys, peer, now)) is not None]


def _one(keys: WrongKeys, peer: str, now: float) -> float | None:
    try:
        keys.check(peer, now, shown=True)
    except Refusal as refusal:
        return refusal.retry_after
    return None


def test_as_many_as_that_are_heard_from_an_address_whatever_its_ports() -> None:
    keys = WrongKeys()

    waits = [wait for port in range(int(BURST) + 2) for wait in wrong(keys, f"ipv4:192.0.2.1:{port}")]

    assert waits == [1.0 / RATE] * 2


@pytest.mark.parametrize("other", ["ipv4:192.0.2.2:1", "ipv6:%5B2001:db8::1%5D:1", "unix:"])
def test_another_address_has_its_own(other: str) -> None:
    keys = WrongKeys()
    wrong(keys, "ipv4:192.0.2.1:1", times=int(BURST))

    assert wrong(keys, other) == []


def test_whoever_waits_as_long_as_they_are_told_is_heard() -> None:
    keys = WrongKeys()
    [wait] = wrong(keys, "unix:", times=int(BURST) + 1)

    assert wrong(keys, "unix:", now=wait) == []
    assert wrong(keys, "unix:", now=wait) != []


def test_a_call_without_a_key_is_no_guess() -> None:
    keys = WrongKeys()

    for _ in range(1000):
        keys.check("unix:", 0.0, shown=False)

    assert wrong(keys, "unix:") == []


def test_a_network_of_ipv6_is_one_address() -> None:
    keys = WrongKeys()
    wrong(keys, "ipv6:%5B2001:db8::1%5D:1", times=int(BURST))

    assert wrong(keys, "ipv6:%5B2001:db8::2%5D:1") != []
    assert wrong(keys, "ipv6:%5B2001:db8:0:1::1%5D:1") == []
