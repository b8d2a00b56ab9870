"""What an agent that died has left of a program: it is ended before another takes the conversation up."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest

from agent import processes
from agent.backends.child import end_left
from agent.domain.session import Process
from tests.waiting import wait_until

# A leader that starts one which goes on, says its pid, and goes when its input ends.
LEADER = """
import subprocess, sys
none = subprocess.DEVNULL
below = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], stdin=none, stdout=none, stderr=none)
print(below.pid, flush=True)
sys.stdin.read()
"""


class Group:
    """A leader, and one below it that outlives it."""

    def __init__(self) -> None:
        environ = os.environ | {"POINTSMAN_SESSION_ID": "s1"}
        self._leader = subprocess.Popen(
            [sys.executable, "-c", LEADER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environ,
            start_new_session=True,
        )
        assert self._leader.stdout is not None
        self.below = psutil.Process(int(self._leader.stdout.readline()))
        found = processes.identify(self._leader.pid)
        assert found is not None
        self.leader: Process = found

    def goes(self) -> None:
        """The leader does."""
        self._leader.communicate(timeout=30)

    def close(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.leader.pid, signal.SIGKILL)
        if self._leader.returncode is None:
            self._leader.communicate(timeout=30)


@pytest.fixture
def group() -> Iterator[Group]:
    one = Group()
    yield one
    one.close()


def is_gone(one: psutil.Process) -> bool:
    return not one.is_running() or one.status() == psutil.STATUS_ZOMBIE


async def test_a_program_is_ended_with_its_group(group: Group) -> None:
    await end_left(group.leader, "s1")

    wait_until(lambda: is_gone(group.below))


async def test_what_goes_on_without_its_program_is_ended_too(group: Group) -> None:
    group.goes()
    await end_left(group.leader, "s1")

    wait_until(lambda: is_gone(group.below))


async def test_a_group_of_another_session_with_the_same_number_is_left_alone(group: Group) -> None:
    group.goes()
    await end_left(group.leader, "s2")

    assert not is_gone(group.below)
