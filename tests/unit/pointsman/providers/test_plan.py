"""What is to be done about a machine, from what is wanted and what is there."""

import pytest

from pointsman.providers.plan import IDLE, LONGEST_WAIT, Aim, Load, Step, aim, step, wait
from pointsman.providers.provider import State

NOW, DAY = 1_000_000.0, 24 * 3600.0
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
