"""The soak's short form, at ten times the speed: faults of every kind, and a courier killed."""

import pytest

from tests.soak.run import Run, soak

pytestmark = pytest.mark.faults


def test_under_faults_nothing_is_lost_or_late_and_no_limit_is_exceeded() -> None:
    seen, judgement = soak(Run("with faults", chats=4, count=60, speed=10.0, seed=1, each=1, kills=1))

    assert judgement.broken == {}
    assert sum(map(len, seen.told.values())) == 60
