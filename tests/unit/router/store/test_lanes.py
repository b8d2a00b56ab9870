"""Which operations make a group, with a clock alone."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from router.store.group_commit import Operation
from router.store.lanes import LEAST, MAX_GROUP, MOST_ALONG, MOST_OWED, MOST_URGENT, SHARE, Lanes

TOOK = 2 * LEAST  # seconds for each operation


class Writer:
    """Takes groups from lanes; each operation is a name and takes its time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.lanes = Lanes(lambda: self.now)

    def put(self, *names: str, urgent: bool = False) -> None:
        self.lanes.put([_operation(name) for name in names], urgent=urgent)

    def put_urgent(self, name: str, *along: str) -> None:
        self.lanes.put_urgent(_operation(name), [_operation(one) for one in along])

    def group(self) -> list[str]:
        return list(self.working())

    def working(self) -> Iterator[str]:
        for operation in self.lanes.group():
            yield operation.function(None)  # type: ignore[arg-type]
            self.now += TOOK


def _operation(name: str) -> Operation[Any]:
    future: asyncio.Future[Any] = None  # type: ignore[assignment]
    return Operation(lambda _tx: name, future)


@pytest.fixture
def writer() -> Writer:
    return Writer()


def named(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


def test_what_somebody_waits_for_does_not_take_the_others_along(writer: Writer) -> None:
    writer.put("a", "b")
    writer.put("urgent", urgent=True)

    assert [writer.group(), writer.group()] == [["urgent"], ["a", "b"]]


def test_what_has_waited_for_it_goes_along_with_it_and_no_more_than_that(writer: Writer) -> None:
    writer.put_urgent("urgent", "a", "b", "c")
    writer.put("d")

    assert [writer.group(), writer.group()] == [["a", "b", "c", "urgent"], ["d"]]


def test_it_waits_for_so_long_for_what_goes_along_with_it(writer: Writer) -> None:
    writer.put_urgent("urgent", *named("a", 20))
    *along, last = writer.group()

    assert last == "urgent"
    assert along == named("a", len(along))
    assert MOST_ALONG <= len(along) * TOOK < MOST_ALONG + TOOK


def test_what_comes_while_others_are_written_closes_their_group(writer: Writer) -> None:
    writer.put("a", "b", "c")
    working = writer.working()
    first = next(working)
    writer.put("urgent", urgent=True)

    assert [first, *working] == ["a", "urgent"]
    assert writer.group() == ["b", "c"]


def test_under_a_load_that_does_not_end_the_others_get_their_share(writer: Writer) -> None:
    writer.put(*named("other", 200))
    counts = {True: 0, False: 0}
    for _ in range(10):
        writer.put(*named("urgent", MOST_URGENT), urgent=True)
        for name in writer.group():
            counts[name.startswith("urgent")] += 1

    assert counts[False] >= SHARE * (counts[True] - MOST_URGENT)


def test_each_lane_keeps_its_order(writer: Writer) -> None:
    writer.put(*named("a", 100))
    writer.put(*named("b", 30), urgent=True)
    done = list[str]()
    while len(writer.lanes):
        done += writer.group()

    assert [name for name in done if name[0] == "a"] == named("a", 100)
    assert [name for name in done if name[0] == "b"] == named("b", 30)


def test_a_group_has_an_end(writer: Writer) -> None:
    writer.put(*named("a", 2 * MAX_GROUP))

    assert writer.group() == named("a", MAX_GROUP)


def test_at_the_end_what_was_put_is_still_taken(writer: Writer) -> None:
    writer.put("a")
    writer.lanes.end()

    assert writer.lanes.wait()
    assert writer.group() == ["a"]
    assert not writer.lanes.wait()


def test_who_waits_outside_does_not_pay_for_a_disk_that_stood_still(writer: Writer) -> None:
    writer.put(*named("other", 10 * MAX_GROUP))
    writer.put("slow", urgent=True)
    for _ in writer.working():
        writer.now += 3600.0
    begun = writer.now
    writer.put("urgent", urgent=True)
    while "urgent" not in writer.group():
        pass

    assert writer.now - begun < 2 * MOST_OWED + MAX_GROUP * TOOK
