"""Repositories that real git is behind, served over HTTP as GitHub does: whoever clones or pushes shows a token."""

import base64
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.github.credentials import Credentials, Token
from tests.fakes.github.events import Events
from tests.fakes.github.world import ApiError, Commit, Issue, Repository, User, World

_PATH = re.compile(r"/([^/]+/[^/]+)\.git(/info/refs|/git-upload-pack|/git-receive-pack)")
_PUSH = "git-receive-pack"
_PLAIN = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_HTTP_EXPORT_ALL": "1"}
_AGAIN = {"WWW-Authenticate": 'Basic realm="GitHub"', "Content-Type": "text/plain"}


@dataclass(frozen=True, slots=True)
class GitCall:
    """One request of a git, as it came."""

    method: str
    path: str
    query: str
    headers: dict[str, str]  # their names in lower case
    body: bytes


@dataclass(frozen=True, slots=True)
class GitAnswer:
    status: int
    headers: dict[str, str]
    content: bytes


class GitHost:
    """The bare repositories, who may do what there, and what a push means for pull requests."""

    def __init__(self, world: World, credentials: Credentials, events: Events) -> None:
        self._world, self._credentials, self._events = world, credentials, events
        self._folders: dict[int, Path] = {}
        self.pushes: list[tuple[str, str]] = []  # by whom, and which commit; guarded by the world's lock

    def keep(self, repository: Repository, folder: Path) -> None:
        """That bare repository is what is cloned as this one from now on."""
        self._folders[repository.id] = folder
        _git(folder, "config", "receive.hideRefs", "refs/pull")  # GitHub's own, as nobody may push there
        self._known(repository)

    def head(self, repository: Repository, branch: str) -> str:
        """The commit of a branch."""
        return _git(self._folders[repository.id], "rev-parse", "--verify", f"refs/heads/{branch}")

    def show(self, issue: Issue) -> None:
        """The pull request is there as a ref, too."""
        assert issue.pull
        folder = self._folders[issue.repository.id]
        _git(folder, "update-ref", f"refs/pull/{issue.number}/head", issue.pull.head_sha)

    def is_meant(self, path: str) -> bool:
        """Whether it is a git that asks for this."""
        return _PATH.fullmatch(path) is not None

    def answer(self, call: GitCall) -> GitAnswer:
        """As a server of GitHub's."""
        match = _PATH.fullmatch(call.path)
        assert match
        pushes = _PUSH in (call.query.removeprefix("service="), match[2].lstrip("/"))
        try:
            repository, who = self._let_in(match[1], call.headers.get("authorization", ""), pushes=pushes)
        except ApiError as refused:
            return GitAnswer(refused.status, _AGAIN if refused.status == 401 else {}, str(refused).encode())
        answer = self._backend(repository, match[2], call, who)
        if match[2] == f"/{_PUSH}" and answer.status == 200:
            self._pushed(repository, who)
        return answer

    def _let_in(self, full_name: str, authorization: str, *, pushes: bool) -> tuple[Repository, User | None]:
        """Raises ApiError: what somebody may not see is not found, and what they may not change is forbidden."""
        with self._world.changed:
            holder = self._holder(authorization)
            repository = self._world.of_name(full_name)
            if repository is None or repository.id not in self._folders:
                raise ApiError(404, "Repository not found.")
            may_read, may_write, who = self._rights(repository, holder)
            if holder is None and (pushes or not may_read):
                raise ApiError(401, "Authentication required")
            if not may_read:
                raise ApiError(404, "Repository not found.")
            if pushes and not may_write:
                raise ApiError(403, f"Permission to {full_name}.git denied.")
            return repository, who

    def _holder(self, authorization: str) -> Token | User | None:
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() != "basic":
            return None
        secret = base64.b64decode(value).decode().partition(":")[2]
        found = self._credentials.people.get(secret) or self._credentials.tokens.get(secret)
        if found is None:
            raise ApiError(401, "Invalid username or token.")
        return self._credentials.good(found) if isinstance(found, Token) else found

    def _rights(self, repository: Repository, holder: Token | User | None) -> tuple[bool, bool, User | None]:
        if isinstance(holder, User):
            permission = repository.permission(holder)[0]
            return permission != "none", permission in ("admin", "write"), holder
        if holder is None:
            return not repository.private, False, None
        given = holder.permissions.get("contents", "") if repository.id in holder.repositories else ""
        return given in ("read", "write"), given == "write", self._credentials.app.bot

    def _backend(self, repository: Repository, what: str, call: GitCall, who: User | None) -> GitAnswer:
        environ = _PLAIN | {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self._folders[repository.id]),
            "PATH_INFO": what,
            "REQUEST_METHOD": call.method,
            "QUERY_STRING": call.query,
            "CONTENT_TYPE": call.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(call.body)),
            "HTTP_CONTENT_ENCODING": call.headers.get("content-encoding", ""),
            "GIT_PROTOCOL": call.headers.get("git-protocol", ""),
        }
        environ |= {"REMOTE_USER": who.login} if who else {}
        done = subprocess.run(["git", "http-backend"], env=environ, input=call.body, capture_output=True, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        status = int(headers.pop("Status", "200").split()[0]) if done.returncode == 0 else 500
        return GitAnswer(status, headers, content)

    def _pushed(self, repository: Repository, who: User | None) -> None:
        """Somebody pushed: pull requests of a branch that moved have a new commit."""
        assert who
        with self._world.changed:
            for sha in self._known(repository):
                self.pushes.append((who.login, sha))
            for issue in list(repository.issues.values()):
                if issue.pull and not issue.pull.fork and issue.state == "open":
                    self._follow(issue, who)
            self._world.changed.notify_all()

    def _follow(self, issue: Issue, who: User) -> None:
        assert issue.pull
        sha, before = self.head(issue.repository, issue.pull.head_ref), issue.pull.head_sha
        if sha == before:
            return
        issue.pull.commits.append(before)
        issue.pull.head_sha = sha
        self.show(issue)
        self._events.issue(issue, "synchronize", who, before=before, after=sha)

    def _known(self, repository: Repository) -> list[str]:
        """Commits that were not known yet, the oldest first."""
        told = _git(self._folders[repository.id], "rev-list", "--reverse", "--branches").split()
        fresh = [sha for sha in told if sha not in repository.commits]
        repository.commits.update({sha: Commit(sha) for sha in fresh})
        return fresh


def _git(folder: Path, *words: str) -> str:
    environ = _PLAIN | {"PATH": os.environ["PATH"]}
    done = subprocess.run(["git", *words], cwd=folder, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"git {' '.join(words)}: {done.stderr}"
    return done.stdout.strip()
