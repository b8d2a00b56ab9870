"""How many agents come in at once, and when the others get their turn."""

import pytest

from router.link.admission import BURST, RATE, Admission


def test_a_burst_comes_in_at_once_and_no_more() -> None:
    admission = Admission()

    waits = [admission.wait(100.0) for _ in range(int(BURST) + 1)]

    assert waits[:-1] == [0.0] * int(BURST)
    assert waits[-1] > 0


def test_each_that_waits_gets_a_moment_of_its_own() -> None:
    admission = Admission(rate=10, burst=1)
    admission.wait(100.0)

    assert [admission.wait(100.0) for _ in range(3)] == pytest.approx([0.1, 0.2, 0.3])


@pytest.mark.parametrize("agents", [2_000, 5_000])
def test_a_storm_is_in_as_fast_as_the_bucket_fills(agents: int) -> None:
    admission = Admission()
    due, admitted_at = [0.0] * agents, []
    while due:
        now = due.pop(0)
        if wait := admission.wait(now):
            due.append(now + wait + 1e-6)
        else:
            admitted_at.append(now)

    assert len(admitted_at) == agents
    assert max(admitted_at) <= (agents - BURST) / RATE + 0.1


def test_quiet_fills_the_bucket_but_never_over_its_rim() -> None:
    admission = Admission(rate=10, burst=5)
    admission.wait(0.0)

    assert [admission.wait(1_000.0) == 0.0 for _ in range(6)] == [True] * 5 + [False]
