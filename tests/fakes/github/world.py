"""What stands on the stand-in for GitHub: users, repositories, issues, comments, check runs, and the time there.

All of it changes under one lock. What GitHub would frown upon, or what no honest bot does, is a violation: the stand-in
goes on, and the test that drives it looks at the end.
"""

import hashlib
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]

ROLES = {"admin": "admin", "maintain": "write", "write": "write", "triage": "read", "read": "read", "none": "none"}


class MovableClock:
    """The time of day at GitHub; `steady` is whose seconds it counts, and a test moves it on."""

    def __init__(self, steady: Callable[[], float] = time.monotonic, begin: float | None = None) -> None:
        self._steady = steady
        self._begin = (time.time() if begin is None else begin) - steady()

    def now(self) -> float:
        """Seconds since 1970."""
        return self._begin + self._steady()

    def advance(self, seconds: float) -> None:
        self._begin += seconds


def stamp(seconds: float) -> str:
    """A time as GitHub writes it."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class ApiError(Exception):
    """An answer that is none: GitHub's status, its words, and headers."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None, **more: Any) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers or {}
        self.body: Json = {"message": message, "documentation_url": "https://docs.github.com/rest", **more}


NOT_FOUND = "Not Found"
NOT_BY_INTEGRATION = "Resource not accessible by integration"


@dataclass(frozen=True, slots=True)
class User:
    id: int
    login: str
    type: str = "User"


@dataclass(slots=True)
class Commit:
    sha: str
    fork: bool = False


@dataclass(slots=True)
class Repository:
    id: int
    owner: User
    name: str
    private: bool = False
    roles: dict[int, str] = field(default_factory=dict)  # role names by user
    commits: dict[str, Commit] = field(default_factory=dict)
    former_names: dict[str, int] = field(default_factory=dict)  # full name -> the status that sends on
    issues: dict[int, "Issue"] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        return f"{self.owner.login}/{self.name}"

    def permission(self, user: User) -> tuple[str, str]:
        """What somebody may, and how the role is called: anybody reads what is public."""
        role = self.roles.get(user.id, "none" if self.private else "read")
        return ROLES.get(role, "write"), role


@dataclass(slots=True)
class Pull:
    head_ref: str
    head_sha: str
    base_sha: str
    fork: bool = False
    head_repository_gone: bool = False
    merged: bool = False
    draft: bool = False
    commits: list[str] = field(default_factory=list)  # before the head


@dataclass(slots=True)
class Issue:
    id: int
    repository: Repository
    number: int
    title: str
    body: str
    user: User | None
    state: str = "open"
    locked: bool = False
    deleted: bool = False
    transferred_to: str = ""
    pull: Pull | None = None


@dataclass(slots=True)
class Comment:
    """An issue comment (`ic`) or a review comment (`rc`): their ids overlap, as GitHub's do."""

    kind: str
    id: int
    issue: Issue
    body: str
    user: User | None
    created_at: float
    updated_at: float
    app_id: int = 0
    in_reply_to: int = 0
    reactions: list[tuple[int, int, str]] = field(default_factory=list)  # id, user, content
    edits: list[tuple[float, str]] = field(default_factory=list)
    written: str = field(init=False)  # before it was changed

    def __post_init__(self) -> None:
        self.written = self.body

    @property
    def key(self) -> str:
        return f"{self.kind}{self.id}"


@dataclass(slots=True)
class CheckRun:
    id: int
    repository: Repository
    app_id: int
    name: str
    head_sha: str
    created_at: float
    status: str = "queued"
    conclusion: str | None = None
    external_id: str = ""
    details_url: str = ""
    output: Json = field(default_factory=dict)
    actions: list[Json] = field(default_factory=list)
    completed_at: float = 0.0
    history: list[Json] = field(default_factory=list)


class World:
    """Everything, under one lock."""

    def __init__(self, clock: MovableClock) -> None:
        self.clock = clock
        self.changed = threading.Condition(threading.RLock())  # guards all below
        self.users: dict[str, User] = {}
        self.repositories: dict[int, Repository] = {}
        self.comments: dict[str, Comment] = {}
        self.deleted_comments: list[Comment] = []
        self.checks: dict[int, CheckRun] = {}
        self.violations: list[str] = []
        self._ids = itertools.count(1000)

    def new_id(self) -> int:
        return next(self._ids)

    def violation(self, words: str) -> None:
        with self.changed:
            self.violations.append(words)

    def add_user(self, login: str, kind: str = "User", user_id: int = 0) -> User:
        user = User(user_id or self.new_id(), login, kind)
        self.users[login.lower()] = user
        return user

    def add_repository(self, full_name: str, *, private: bool = False, organization: bool = False) -> Repository:
        owner_name, name = full_name.split("/")
        owner = self.users.get(owner_name.lower()) or self.add_user(
            owner_name, "Organization" if organization else "User"
        )
        repository = Repository(self.new_id(), owner, name, private, {owner.id: "admin"})
        self.repositories[repository.id] = repository
        self.add_commit(repository, "main")
        return repository

    def add_commit(self, repository: Repository, what: str, *, fork: bool = False) -> str:
        made = f"{repository.id} {what} {self.new_id()}"
        sha = hashlib.sha1(made.encode(), usedforsecurity=False).hexdigest()
        repository.commits[sha] = Commit(sha, fork)
        return sha

    def add_issue(
        self, repository: Repository, title: str, body: str = "", *, by: User | None = None, pull: Pull | None = None
    ) -> Issue:
        number = max(repository.issues, default=0) + 1
        issue = Issue(self.new_id(), repository, number, title, body, by or repository.owner, pull=pull)
        repository.issues[number] = issue
        return issue

    def add_pull(self, repository: Repository, title: str, *, by: User | None = None, fork: bool = False) -> Issue:
        sha, base = self.add_commit(repository, title, fork=fork), next(iter(repository.commits))
        return self.add_issue(repository, title, by=by, pull=Pull(f"topic-{sha[:7]}", sha, base, fork))

    def add_comment(
        self, issue: Issue, body: str, user: User | None, *, kind: str = "ic", app_id: int = 0, reply_to: int = 0
    ) -> Comment:
        now = self.clock.now()
        comment = Comment(kind, self.new_id(), issue, body, user, now, now, app_id, reply_to)
        self.comments[comment.key] = comment
        return comment

    def of_name(self, full_name: str) -> Repository | None:
        """The repository that is called so now."""
        found = (each for each in self.repositories.values() if each.full_name.lower() == full_name.lower())
        return next(found, None)
