"""PyGithub, pointed at the stand-in for GitHub, is served as by the real one.

So what our tests believe of GitHub is what a library believes that many bots use.
"""

from collections.abc import Iterator

import pytest

from tests.fakes.github.github import GitHubStandIn
from tests.fakes.github.world import Issue

# An environment that was made before it was wanted has none.
github = pytest.importorskip("github", reason="PyGithub is not installed: make test")


@pytest.fixture
def stand_in() -> Iterator[GitHubStandIn]:
    with GitHubStandIn() as made:
        ada, repository = made.world.add_user("ada"), made.world.add_repository("acme/engine", organization=True)
        repository.roles[ada.id] = "maintain"
        made.install(repository)
        made.world.add_pull(repository, "Turn it", by=ada)
        made.throttle().spacing = False
        yield made


@pytest.fixture
def pull(stand_in: GitHubStandIn) -> Issue:
    [repository] = stand_in.world.repositories.values()
    return repository.issues[1]


@pytest.fixture
def repository(stand_in: GitHubStandIn) -> "Iterator[github.Repository.Repository]":
    """As an App with its key sees it."""
    auth = github.Auth.AppAuth(stand_in.app.id, stand_in.app.pem)
    at_once = {"seconds_between_requests": None, "seconds_between_writes": None, "retry": None}
    app = github.GithubIntegration(auth=auth, base_url=stand_in.base_url, **at_once)
    with app.get_github_for_installation(app.get_repo_installation("acme", "engine").id) as session:
        yield session.get_repo("acme/engine")
    app.close()


def test_comments_and_reactions(repository: "github.Repository.Repository") -> None:
    issue = repository.get_issue(1)
    made = issue.create_comment("hello")
    made.edit("changed")
    made.create_reaction("eyes")

    assert [(each.body, each.user.login, each.user.type) for each in issue.get_comments()] == [
        ("changed", "pointsman[bot]", "Bot")
    ]
    assert [each.content for each in made.get_reactions()] == ["eyes"]
    made.delete()
    assert list(issue.get_comments()) == []


def test_review_threads(stand_in: GitHubStandIn, pull: Issue, repository: "github.Repository.Repository") -> None:
    root = stand_in.writes(pull, "why?", stand_in.world.users["ada"], kind="rc")
    reply = repository.get_pull(1).create_review_comment_reply(root.id, "because")

    assert reply.in_reply_to_id == root.id


def test_checks(stand_in: GitHubStandIn, pull: Issue, repository: "github.Repository.Repository") -> None:
    assert pull.pull
    action = {"label": "Allow", "description": "Go on", "identifier": "allow"}
    run = repository.create_check_run(
        "pointsman",
        pull.pull.head_sha,
        conclusion="action_required",
        output={"title": "Waits", "summary": "for you"},
        actions=[action],
    )
    asked = (run.status, run.conclusion)
    run.edit(conclusion="success")

    assert (asked, repository.get_check_run(run.id).conclusion) == (("completed", "action_required"), "success")
    assert stand_in.runs()[0].actions == [action]


def test_what_somebody_may_and_what_is_open(repository: "github.Repository.Repository") -> None:
    assert (repository.get_collaborator_permission("ada"), repository.get_collaborator_role_name("ada")) == (
        "write",
        "maintain",
    )
    assert [each.number for each in repository.get_pulls()] == [1]


def test_refusals(stand_in: GitHubStandIn, repository: "github.Repository.Repository") -> None:
    with pytest.raises(github.UnknownObjectException):
        repository.get_issue(404)
    with pytest.raises(github.GithubException) as refused:
        repository.get_issue(1).create_comment("x" * 70_000)
    assert refused.value.status == 422
    stand_in.throttle().hold(60)
    with pytest.raises(github.RateLimitExceededException):
        repository.create_check_run("x", "0" * 40)
