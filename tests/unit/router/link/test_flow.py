"""How far a link's reader may be ahead, with numbers and times alone."""

import asyncio
from collections.abc import Callable

import pytest

from router.link.flow import ANSWERS, BURST, MOST_UNSENT, MOST_UNWRITTEN, RATE, Flow
from tests.waiting import PATIENCE

NOW = 100.0


async def is_read_on(flow: Flow, unsent: list[object], then: Callable[[], None]) -> tuple[bool, bool]:
    """Whether a reader that asks for room gets it at once, and after something happened."""
    reader = asyncio.create_task(flow.room(unsent))
    await asyncio.sleep(0)
    at_once = reader.done()
    then()
    await asyncio.wait_for(reader, PATIENCE)
    return at_once, reader.done()


def test_a_reader_goes_on_while_little_is_on_its_way_to_the_disk() -> None:
    flow = Flow(NOW)
    flow.writing(MOST_UNWRITTEN - 1)

    assert asyncio.run(is_read_on(flow, [], lambda: None)) == (True, True)


def test_a_reader_waits_for_the_disk() -> None:
    flow = Flow(NOW)
    flow.writing(MOST_UNWRITTEN)

    assert asyncio.run(is_read_on(flow, [], lambda: flow.written(1))) == (False, True)


def test_a_reader_waits_for_a_machine_that_hears_nothing() -> None:
    flow, unsent = Flow(NOW), [object()] * MOST_UNSENT

    def heard() -> None:
        unsent.pop()
        flow.sent()

    assert asyncio.run(is_read_on(flow, unsent, heard)) == (False, True)


def test_who_was_away_catches_up_at_once() -> None:
    flow = Flow(NOW)

    assert [flow.pause(int(BURST) // 5, NOW) for _ in range(5)] == [0.0] * 5


def test_who_goes_on_is_read_as_fast_as_the_rate_says() -> None:
    flow = Flow(NOW)
    flow.pause(int(BURST), NOW)

    assert flow.pause(int(RATE), NOW) == pytest.approx(1.0)
    assert flow.pause(1, NOW + 1.0) == pytest.approx(1.0 / RATE)
    assert flow.pause(1, NOW + 3600.0) == 0.0


def test_what_is_said_to_commands_counts_against_no_rate() -> None:
    flow = Flow(NOW)
    flow.pause(int(BURST), NOW)
    flow.asked(1_000)

    assert flow.pause(1_000 * ANSWERS, NOW) == 0.0
    assert flow.pause(1, NOW) == pytest.approx(1.0 / RATE)
