"""A stand-in for GitHub: an App's REST API with its limits and refusals, webhooks with their log, people on the pages.

    with GitHubStandIn() as github:
        repository = github.world.add_repository("ada/engine"); github.install(repository)
        issue = github.world.add_issue(repository, "It does not turn")
        github.writes(issue, "@pointsman look at it", by=ada)

What an honest bot does not do is in `github.violations`; `judge` adds what only shows at the end.
"""

import re
import threading
from pathlib import Path
from types import TracebackType

from tests.fakes.github import payloads
from tests.fakes.github.api import Api, Made
from tests.fakes.github.checks import Checks
from tests.fakes.github.comments import Comments
from tests.fakes.github.credentials import PERMISSIONS, Credentials, Installation, new_app
from tests.fakes.github.events import Events
from tests.fakes.github.faults import Fault, FaultKind, FaultScript
from tests.fakes.github.git_host import GitHost
from tests.fakes.github.http_server import GitHubHttp
from tests.fakes.github.places import Places
from tests.fakes.github.throttle import Throttle
from tests.fakes.github.world import CheckRun, Comment, Issue, MovableClock, Pull, Repository, User, World

EVENTS = ["issue_comment", "issues", "pull_request", "pull_request_review", "pull_request_review_comment"]
_MARKER = re.compile(r"<!-- pm:([^ ]+) -->")


