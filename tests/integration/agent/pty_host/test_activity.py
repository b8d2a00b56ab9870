"""Whether a terminal's program writes is said when it begins and when it has come to rest, and not in between."""

from agent.domain.session import SessionState
from agent.pty_host.activity import Activity
from tests.rigs.agent_rig import eventually
from tests.tasks import background

BUSY, IDLE = SessionState.BUSY, SessionState.IDLE


async def test_it_is_said_once_for_each_change() -> None:
    said: list[SessionState] = []

    async def say(state: SessionState) -> None:
        said.append(state)

    activity = Activity(say, rest=0.05)
    async with background(activity.run()):
        for _ in range(3):
            activity.wrote()
        await eventually(lambda: said == [BUSY, IDLE])
        activity.wrote()
        await eventually(lambda: said == [BUSY, IDLE, BUSY, IDLE])


async def test_output_without_a_pause_is_no_rest() -> None:
    said: list[SessionState] = []

    async def say(state: SessionState) -> None:
        said.append(state)

    activity = Activity(say, rest=0.0)
    async with background(activity.run()):
        for _ in range(20):
            activity.wrote()
            await eventually(lambda: True)
        await eventually(lambda: said[-1:] == [IDLE])

    assert said[0] is BUSY
