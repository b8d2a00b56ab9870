"""The stand-in for GitHub as git sees it: real git clones and pushes, with tokens and without."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.github.github import GitHubStandIn
from tests.fakes.github.world import Issue, Repository, User
from tests.rigs.upstream import Upstream, git


class Scene:
    """A private repository with a pull request, and somebody who may write there."""

    def __init__(self, github: GitHubStandIn, folder: Path) -> None:
        self.github, self.folder = github, folder
        self.upstream = Upstream(folder / "there")
        self.upstream.push("refs/heads/topic", {"a.txt": "a\n"})
        self.repository: Repository = github.world.add_repository("acme/api", private=True)
        self.ada: User = github.world.add_user("ada")
        self.repository.roles[self.ada.id] = "write"
        github.git.keep(self.repository, self.upstream.path)
        github.install(self.repository)
        self.pull: Issue = github.opens(self.repository, "Turn it", self.ada, branch="topic")

    def address(self, token: str = "") -> str:
        return self.github.base_url.replace("://", f"://x:{token}@" if token else "://") + "/acme/api.git"

    def clone(self, token: str = "") -> str:
        """What git complains about; nothing where it does not."""
        return self.git(self.folder, "clone", "-q", self.address(token), "clone")

    def push(self, ref: str) -> str:
        clone = self.folder / "clone"
        git(clone, "checkout", "-q", "topic")
        (clone / "b.txt").write_text("b\n")
        git(clone, "add", "-A")
        git(clone, "commit", "-q", "--allow-empty", "-m", "b")
        return self.git(clone, "push", "-q", "origin", f"HEAD:{ref}")

    def git(self, at: Path, *words: str) -> str:
        environ = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "GIT_TERMINAL_PROMPT": "0"}
        done = subprocess.run(["git", *words], cwd=at, env=environ, capture_output=True, text=True, check=False)
        assert (done.returncode == 0) == (not done.stderr)
        return done.stderr


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with GitHubStandIn() as github:
        yield Scene(github, tmp_path)


def test_whoever_may_write_clones_and_pushes_and_the_pull_request_follows(scene: Scene) -> None:
    token = scene.github.credentials.personal(scene.ada)
    complaints = [scene.clone(token), scene.push("refs/heads/topic")]

    assert complaints == ["", ""]
    assert scene.pull.pull
    [(who, sha)] = scene.github.git.pushes
    assert (who, sha) == ("ada", scene.pull.pull.head_sha)
    assert sha == git(scene.upstream.path, "rev-parse", f"refs/pull/{scene.pull.number}/head")
    scene.github.events.wait_until_sent()
    assert scene.github.events.log[-1].action == "synchronize"
    assert "hidden ref" in scene.push(f"refs/pull/{scene.pull.number}/head")


@pytest.mark.parametrize("token", ["", "ghp_" + "0" * 36])
def test_what_is_private_is_cloned_by_nobody_without_a_good_token(scene: Scene, token: str) -> None:
    assert scene.clone(token)


def test_what_is_public_is_cloned_by_anybody_and_pushed_by_nobody(scene: Scene) -> None:
    scene.repository.private = False
    reader = scene.github.credentials.personal(scene.github.world.add_user("reader"))

    assert scene.clone(reader) == ""
    assert "403" in scene.push("refs/heads/topic")
    git(scene.folder / "clone", "remote", "set-url", "origin", scene.address())
    assert scene.push("refs/heads/topic")
    assert scene.github.git.pushes == []


def test_a_token_of_the_app_reads_as_long_as_it_is_good_and_pushes_where_it_may(scene: Scene) -> None:
    [installation] = scene.github.app.installations.values()
    token = scene.github.credentials.mint(installation, {}, "")["token"]
    cloned, pushed = scene.clone(token), scene.push("refs/heads/topic")
    installation.permissions["contents"] = "write"
    able = scene.github.credentials.mint(installation, {}, "")["token"]
    git(scene.folder / "clone", "remote", "set-url", "origin", scene.address(able))

    assert (cloned, scene.push("refs/heads/topic")) == ("", "")
    assert "403" in pushed
    scene.github.clock.advance(3601)
    assert scene.push("refs/heads/topic")
