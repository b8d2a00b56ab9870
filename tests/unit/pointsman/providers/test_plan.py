"""What is to be done about a machine, from what is wanted and what is there."""

import random

import pytest

from pointsman.providers.plan import DAY, IDLE, LONGEST_WAIT, Aim, Load, Orphans, Step, aim, step, wait
from pointsman.providers.provider import Provided, State

NOW = 1_000_000.0
AIMS = {
    "a queued command": (Load(queued=1), Aim.UP),
    "a queued command for one that idles": (Load(1, NOW - DAY), Aim.UP),
    "a queued command for one that is over": (Load(1, NOW - DAY, True), Aim.UP),
    "it does something": (Load(), None),
    "it idles for a moment": (Load(idle_since=NOW - IDLE + 1), None),
    "it idles for long": (Load(idle_since=NOW - IDLE), Aim.ASLEEP),
    "it is over": (Load(is_over=True), Aim.GONE),
    "it idles, by a clock that was set back": (Load(idle_since=NOW + DAY), None),
}
STEPS = {
    Aim.UP: (Step.ENSURE, {State.STOPPED: Step.START, State.STOPPING: Step.START}),
    Aim.ASLEEP: (None, {State.STARTING: Step.STOP, State.RUNNING: Step.STOP}),
    Aim.GONE: (None, dict.fromkeys(State, Step.DESTROY)),
}


@pytest.mark.parametrize(("load", "wanted"), AIMS.values(), ids=AIMS)
def test_what_it_has_to_do_says_what_it_is_to_be(load: Load, wanted: Aim | None) -> None:
    assert aim(load, NOW) is wanted


@pytest.mark.parametrize("wanted", Aim)
def test_each_state_has_its_step(wanted: Aim) -> None:
    missing, there = STEPS[wanted]

    assert step(wanted, None) is missing
    assert {state: step(wanted, state) for state in State} == {state: there.get(state) for state in State}


@pytest.mark.parametrize("state", [None, *State])
def test_where_nothing_is_wanted_nothing_is_done(state: State | None) -> None:
    assert step(None, state) is None


def test_only_what_is_over_is_ever_destroyed() -> None:
    loads = [Load(queued, since) for queued in (0, 1) for since in (None, 0.0, NOW)]
    steps = [step(aim(load, NOW), state) for load in loads for state in (None, *State)]

    assert Step.DESTROY not in steps


def test_what_fails_is_tried_again_ever_later() -> None:
    waits = [wait(attempts) for attempts in range(1, 40)]

    assert waits[:4] == [5.0, 10.0, 20.0, 40.0]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT


def machines(*keys: str) -> list[Provided]:
    return [Provided(key, State.STOPPED, key) for key in keys]


def test_nobodys_machines_go_after_two_looks_a_day_apart() -> None:
    first, none = Orphans({}).look(machines("mine", "lost"), {"mine"}, NOW)
    second, early = first.look(machines("mine", "lost"), {"mine"}, NOW + DAY - 1)
    _, late = second.look(machines("mine", "lost"), {"mine"}, NOW + DAY)

    assert (none, early, late) == ([], [], ["lost"])


def test_one_that_was_known_in_between_is_seen_anew() -> None:
    looked, _ = Orphans({}).look(machines("lost"), (), NOW)
    looked, _ = looked.look(machines("lost"), {"lost"}, NOW + DAY / 2)
    looked, gone = looked.look(machines("lost"), (), NOW + DAY)

    assert gone == []
    assert looked.seen == {"lost": NOW + DAY}


def test_over_random_looks_nothing_goes_that_was_somebodys_within_a_day() -> None:
    chance, now, orphans = random.Random(7), NOW, Orphans({})
    known_at: dict[str, float] = {}
    for _ in range(2000):
        now += chance.uniform(0, DAY / 3)
        known = {key for key in "abc" if chance.random() < 0.3}
        known_at |= dict.fromkeys(known, now)
        orphans, gone = orphans.look(machines(*"abc"), known, now)

        assert all(now - known_at.get(key, NOW) >= DAY for key in gone)
        assert not known & set(gone)