class GitHubStandIn:
    """GitHub with one App."""

    def __init__(
        self,
        clock: MovableClock | None = None,
        *,
        slug: str = "pointsman",
        secret: str = "It's a Secret",
        port: int = 0,
    ) -> None:
        self.clock = clock or MovableClock()
        self.world = World(self.clock)
        self.app = new_app(self.world, slug, secret)
        self.app.events = list(EVENTS)
        self.credentials = Credentials(self.world, self.app)
        self.events = Events(self.world, self.app)
        self.places = Places(self.world, self.credentials)
        self.comments = Comments(self.world, self.places, self.events)
        self.checks = Checks(self.world, self.places, self.events)
        routes = [each for part in (self.places, self.comments, self.checks, self.events) for each in part.routes()]
        self.api = Api(self.world, self.credentials, routes)
        self.faults = FaultScript()
        self.git = GitHost(self.world, self.credentials, self.events)
        self._http = GitHubHttp(port, self.api, self.faults, self.git)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), name="github-http")
        self.base_url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def start(self) -> "GitHubStandIn":
        self._thread.start()
        self.events.start()
        return self

    def stop(self) -> None:
        self.faults.heal()
        self._http.shutdown()
        self._thread.join()
        self._http.close_all()
        self.events.stop()

    def __enter__(self) -> "GitHubStandIn":
        return self.start()

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.stop()

    # --- the App's owner ---

    def install(self, *repositories: Repository, permissions: dict[str, str] | None = None) -> Installation:
        """The App is installed on these; an installation that had any of them is made anew, with another id."""
        with self.world.changed:
            self.uninstall(*repositories)
            account = repositories[0].owner
            made = Installation(
                self.world.new_id(), account, {each.id for each in repositories}, dict(permissions or PERMISSIONS)
            )
            self.app.installations[made.id] = made
            told = [{"id": each.id, "full_name": each.full_name, "private": each.private} for each in repositories]
        about = {"installation": payloads.installation(made, self.app), "repositories": told}
        self.events.send("installation", {"action": "created", "sender": payloads.user(account), **about})
        return made

    def lets_clone(self, home: Path, who: User, api: str = "") -> str:
        """Set up the git of somebody at home there, with a token of theirs; how what is cloned here begins.

        `api` is another program that answers as GitHub, without git: what is cloned from there comes from here.
        """
        here = self.base_url.removeprefix("http://")
        asked = api.removeprefix("http://") or here
        # What is served here without TLS is asked for with it, as from GitHub.
        (home / ".gitconfig").write_text(
            f"[user]\n\tname = {who.login}\n\temail = {who.login}@example.org\n"
            f'[url "http://{here}/"]\n\tinsteadOf = https://{asked}/\n'
            f"[credential]\n\thelper = store --file={home}/.git-credentials\n"
        )
        token = self.credentials.personal(who)
        (home / ".git-credentials").write_text(f"http://{who.login}:{token}@{here}\n")
        return f"https://{asked}/"

    def uninstall(self, *repositories: Repository) -> None:
        with self.world.changed:
            for each in repositories:
                for found in [i for i in self.app.installations.values() if each.id in i.repositories]:
                    del self.app.installations[found.id]

    def throttle(self, installation: Installation | None = None) -> Throttle:
        """The limits of an installation; of the only one, where none is named."""
        if installation is None:
            [installation] = self.app.installations.values()
        return self.api.throttle(installation.id)

    def rename(self, repository: Repository, name: str, status: int = 307) -> None:
        with self.world.changed:
            repository.former_names[repository.full_name] = status
            repository.name = name

    # --- people ---

    def writes(self, issue: Issue, body: str, by: User, *, kind: str = "ic", reply_to: int = 0) -> Comment:
        """Somebody comments on the page."""
        with self.world.changed:
            made = self.world.add_comment(issue, body, by, kind=kind, reply_to=reply_to)
            self.events.comment(made, "created", by)
        return made

    def edits(self, comment: Comment, body: str, by: User) -> None:
        with self.world.changed:
            before, comment.body, comment.updated_at = comment.body, body, self.clock.now()
            self.events.comment(comment, "edited", by, changes={"body": {"from": before}})

    def opens(self, repository: Repository, title: str, by: User, *, fork: bool = False, branch: str = "") -> Issue:
        """Somebody opens a pull request; of a branch that is there, where git is behind the repository."""
        with self.world.changed:
            if branch:
                sha, base = self.git.head(repository, branch), self.git.head(repository, "main")
                made = self.world.add_issue(repository, title, by=by, pull=Pull(branch, sha, base))
                self.git.show(made)
            else:
                made = self.world.add_pull(repository, title, by=by, fork=fork)
            self.events.issue(made, "opened", by)
        return made

    def pushes(self, issue: Issue, by: User) -> str:
        """A new commit on a pull request's branch."""
        with self.world.changed:
            assert issue.pull
            before = issue.pull.head_sha
            issue.pull.commits.append(before)
            issue.pull.head_sha = self.world.add_commit(issue.repository, issue.title, fork=issue.pull.fork)
            self.events.issue(issue, "synchronize", by, before=before, after=issue.pull.head_sha)
            return issue.pull.head_sha

    def closes(self, issue: Issue, by: User, *, merged: bool = False) -> None:
        with self.world.changed:
            issue.state = "closed"
            if issue.pull:
                issue.pull.merged = merged
            self.events.issue(issue, "closed", by)

    def reopens(self, issue: Issue, by: User) -> None:
        with self.world.changed:
            issue.state = "open"
            self.events.issue(issue, "reopened", by)

    def deletes(self, issue: Issue, by: User) -> None:
        with self.world.changed:
            issue.deleted = True
            self.events.issue(issue, "deleted", by)

    def transfers(self, issue: Issue, to: Repository, by: User) -> Issue:
        """To another repository, where it has another number."""
        with self.world.changed:
            made = self.world.add_issue(to, issue.title, issue.body, by=issue.user)
            issue.transferred_to = f"{payloads.ROOT}/repositories/{to.id}/issues/{made.number}"
            changes = {"new_issue": payloads.issue(made), "new_repository": payloads.repository(to)}
            self.events.issue(issue, "transferred", by, changes=changes)
        return made

    def takes_out(self, *repositories: Repository, suspended: bool = False) -> None:
        """The App's owner takes it out of these, or suspends it there."""
        with self.world.changed:
            there = [
                i for i in self.app.installations.values() if any(each.id in i.repositories for each in repositories)
            ]
            told = [{"id": each.id, "full_name": each.full_name, "private": each.private} for each in repositories]
            about = {
                "installation": payloads.installation(there[0], self.app),
                "sender": payloads.user(there[0].account),
            }
            if suspended:
                for each in there:
                    each.suspended = True
                self.events.send("installation", {"action": "suspend", **about})
            else:
                self.uninstall(*repositories)
                self.events.send("installation", {"action": "deleted", "repositories": told, **about})

    def presses(self, run: CheckRun, label: str, by: User) -> None:
        """Somebody presses a button on the Checks tab."""
        with self.world.changed:
            self.checks.press(run, label, by)

    # --- what stands there ---

    def of(self, issue: Issue, *, ours: bool = True) -> list[Comment]:
        """The comments of an issue; of our App alone unless asked else."""
        with self.world.changed:
            found = [each for each in self.world.comments.values() if each.issue is issue]
            return [each for each in found if not ours or each.app_id == self.app.id]

    def runs(self, sha: str = "") -> list[CheckRun]:
        with self.world.changed:
            return [each for each in self.world.checks.values() if sha in ("", each.head_sha)]

    def calls(self, method: str = "", path: str = ".*") -> list[Made]:
        with self.world.changed:
            found = list(self.api.calls)
        return [each for each in found if method in ("", each.method) and re.fullmatch(path, each.path)]

    def fails(self, kind: FaultKind, method: str = "", path: str = ".*", **more: object) -> Fault:
        """Let the next call that fits meet this."""
        return self.faults.add(Fault(kind, method, path, **more))  # type: ignore[arg-type]

    def wait_for_call(self, method: str, path: str, count: int = 1, seconds: float = 60.0) -> None:
        with self.world.changed:
            assert self.world.changed.wait_for(lambda: len(self.calls(method, path)) >= count, seconds)

    @property
    def violations(self) -> list[str]:
        with self.world.changed:
            return list(self.world.violations)

    def judge(self, *, answered: tuple[Comment, ...] = ()) -> list[str]:
        """All that was done wrong. `answered`: mentions that were accepted, each to be answered exactly once."""
        with self.world.changed:
            found = self.violations
            ours = [each for each in self.world.comments.values() if each.app_id == self.app.id]
            # As they were written: who changes a comment puts another mark into it.
            marks = [(each.issue.id, mark) for each in ours for mark in _MARKER.findall(each.written)]
            found += [f"posted twice: {mark}" for mark in sorted({each for each in marks if marks.count(each) > 1})]
            commanded = {each.issue.id for each in self.world.comments.values() if self._may_command(each)}
            found += [f"a comment to a stranger: {each.key}" for each in ours if each.issue.id not in commanded]
            for mention in answered:
                after = [each for each in ours if each.issue is mention.issue and each.id > mention.id]
                if len(after) != 1:
                    found.append(f"{mention.key} was answered {len(after)} times")
            return found

    def _may_command(self, comment: Comment) -> bool:
        if comment.user is None or comment.app_id:
            return False
        return comment.issue.repository.permission(comment.user)[0] in ("admin", "write")
