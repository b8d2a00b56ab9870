"""Who is looked at when, with numbers and moments alone."""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import pairwise

import pytest

from router.link.admission import (
    EARLY,
    FIRST_PACE,
    INSIDE,
    MOST_WAITING,
    PATIENCE,
    PLACES,
    Admission,
    Ticket,
)

NOW = 10_000.0


@pytest.fixture
def full() -> Admission:
    """Every place is taken, and nobody waits."""
    admission = Admission()
    for _ in range(PLACES):
        admission.enter()
    return admission


def lined_up(admission: Admission, count: int, since: float = NOW) -> list[Ticket]:
    return [admission.get_in_line(since) for _ in range(count)]


def served(admission: Admission, count: int, each: float, now: float = NOW) -> float:
    """So many places are given, one after the other; returns the time afterwards."""
    for _ in range(count):
        now += each
        admission.done(now)
    return now


def test_so_many_are_looked_at_at_once_and_no_more() -> None:
    admission = Admission(places=3)

    assert [admission.enter() for _ in range(4)] == [True, True, True, False]


def test_a_place_that_nobody_waits_for_is_free(full: Admission) -> None:
    assert full.done(NOW) is None
    assert full.enter()


def test_a_place_goes_to_who_waits_and_is_not_free_meanwhile(full: Admission) -> None:
    [ticket] = lined_up(full, 1)

    assert full.done(NOW) is ticket
    assert not full.enter()


def test_who_came_first_is_first(full: Admission) -> None:
    later, sooner = full.get_in_line(NOW + 1), full.get_in_line(NOW)

    assert [full.done(NOW + 2), full.done(NOW + 2)] == [sooner, later]


def test_of_one_moment_they_are_called_in_the_order_of_the_line(full: Admission) -> None:
    tickets = lined_up(full, 20)

    assert [full.done(NOW) for _ in tickets] == tickets


def test_who_was_let_in_goes_on_before_all_others(full: Admission) -> None:
    outside, inside = full.get_in_line(NOW), full.get_in_line(INSIDE)

    assert [full.done(NOW), full.done(NOW)] == [inside, outside]


def test_who_went_away_is_passed_over(full: Admission) -> None:
    gone, next_ = lined_up(full, 2)
    full.leave_line(gone)

    assert full.waiting == 1
    assert full.done(NOW) is next_
    assert full.waiting == 0


def test_a_line_is_too_long_when_its_end_is_far(full: Admission) -> None:
    fitting = int(PATIENCE / FIRST_PACE)
    lined_up(full, fitting - 1)

    assert full.too_long(NOW) == 0.0
    lined_up(full, 1)
    assert full.too_long(NOW) == pytest.approx(PATIENCE - EARLY + FIRST_PACE)


def test_a_fast_machine_has_a_longer_line(full: Admission) -> None:
    lined_up(full, 4_000)
    told = full.too_long(NOW)
    now = served(full, 200, each=0.0005)

    assert told > PATIENCE - EARLY
    assert full.too_long(now) == 0.0


def test_a_slow_machine_has_a_shorter_line(full: Admission) -> None:
    lined_up(full, 500)
    now = served(full, 100, each=0.05)

    assert full.too_long(now) == pytest.approx(400 * 0.05 - EARLY, rel=0.05)


def test_a_line_has_an_end_however_fast_it_goes(full: Admission) -> None:
    lined_up(full, MOST_WAITING + 1_000)
    now = served(full, 1_000, each=0.000_01)

    assert full.too_long(now) > 0.0


def test_each_that_is_told_gets_a_moment_of_its_own(full: Admission) -> None:
    lined_up(full, 4_000)

    told = [full.too_long(NOW) for _ in range(5)]

    assert [later - sooner for sooner, later in pairwise(told)] == pytest.approx([FIRST_PACE] * 4)


@pytest.mark.parametrize("jump", [3_600.0, -3_600.0], ids=["ahead", "back"])
def test_a_clock_that_jumps_changes_the_pace_a_little(full: Admission, jump: float) -> None:
    lined_up(full, 1_000)
    now = served(full, 100, each=0.002)
    served(full, 1, each=jump, now=now)
    now = served(full, 100, each=0.002, now=now + jump)

    assert full.too_long(now) == 0.0
    lined_up(full, 5_000)
    assert full.too_long(now) <= 5_800 * 0.002 * 1.1 - EARLY


def test_nobody_is_sent_away_because_something_else_had_its_turn(full: Admission) -> None:
    lined_up(full, 1_200)
    now = served(full, 200, each=0.003)
    now = served(full, 1, each=1.0, now=now)

    assert full.too_long(now) == 0.0


def test_a_line_that_went_in_no_time_can_get_slow(full: Admission) -> None:
    lined_up(full, 10_500)
    now = served(full, 10_000, each=0.0)
    now = served(full, 100, each=0.05, now=now)

    assert full.too_long(now) == pytest.approx(400 * 0.05 - EARLY, rel=0.05)


def test_a_pause_between_two_storms_is_no_pace(full: Admission) -> None:
    lined_up(full, 200)
    now = served(full, 201, each=0.001)  # the last one finds nobody
    full.enter()
    lined_up(full, 2_000)
    now = served(full, 5, each=0.001, now=now + 600.0)

    assert full.too_long(now) == 0.0


@pytest.mark.parametrize("machines", [2_000, 5_000])
@pytest.mark.parametrize("each", [0.0005, 0.002, 0.01], ids=["fast", "usual", "five times slower"])
def test_a_storm_is_in_as_fast_as_the_machine_works(machines: int, each: float) -> None:
    """Who is told when to come goes before whoever came after, so that nobody starves."""
    assert seconds_of_a_storm(machines, lambda _: each) <= 1.05 * machines * each


def test_nobody_is_late_where_the_machine_gets_faster() -> None:
    """As it does once a crowd has asked for its proofs."""
    proofs, after = 0.003, 0.0013

    assert (
        seconds_of_a_storm(5_000, lambda many: proofs if many < 3_400 else after) <= 3_400 * proofs + 1_600 * after + 1
    )


def seconds_of_a_storm(machines: int, each: Callable[[int], float]) -> float:
    """Until all are in, who come within a second or so; how long one takes goes by how many are in."""
    admission, now, arrivals = Admission(places=1), NOW, [(NOW + n * 0.000_2, n) for n in range(machines)]
    came, held, told, admitted = {}, dict[int, int](), set[int](), list[int]()
    admission.enter()
    while len(admitted) < machines:
        now += each(len(admitted))
        while arrivals and arrivals[0][0] <= now:
            at, machine = heappop(arrivals)
            since = came.setdefault(machine, at)
            if machine not in told and (wait := admission.too_long(at)):
                told.add(machine)
                heappush(arrivals, (at + wait, machine))
            else:
                held[admission.get_in_line(since).number] = machine
        if ticket := admission.done(now):
            admitted.append(held[ticket.number])
        else:
            admission.enter()

    assert sorted(admitted) == list(range(machines))
    return now - NOW
