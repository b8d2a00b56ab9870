"""What a model would hand over on a pull request is a button of its check, too: from the question to the start."""

from collections.abc import Callable, Iterator

import pytest

from tests.fakes.github.world import CheckRun, Issue
from tests.integration.router.test_binding_proposals import BOTH
from tests.integration.webhook_adapter.transports.github.test_nine_days import asking, courier
from tests.integration.webhook_adapter.transports.github.test_way_in import Scene, scene
from tests.rigs.proposals import PROMPT, begun, starts, tells
from tests.rigs.thin_agent import ThinLink
from tests.waiting import wait_until
from webhook_adapter.courier.courier import Courier

__all__ = ["courier", "scene"]  # the fixtures

ABLE = BOTH | {"capabilities": ["text", "quick", "start", "workspaces"]}
Way = Callable[[Scene, Issue, CheckRun], object]


def by_check(scene: Scene, _: Issue, run: CheckRun) -> None:
    scene.github.presses(run, "▶️ Start it", scene.ada)


def by_number(scene: Scene, pull: Issue, _: CheckRun) -> None:
    scene.github.clock.advance(10)
    scene.says("@pointsman 1", issue=pull)


@pytest.fixture
def pull(scene: Scene) -> Issue:
    scene.bind(folder="")
    return scene.github.opens(scene.repository, "Turn it", scene.mallory)


@pytest.fixture
def link(scene: Scene, courier: Courier) -> Iterator[ThinLink]:
    assert courier
    with scene.machine.connected(**ABLE) as link:
        yield link


def offered(scene: Scene, pull: Issue, link: ThinLink, session_id: str = "", seq: int = 3) -> tuple[str, CheckRun]:
    """The session that was asked, and the check in which it offers something."""
    scene.says("@pointsman ask how do I fix the tests?", issue=pull)
    scene.delivered()
    session_id = session_id or begun(link)
    tells(link, session_id, seq, seq, prompt=PROMPT)
    return session_id, wait_until(lambda: asking(scene, pull))


def over(scene: Scene, pull: Issue) -> CheckRun:
    wait_until(lambda: asking(scene, pull) is None)
    assert pull.pull
    wait_until(lambda: not any("pm-options" in each.body for each in scene.github.of(pull)))
    return next(each for each in scene.github.runs(pull.pull.head_sha) if each.conclusion == "neutral")


@pytest.mark.parametrize(("first", "second"), [(by_check, by_number), (by_number, by_check)])
def test_whichever_comes_first_begins_it_in_the_place_of_that_pull_request(
    scene: Scene, pull: Issue, link: ThinLink, first: Way, second: Way
) -> None:
    _, run = offered(scene, pull, link)
    shown = run.output["title"], run.output["summary"]
    scene.github.presses(run, "▶️ Start it", scene.mallory)
    scene.delivered()
    assert starts(scene.router.control) == []

    first(scene, pull, run)
    second(scene, pull, run)
    assert {*scene.delivered(2)} == {200}
    [frame] = link.commands(1)
    wanted = frame.action.start_session

    assert shown[0] == "Would hand over work: comment `@pointsman 1`"
    assert PROMPT in shown[1].replace("\\", "")
    assert wanted.prompt.startswith(f"{PROMPT}\n\n(ada asks this in acme/api#{pull.number} on GitHub.")
    assert (wanted.workspace.key, wanted.workspace.ref) == (
        f"github:{scene.repository.id}#{pull.number}", f"refs/pull/{pull.number}/head",
    )  # fmt: skip
    assert len(starts(scene.router.control)) == 1
    assert over(scene, pull).actions == []


def test_after_a_day_nothing_can_be_pressed(scene: Scene, pull: Issue, link: ThinLink) -> None:
    offered(scene, pull, link)
    scene.router.advance(24 * 3600 + 1)

    assert "its day is over" in over(scene, pull).output["summary"]
    assert starts(scene.router.control) == []
