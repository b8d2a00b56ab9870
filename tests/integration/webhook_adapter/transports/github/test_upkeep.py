"""GitHub is asked again and again whether what workspaces are for is over, and what it does not say is not said."""

import threading
from dataclasses import dataclass, field

import pytest

from pointsman.client.bindings import Binding
from pointsman.client.errors import RouterError
from pointsman.client.records import Session
from pointsman.client.workspaces import Workspace, WorkspaceState
from tests.fakes.github.faults import FaultKind
from tests.integration.webhook_adapter.transports.github.conftest import Scene
from tests.rigs.console_workspaces import a_workspace
from webhook_adapter.transports.github.inbound.upkeep import CLOSING_S, MOST, OPEN_S, Upkeep
from webhook_adapter.transports.github.inbound.workspaces import is_over

S = WorkspaceState


@dataclass
class Router:
    """What workspaces it knows, and what it is told of them."""

    known: list[Workspace] = field(default_factory=list)
    said: list[tuple[str, bool]] = field(default_factory=list)
    error: RouterError | None = None

    def bindings(self, transport: str = "") -> list[Binding]:
        raise NotImplementedError(transport)

    def sessions(self, *, include_ended: bool) -> list[Session]:
        raise NotImplementedError(include_ended)

    def workspaces(self) -> list[Workspace]:
        if self.error:
            raise self.error
        return self.known

    def say_workspace_over(self, key: str, *, over: bool) -> Workspace:
        self.said.append((key, over))
        return self.known[0]


@dataclass
class Looking:
    """The scene's issue and pull request have workspaces."""

    scene: Scene
    router: Router
    upkeep: Upkeep
    issue: str
    pull: str

    def stands(self, issue: WorkspaceState = S.READY, pull: WorkspaceState = S.READY) -> None:
        ref = f"refs/pull/{self.scene.pull.number}/head"
        self.router.known = [a_workspace(self.issue, issue, ref=""), a_workspace(self.pull, pull, ref=ref)]

    def later(self, seconds: float) -> None:
        self.scene.clock.wait(threading.Condition(), seconds)


@pytest.fixture
def looking(scene: Scene) -> Looking:
    router = Router()
    keys = [f"github:{scene.repository.id}#{each.number}" for each in (scene.issue, scene.pull)]
    made = Looking(scene, router, Upkeep(scene.client, lambda: router, scene.clock), *keys)
    made.stands()
    return made


def test_what_was_closed_while_nobody_heard_of_it_is_said_to_be_over(looking: Looking) -> None:
    looking.scene.github.closes(looking.scene.pull, looking.scene.ada, merged=True)

    assert looking.upkeep.look() == 2
    assert looking.router.said == [(looking.pull, True)]


def test_what_is_to_close_is_asked_about_within_the_hour_for_which_a_word_is_good(looking: Looking) -> None:
    looking.stands(S.CLOSING, S.READY)
    looking.scene.github.closes(looking.scene.issue, looking.scene.ada)
    looking.upkeep.look()
    looking.later(CLOSING_S - 1)
    early = looking.upkeep.look()
    looking.later(1)

    assert (early, looking.upkeep.look()) == (0, 1)
    assert looking.router.said == [(looking.issue, True)] * 2
    assert CLOSING_S * 2 < 3600.0


def test_what_is_open_again_is_said_to_be(looking: Looking) -> None:
    looking.stands(S.CLOSING, S.CLOSING)
    looking.upkeep.look()

    assert looking.router.said == [(looking.issue, False), (looking.pull, False)]


def test_what_is_open_is_asked_about_now_and_then_and_nothing_is_said(looking: Looking) -> None:
    looking.upkeep.look()
    looking.later(OPEN_S - 1)
    early = looking.upkeep.look()
    looking.later(1)

    assert (early, looking.upkeep.look(), looking.router.said) == (0, 2, [])


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (FaultKind.PAGE, {}),
        (FaultKind.CUT_BEFORE, {}),
        (FaultKind.REFUSE, {"status": 404, "message": "Not Found"}),
        (FaultKind.REFUSE, {"status": 403, "message": "Resource not accessible by integration"}),
        (FaultKind.REFUSE, {"status": 410, "message": "Issues are disabled for this repo"}),
        (FaultKind.REFUSE, {"status": 429, "message": "You have exceeded a secondary rate limit"}),
    ],
    ids=str,
)
def test_what_github_does_not_say_is_no_yes(looking: Looking, kind: FaultKind, more: dict[str, object]) -> None:
    scene = looking.scene
    scene.github.closes(scene.issue, scene.ada)
    scene.github.fails(kind, "GET", f".*/issues/{scene.issue.number}", times=1000, **more)

    assert is_over(scene.client, looking.issue, "") is None


def test_one_that_went_elsewhere_is_not_known_to_be_over(looking: Looking) -> None:
    scene = looking.scene
    other = scene.github.world.add_repository("acme/web")
    scene.github.install(other)
    moved = scene.github.transfers(scene.issue, other, scene.ada)
    scene.github.closes(moved, scene.ada)

    assert is_over(scene.client, looking.issue, "") is None


def test_one_whose_repository_was_renamed_meanwhile_is_asked_about_all_the_same(looking: Looking) -> None:
    scene = looking.scene
    before = is_over(scene.client, looking.pull, f"refs/pull/{scene.pull.number}/head")  # the old name is known by now
    scene.github.rename(scene.repository, "motor")
    scene.github.closes(scene.pull, scene.ada)

    assert (before, is_over(scene.client, looking.pull, f"refs/pull/{scene.pull.number}/head")) == (False, True)


def test_of_a_repository_out_of_reach_nothing_is_said_until_it_is_there_again(looking: Looking) -> None:
    scene = looking.scene
    scene.github.takes_out(scene.repository)
    scene.github.closes(scene.issue, scene.ada)
    looking.upkeep.look()
    away = list(looking.router.said)
    scene.github.install(scene.repository)
    looking.later(CLOSING_S)
    looking.upkeep.look()

    assert (away, looking.router.said) == ([], [(looking.issue, True)])


def test_one_that_was_deleted_is_over(looking: Looking) -> None:
    looking.scene.github.deletes(looking.scene.issue, looking.scene.ada)

    assert is_over(looking.scene.client, looking.issue, "") is True


@pytest.mark.parametrize("key", ["acme/api#1", "github:acme/api#1", "github:1#0", "github:0#1", "github:1#1/x"])
def test_what_is_not_by_number_is_not_asked_about(scene: Scene, key: str) -> None:
    before = len(scene.github.calls())

    assert is_over(scene.client, key, "") is None
    assert len(scene.github.calls()) == before


def test_what_is_over_already_is_not_asked_about(looking: Looking) -> None:
    looking.stands(S.ARCHIVED, S.GONE)

    assert looking.upkeep.look() == 0


def test_a_router_that_is_away_is_asked_the_next_time(looking: Looking) -> None:
    looking.router.error = RouterError("UNAVAILABLE", "away")
    away = looking.upkeep.look()
    looking.router.error = None

    assert (away, looking.upkeep.look()) == (0, 2)


def test_many_are_asked_about_some_at_a_time(looking: Looking) -> None:
    looking.router.known = [a_workspace(f"github:{looking.scene.repository.id}#{n}") for n in range(1, MOST + 11)]

    assert [looking.upkeep.look() for _ in range(3)] == [MOST, 10, 0]
    assert looking.scene.github.violations == []
