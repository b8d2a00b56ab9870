"""Issues that are closed, opened, moved and deleted: their workspaces and chats follow, by what GitHub says now."""

from collections.abc import Iterator

import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types

from tests.fakes.github.faults import FaultKind
from tests.fakes.github.world import Issue
from tests.integration.router.test_workspaces import tell
from tests.integration.webhook_adapter.transports.github.test_way_in import Scene, scene  # noqa: F401
from tests.rigs.thin_agent import ThinLink, session

ABLE = ["start", "workspaces"]


@pytest.fixture
def link(scene: Scene) -> Iterator[ThinLink]:  # noqa: F811
    """Of the machine, which works in a clone for the scene's issue."""
    scene.bind(folder="")
    with scene.machine.connected(start_folders=["/src"], capabilities=ABLE) as link:
        works(scene, link, scene.issue)
        yield link


def works(scene: Scene, link: ThinLink, issue: Issue) -> None:  # noqa: F811
    scene.says("@pointsman go", issue=issue)
    scene.delivered()
    [frame] = link.commands(1)
    link.receipt(frame.command_id)
    tell(link, 1, "IN_USE", key_of(issue))
    link.frame(session_update=session(frame.session_id, upstream_seq=2, label="api#1", backend="headless"))
    link.result(3, frame.command_id)
    link.acked(3)


def key_of(issue: Issue) -> str:
    return f"github:{issue.repository.id}#{issue.number}"


def state(scene: Scene) -> str:  # noqa: F811
    [known] = scene.router.control.ListWorkspaces(pb.ListWorkspacesRequest(include_gone=True)).workspaces
    return types.WorkspaceState.Name(known.state).removeprefix("WORKSPACE_STATE_")


def told(scene: Scene) -> list[str]:  # noqa: F811
    """What those hear who hear of all sessions, of none in particular."""
    found = scene.router.control.ListNotifications(pb.ListNotificationsRequest()).notifications
    return [each.text for each in found if each.chat.transport == "test" and not each.session_id]


@pytest.mark.usefixtures("link")
def test_a_workspace_is_to_close_with_its_issue_and_is_not_when_that_is_open_again(scene: Scene) -> None:  # noqa: F811
    scene.github.closes(scene.issue, scene.mallory)
    scene.delivered()
    closed = state(scene)
    scene.github.reopens(scene.issue, scene.mallory)
    scene.delivered()

    assert (closed, state(scene)) == ("CLOSING", "IN_USE")


@pytest.mark.usefixtures("link")
def test_a_delivery_that_is_old_by_now_closes_nothing(scene: Scene) -> None:  # noqa: F811
    scene.github.closes(scene.issue, scene.mallory)
    scene.github.reopens(scene.issue, scene.mallory)
    scene.github.events.wait_until_sent()
    closing, reopening = scene.github.events.log[-2:]
    statuses = [scene.post(each.body, each.headers).status_code for each in (reopening, closing)]

    assert (statuses, state(scene)) == ([200, 200], "IN_USE")


@pytest.mark.parametrize("kind", [FaultKind.PAGE, FaultKind.CUT_BEFORE])
@pytest.mark.usefixtures("link")
def test_what_github_does_not_say_changes_nothing(scene: Scene, kind: FaultKind) -> None:  # noqa: F811
    scene.github.closes(scene.issue, scene.mallory)
    scene.github.fails(kind, "GET", ".*/issues/1")

    assert (scene.delivered(), state(scene)) == ([200], "IN_USE")


@pytest.mark.usefixtures("link")
def test_of_an_issue_without_a_workspace_github_is_not_asked(scene: Scene) -> None:  # noqa: F811
    other = scene.github.world.add_issue(scene.repository, "another", by=scene.mallory)
    scene.github.closes(other, scene.mallory)

    assert scene.delivered() == [200]
    assert scene.github.calls("GET", f".*/issues/{other.number}") == []


