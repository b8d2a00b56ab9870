"""The life of something deferred: each event is legal in its states, changes what it should, and nothing elsewhere."""

import pytest
from msgspec.structs import replace

from router.domain.command import Origin
from router.domain.deferral import (
    SOURCES,
    Cancelled,
    Deferred,
    DeferredState,
    Event,
    Failed,
    Fired,
    Moved,
    Owner,
    Paused,
    Resumed,
    Task,
    apply,
)
from router.domain.errors import IllegalTransition
from router.domain.schedule import Schedule

KNOWN = Deferred(
    "d1",
    Task.TEXT,
    "s1",
    1,
    "hello",
    Schedule("every 7200", "every 2h"),
    "UTC",
    100.0,
    Origin("test"),
    Owner("me"),
    1.0,
)
EVENTS: list[Event] = [
    Fired(200.0, 100.0), Paused(), Resumed(300.0), Moved(Schedule("in 60", "in 1m"), "UTC", 60.0), Cancelled(),
    Failed("so"),
]  # fmt: skip


@pytest.mark.parametrize("state", DeferredState)
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_is_legal_where_the_table_says(event: Event, state: DeferredState) -> None:
    before = replace(KNOWN, state=state)
    if state in SOURCES[type(event)]:
        assert apply(before, event, 5.0) != before
        return

    with pytest.raises(IllegalTransition):
        apply(before, event, 5.0)


def test_what_repeats_waits_for_its_next_moment() -> None:
    fired = apply(KNOWN, Fired(200.0, 100.0), 5.0)

    assert (fired.state, fired.occurrence, fired.next_at, fired.fired_for) == (DeferredState.WAITING, 1, 200.0, 100.0)
    assert (KNOWN.request_id, fired.request_id) == ("deferred/d1/1", "deferred/d1/2")


def test_the_last_one_is_done() -> None:
    fired = apply(KNOWN, Fired(None, 100.0), 5.0)

    assert (fired.state, fired.next_at, fired.ended_at) == (DeferredState.DONE, None, 5.0)


def test_one_that_a_person_wants_now_keeps_the_moment_that_is_to_come() -> None:
    fired = apply(KNOWN, Fired(100.0), 5.0)

    assert (fired.next_at, fired.fired_for, fired.occurrence) == (100.0, None, 1)


def test_one_that_was_moved_begins_anew() -> None:
    fired = apply(KNOWN, Fired(200.0, 100.0), 5.0)

    moved = apply(fired, Moved(Schedule("cron 0 9 * * *", "every day 9:00"), "UTC", 50.0), 6.0)

    assert (moved.next_at, moved.fired_for, moved.occurrence) == (50.0, None, 1)
