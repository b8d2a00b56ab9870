"""GitHub as a run needs it, twice: our own stand-in, and the one that others wrote with real git beside it.

What the second cannot do it says in `lacks`; that it cannot is tried in tests/integration/webhook_adapter/transports/
github/test_emulator.py.
"""

import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.fakes.github.github import GitHubStandIn
from tests.fakes.github.world import Comment, Issue, Repository, User
from tests.fakes.github_emulator import GitHubEmulator
from tests.rigs.upstream import Upstream

SECRET = "It is a secret to nobody else"
_BOT = "pointsman[bot]"
_MARK = re.compile(r"<!-- pm:([^ ]+) -->")


@dataclass(frozen=True, slots=True)
class Check:
    """One of a pull request's newest commit, as its page shows it."""

    status: str
    conclusion: str | None
    labels: tuple[str, ...]  # of its buttons
    words: str
    stood: tuple[str, ...]  # its statuses until now, where they are known


class GitHub(Protocol):
    """What people see and do there. A pull request is its number."""

    lacks: frozenset[str]
    api: str
    app: dict[str, Any]  # what it gave the App
    now: Callable[[], float]
    repository_id: int
    full_name: str
    git: "Git"

    def passes(self, seconds: float) -> None:
        """It is later, where it has a clock that can be moved."""

    def opens(self, branch: str, title: str) -> int: ...
    def mentions(self, pull: int, words: str) -> None: ...
    def says(self, pull: int, words: str) -> None: ...
    def presses(self, pull: int, label: str) -> None: ...
    def merges(self, pull: int) -> None: ...
    def head(self, pull: int) -> str: ...
    def checks(self, pull: int) -> list[Check]: ...

    def comments(self, pull: int) -> list[str]:
        """Those of ours."""

    def marks(self, pull: int, /) -> list[str]:
        """The reactions to the first comment that is not ours."""

    def judge(self) -> list[str]:
        """What was done wrong, as far as it can tell."""


class Git:
    """A repository that real git is behind, served by our stand-in, which checks tokens; ada may write there."""

    def __init__(self, stack: ExitStack, folder: Path, full_name: str) -> None:
        self.host = stack.enter_context(GitHubStandIn(secret=SECRET))
        self.ada: User = self.host.world.add_user("ada")
        self.repository: Repository = self.host.world.add_repository(full_name, private=True)
        self.repository.roles.setdefault(self.ada.id, "write")
        self.upstream = Upstream(folder / "elsewhere")
        self.host.git.keep(self.repository, self.upstream.path)

    def opens(self, branch: str, title: str) -> Issue:
        """Somebody pushed a branch, and makes a pull request of it."""
        self.upstream.push(f"refs/heads/{branch}", {f"{branch}.txt": "a beginning\n"})
        self.host.git.keep(self.repository, self.upstream.path)  # which it has seen
        return self.host.opens(self.repository, title, self.ada, branch=branch)

    @property
    def pushes(self) -> list[tuple[str, str]]:
        """By whom, and which commit."""
        return self.host.git.pushes


class OurGitHub:
    """The stand-in, which checks what GitHub does."""

    lacks = frozenset[str]()

    def __init__(self, stack: ExitStack, folder: Path, hook_url: str) -> None:
        self.git = Git(stack, folder, "acme/api")
        self._github = self.git.host
        self.api, self.now = self._github.base_url, self._github.clock.now
        app = self._github.app
        self.app = {"app_id": app.id, "slug": app.slug, "private_key": app.pem}
        self.repository_id, self.full_name = self.git.repository.id, self.git.repository.full_name
        self._github.install(self.git.repository)
        self._github.throttle().spacing = False  # its time is not the courier's
        self._github.events.wait_until_sent()  # to nobody yet
        app.hook_url = hook_url

    def passes(self, seconds: float) -> None:
        self._github.clock.advance(seconds)

    def opens(self, branch: str, title: str) -> int:
        return self.git.opens(branch, title).number

    def says(self, pull: int, words: str) -> None:
        self._github.writes(self._issue(pull), words, self.git.ada)

    mentions = says

    def presses(self, pull: int, label: str) -> None:
        run = next(each for each in self._github.runs(self.head(pull)) if each.conclusion == "action_required")
        self._github.presses(run, label, self.git.ada)

    def merges(self, pull: int) -> None:
        self._github.closes(self._issue(pull), self.git.ada, merged=True)

    def head(self, pull: int) -> str:
        return self._issue(pull).pull.head_sha  # type: ignore[union-attr]

    def checks(self, pull: int) -> list[Check]:
        return [
            Check(
                each.status,
                each.conclusion,
                tuple(one["label"] for one in each.actions),
                str(each.output),
                tuple(one["status"] for one in each.history),
            )
            for each in self._github.runs(self.head(pull))
        ]

    def comments(self, pull: int) -> list[str]:
        return [each.body for each in self._github.of(self._issue(pull))]

    def marks(self, pull: int) -> list[str]:
        first: Comment = self._github.of(self._issue(pull), ours=False)[0]
        return [content for _, _, content in first.reactions]

    def judge(self) -> list[str]:
        return self._github.judge()

    def _issue(self, pull: int) -> Issue:
        return self.git.repository.issues[pull]


