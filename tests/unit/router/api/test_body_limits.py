"""Places for strangers: taken in turn, and a crowd from one address takes nobody else's."""

import asyncio
from collections.abc import Iterator
from contextlib import closing

import pytest

from router.api.body_limits import WAITING, Places, address
from tests.sim.loop import VirtualLoop

CROWD, GUEST = "192.0.2.1", "198.51.100.7"
TIME, TURN = 5.0, 0.25


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    with closing(VirtualLoop()) as loop:
        yield loop


async def stay(places: Places, peer: str, *, lasts: bool = False) -> tuple[str, float]:
    """How it ended, and when."""
    loop = asyncio.get_running_loop()  # virtual
    try:
        async with places.place(peer, lasts=lasts):
            await asyncio.sleep(100 * TIME)
    except TimeoutError:
        return "put out", loop.time()
    return "stayed", loop.time()


def coming(places: Places, peer: str, count: int, *, lasts: bool = True) -> "list[asyncio.Future[tuple[str, float]]]":
    return [asyncio.ensure_future(stay(places, peer, lasts=lasts)) for _ in range(count)]


def test_a_place_is_left_in_time(loop: VirtualLoop) -> None:
    assert loop.run_until_complete(stay(Places(1, TIME, TURN), CROWD)) == ("put out", TIME)


def test_one_that_lasts_is_left_when_it_is_wanted(loop: VirtualLoop) -> None:
    async def both() -> list[tuple[str, float]]:
        places = Places(1, TIME, TURN)
        first = asyncio.ensure_future(stay(places, CROWD, lasts=True))
        await asyncio.sleep(50 * TIME)
        return await asyncio.gather(first, stay(places, CROWD, lasts=True))

    assert loop.run_until_complete(both()) == [("put out", 50 * TIME), ("stayed", 150 * TIME)]


def test_everybody_has_a_turn_although_others_wait(loop: VirtualLoop) -> None:
    async def all_of_them() -> list[tuple[str, float]]:
        return await asyncio.gather(*coming(Places(1, TIME, TURN), CROWD, 3, lasts=False))

    assert loop.run_until_complete(all_of_them()) == [
        ("put out", TURN), ("put out", 2 * TURN), ("put out", 2 * TURN + TIME),
    ]  # fmt: skip


def test_a_crowd_of_one_address_takes_the_places_of_that_crowd(loop: VirtualLoop) -> None:
    async def crowded() -> list[tuple[str, float]]:
        places = Places(4, TIME, TURN)
        guest = coming(places, GUEST, 1)
        await asyncio.sleep(0)
        return await asyncio.gather(*guest, *coming(places, CROWD, 50))

    guest, *crowd = [how for how, _ in loop.run_until_complete(crowded())]

    assert guest == "stayed"
    assert crowd == ["put out"] * 47 + ["stayed"] * 3


def test_who_comes_from_elsewhere_need_not_wait_for_the_crowd(loop: VirtualLoop) -> None:
    async def comes() -> float:
        places = Places(1, TIME, TURN)
        crowd = coming(places, CROWD, 100)
        await asyncio.sleep(TURN / 2)
        async with places.place(GUEST):
            at = loop.time()
        for each in crowd:
            each.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)
        return at

    assert loop.run_until_complete(comes()) == TURN


def test_only_so_many_wait(loop: VirtualLoop) -> None:
    async def at_once() -> list[float]:
        ends = await asyncio.gather(*coming(Places(1, TIME, TURN), CROWD, WAITING + 11, lasts=False))
        return [when for _, when in ends]

    assert loop.run_until_complete(at_once()).count(0.0) == 10


def test_who_hangs_up_leaves_the_place_to_the_next(loop: VirtualLoop) -> None:
    async def hangs_up() -> tuple[str, float]:
        places = Places(1, TIME, TURN)
        first, second, third = coming(places, CROWD, 3, lasts=False)
        await asyncio.sleep(0)
        second.cancel()
        first.cancel()
        return await third

    assert loop.run_until_complete(hangs_up()) == ("put out", TIME)


def test_who_comes_in_time_leaves_the_place_to_the_next(loop: VirtualLoop) -> None:
    async def one_by_one() -> None:
        places = Places(1, TIME, TURN)
        for _ in range(5):
            async with places.place(CROWD):
                await asyncio.sleep(TIME / 2)

    loop.run_until_complete(one_by_one())


@pytest.mark.parametrize(
    ("peer", "told"),
    [
        ("ipv4:192.0.2.1:4711", "192.0.2.1"),
        ("ipv6:%5B::1%5D:4711", "::/64"),
        ("ipv6:%5B2001:db8:1:2:3:4:5:6%5D:4711", "2001:db8:1:2::/64"),
        ("ipv6:[fe80::1%eth0]:4711", "fe80::/64"),
        ("unix:", "unix:"),
        ("unix:/run/pointsman/router.sock", "unix:"),
    ],
)
def test_an_address_is_told_without_its_port(peer: str, told: str) -> None:
    assert address(peer) == told
