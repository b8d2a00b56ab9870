"""A stand-in for GitHub with a repository, an issue and a pull request; our client; time passes where one waits."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.fakes.github.github import GitHubStandIn
from tests.fakes.github.world import Issue, MovableClock, Repository, User
from tests.rigs.fast_time import StillClock
from webhook_adapter.transports.github.outbound.checks import Checks
from webhook_adapter.transports.github.outbound.client import GitHubClient


@dataclass
class Scene:
    """All of it."""

    github: GitHubStandIn
    clock: StillClock
    client: GitHubClient
    repository: Repository
    issue: Issue
    pull: Issue
    ada: User

    def chat(self, issue: Issue | None = None) -> str:
        return f"{self.repository.id}/{(issue or self.issue).number}"

    def checks(self) -> Checks:
        return Checks(self.client, self.github.app.id, "pointsman", self.clock)

    def anew(self) -> GitHubClient:
        """As after a restart."""
        github = self.github
        return GitHubClient(github.app.id, github.app.pem, github.base_url, clock=self.clock, now=github.clock.now)


@pytest.fixture
def scene() -> Iterator[Scene]:
    clock = StillClock()
    with GitHubStandIn(MovableClock(clock.monotonic, 1_800_000_000.0)) as github:
        world = github.world
        ada, repository = world.add_user("ada"), world.add_repository("acme/engine", private=True)
        repository.roles[ada.id] = "write"
        github.install(repository)
        issue, pull = world.add_issue(repository, "It does not turn"), world.add_pull(repository, "Turn it")
        github.writes(issue, "@pointsman look", ada)
        github.writes(pull, "@pointsman look", ada)
        made = Scene(github, clock, None, repository, issue, pull, ada)  # type: ignore[arg-type]
        made.client = made.anew()
        yield made
        made.client.close()