class OthersGitHub:
    """The emulator. What git does is done at our stand-in's, and what it must know of that it is told."""

    lacks = frozenset({"history", "buttons", "reactions", "pushes"})

    def __init__(self, stack: ExitStack, folder: Path, hook_url: str) -> None:
        self.git = Git(stack, folder, GitHubEmulator.repository)
        key = self.git.host.app.pem
        self._github = GitHubEmulator(folder, key, hook_url, SECRET, private=True)
        stack.callback(self._github.stop)
        self.api, self.now = self._github.url, time.time
        self.app = {"app_id": self._github.app_id, "slug": self._github.slug, "private_key": key}
        self.full_name, self._repo = self._github.repository, f"/repos/{self._github.repository}"
        self.repository_id = int(self._github.as_ada("GET", self._repo)["id"])

    def passes(self, seconds: float) -> None:
        """Its time is the day's."""

    def opens(self, branch: str, title: str) -> int:
        self._github.keeps(self.git.upstream.path, "main")
        there = self.git.opens(branch, title).number
        self._github.keeps(self.git.upstream.path, branch)
        made = self._github.as_ada("POST", f"{self._repo}/pulls", title=title, head=branch, base="main")
        # git serves it as the ref of that number.
        assert made["number"] == there
        return there

    def mentions(self, pull: int, words: str) -> None:
        """In a review: of a comment it does not say that it belongs to a pull request."""
        self._github.as_ada("POST", f"{self._repo}/pulls/{pull}/reviews", body=words, event="COMMENT")

    def says(self, pull: int, words: str) -> None:
        self._github.as_ada("POST", f"{self._repo}/issues/{pull}/comments", body=words)

    def presses(self, pull: int, label: str) -> None:
        raise NotImplementedError("it has no buttons")

    def merges(self, pull: int) -> None:
        self._github.as_ada("PUT", f"{self._repo}/pulls/{pull}/merge", merge_method="merge")

    def head(self, pull: int) -> str:
        return str(self._github.as_ada("GET", f"{self._repo}/pulls/{pull}")["head"]["sha"])

    def checks(self, pull: int) -> list[Check]:
        told = self._github.as_ada("GET", f"{self._repo}/commits/{self.head(pull)}/check-runs?filter=all")
        return [Check(each["status"], each["conclusion"], (), str(each["output"]), ()) for each in told["check_runs"]]

    def comments(self, pull: int) -> list[str]:
        told = self._github.as_ada("GET", f"{self._repo}/issues/{pull}/comments?per_page=100")
        return [each["body"] for each in told if each["user"]["login"] == _BOT]

    def marks(self, _pull: int) -> list[str]:
        return []

    def judge(self) -> list[str]:
        """It refuses little, and tells nobody: that nothing was written twice is seen on the page."""
        found = [mark for body in self.comments(1) for mark in _MARK.findall(body)]
        return [f"posted twice: {mark}" for mark in sorted({each for each in found if found.count(each) > 1})]


WHOSE: dict[str, Callable[[ExitStack, Path, str], GitHub]] = {"ours": OurGitHub, "others": OthersGitHub}
"""Each begins in a folder, and delivers to a URL. That of others skips the test where it is not installed."""
