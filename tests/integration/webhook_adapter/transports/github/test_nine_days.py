"""A mention, a question on a check, a push, and an answer nine days later: a real router, and both our ways."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.fakes.github.world import CheckRun, Issue
from tests.integration.router.harness import API_KEY
from tests.integration.router.permissions.asking import DAY, ask
from tests.integration.router.test_bindings import begin
from tests.integration.webhook_adapter.transports.github.test_way_in import Scene, scene  # noqa: F401
from tests.rigs.fast_time import FastClock
from tests.waiting import wait_until
from webhook_adapter.config import AdapterConfig
from webhook_adapter.courier.courier import Courier
from webhook_adapter.transports.registry import platforms

OPTIONS = [
    types.PermissionOption(option_id="allow", verdict=types.VERDICT_ALLOW),
    types.PermissionOption(option_id="deny", verdict=types.VERDICT_DENY),
]


@pytest.fixture
def courier(scene: Scene, tmp_path: Path) -> Iterator[Courier]:  # noqa: F811
    scene.github.throttle().spacing = False  # its time is not that of the courier
    settings = {
        "POINTSMAN_API_KEY": API_KEY,
        "POINTSMAN_ROUTER": scene.router.address,
        "POINTSMAN_GITHUB_APP": str(tmp_path / "app.json"),
        "POINTSMAN_GITHUB_API": scene.github.base_url,
    }
    made = Courier(AdapterConfig.from_environ(settings), platforms(), FastClock(1000.0))
    made.start()
    yield made
    made.stop()


def asking(scene: Scene, pull: Issue) -> CheckRun | None:  # noqa: F811
    """The check that the page shows, if it waits for somebody."""
    assert pull.pull
    runs = scene.github.runs(pull.pull.head_sha)
    return next((each for each in runs if each.conclusion == "action_required"), None)


@pytest.mark.usefixtures("courier")
def test_a_question_is_answered_nine_days_later_from_a_check(scene: Scene) -> None:  # noqa: F811
    scene.repository.private = True
    pull = scene.github.opens(scene.repository, "Turn it", scene.mallory)
    scene.says("@pointsman fix it", issue=pull)
    scene.delivered()
    with scene.machine.connected(start_folders=["/src"]) as link:
        session_id = begin(link).session_id
        question = ask(link, session_id, seq=3, expires_in={"seconds": 20 * DAY}, options=OPTIONS)
        wait_until(lambda: asking(scene, pull))
        scene.github.pushes(pull, scene.mallory)
        wait_until(lambda: asking(scene, pull))
    scene.router.advance(9 * DAY)

    run = asking(scene, pull)
    assert run is not None
    scene.github.presses(run, run.actions[-1]["label"], scene.mallory)
    scene.github.presses(run, run.actions[0]["label"], scene.ada)
    assert {*scene.delivered()} == {200}
    told = scene.router.control.ListPermissions(pb.ListPermissionsRequest(permission_id=question)).permissions
    assert [each.state for each in told] == [types.PERMISSION_STATE_ALLOWED]
    with scene.machine.connected(start_folders=["/src"]) as link:
        [decision] = link.commands(1)
    assert decision.action.permission_decision.option_id == "allow"
    wait_until(lambda: asking(scene, pull) is None)
    # What was asked says what became of it; that a session was begun is a mark.
    wait_until(lambda: "Allowed by ada" in scene.github.of(pull)[0].body)
    assert "pm-options" not in scene.github.of(pull)[0].body
    assert not [each for each in scene.github.of(pull) if "Started" in each.body]