@pytest.mark.usefixtures("link")
def test_one_that_is_deleted_is_over_and_its_people_hear_of_it(scene: Scene) -> None:  # noqa: F811
    with scene.router.courier("test", "7"):
        scene.github.deletes(scene.issue, scene.mallory)
        scene.delivered(times=2)

        assert state(scene) == "CLOSING"
        assert len(told(scene)) == 1
        assert "the issue was deleted" in told(scene)[0]


@pytest.mark.usefixtures("link")
def test_that_issues_were_turned_off_is_no_proof_that_one_is_over(scene: Scene) -> None:  # noqa: F811
    scene.github.closes(scene.issue, scene.mallory)
    words = "Issues are disabled for this repo"
    scene.github.fails(FaultKind.REFUSE, "GET", ".*/issues/1", status=410, message=words)

    assert (scene.delivered(), state(scene)) == ([200], "IN_USE")


@pytest.mark.usefixtures("link")
def test_one_that_is_transferred_keeps_its_session_where_a_machine_works_for_it(scene: Scene) -> None:  # noqa: F811
    web = scene.github.world.add_repository("acme/web")
    web.roles[scene.ada.id] = "write"
    scene.github.install(web)
    first, scene.repository = scene.repository, web
    scene.bind(folder="")
    scene.repository = first
    moved = scene.github.transfers(scene.issue, web, scene.ada)
    scene.says("@pointsman and the docs", issue=moved)
    scene.delivered()

    [known] = scene.router.control.ListSessions(pb.ListSessionsRequest()).sessions
    assert [chat.chat_id for chat in known.home] == [f"{web.id}/{moved.number}"]
    assert [each.partition("\n")[0] for each in scene.prompts()] == ["go", "and the docs"]
    assert state(scene) == "IN_USE"  # it is not over: it is elsewhere


@pytest.mark.usefixtures("link")
def test_one_that_is_transferred_elsewhere_is_told_of(scene: Scene) -> None:  # noqa: F811
    private = scene.github.world.add_repository("mallory/own")
    with scene.router.courier("test", "7"):
        scene.github.transfers(scene.issue, private, scene.mallory)
        scene.delivered()

        assert "transferred to a repository that no machine works for" in told(scene)[0]
    assert state(scene) == "IN_USE"


@pytest.mark.parametrize("suspended", [False, True])
@pytest.mark.usefixtures("link")
def test_an_app_that_is_taken_out_loses_no_workspace_and_is_told_of(scene: Scene, suspended: bool) -> None:  # noqa: F811
    with scene.router.courier("test", "7"):
        scene.github.takes_out(scene.repository, suspended=suspended)
        scene.github.closes(scene.issue, scene.mallory)

        assert set(scene.delivered(times=2)) == {200}
        assert len(told(scene)) == 1
        assert "acme/api" in told(scene)[0]
    assert state(scene) == "IN_USE"


@pytest.mark.usefixtures("link")
def test_an_app_that_is_still_there_is_told_of_to_nobody(scene: Scene) -> None:  # noqa: F811
    """An old delivery, of before it was installed anew."""
    with scene.router.courier("test", "7"):
        scene.github.takes_out(scene.repository)
        scene.github.install(scene.repository)

        assert set(scene.delivered()) == {200}
        assert told(scene) == []


def test_a_loop_is_told_of_once_and_not_there(scene: Scene) -> None:  # noqa: F811
    with scene.router.courier("test", "7"):
        for number in range(40):
            scene.says(f"@pointsman again {number}")
        scene.delivered()
        loops = [each for each in told(scene) if "answer each other" in each]

        assert len(loops) == 1
        assert "acme/api#1" in loops[0]
        found = scene.router.control.ListNotifications(pb.ListNotificationsRequest(limit=1000)).notifications
        assert [
            each.text for each in found if each.chat.transport == "github" and "answer each other" in each.text
        ] == []
