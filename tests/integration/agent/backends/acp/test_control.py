"""What can be changed from afar about how a coding agent over ACP works, and what cannot."""

from pathlib import Path

from agent.domain.command import Ending, Outcome, Reason
from agent.domain.control import ControlKind, ControlSignal
from agent.domain.session import SessionState
from tests.integration.agent.backends.acp_scene import Person, Scene, StandIn

REFUSED = [
    ControlSignal(ControlKind.MODE, "plan"),
    ControlSignal(ControlKind.MODEL, "opus"),
    ControlSignal(ControlKind.COMPACT),
    ControlSignal(ControlKind.CLEAR),
]


async def test_only_what_it_does_now_can_be_stopped(data_dir: Path) -> None:
    stand_in = StandIn(data_dir)
    async with Scene(data_dir, stand_in.kind(), Person()) as scene:
        await scene.say("%ask make it")
        await scene.waits()
        refused = [await scene.deliver(signal) for signal in REFUSED]
        before = scene.notes.states[-1]
        stopped = await scene.deliver(ControlSignal(ControlKind.INTERRUPT))
        await scene.rests()

    assert [(one.ending, one.reason) for one in refused] == [(Ending.FAILED, Reason.UNSUPPORTED)] * 4
    assert (before, stopped) == (SessionState.WAITING, Outcome.done())
    assert stand_in.prompts == ["%ask make it"]
