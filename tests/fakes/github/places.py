"""Repositories, issues and pull requests: what a path names, whether the caller sees it, and where it has gone."""

from tests.fakes.github import payloads
from tests.fakes.github.credentials import Credentials
from tests.fakes.github.request import Answer, Call, Route, page, route
from tests.fakes.github.throttle import Weight
from tests.fakes.github.world import NOT_FOUND, ApiError, Issue, Repository, World


class Places:
    """Their endpoints, and what the others ask."""

    def __init__(self, world: World, credentials: Credentials) -> None:
        self._world, self._credentials = world, credentials
        self.asked_permissions = 0

    def routes(self) -> list[Route]:
        repo = "/repos/{owner}/{repo}"
        return [
            route("GET", "/app", self._app, by_app=True),
            route("GET", "/app/installations", self._installations, by_app=True),
            route("GET", "/app/installations/{id}", self._installation, by_app=True),
            route("POST", "/app/installations/{id}/access_tokens", self._mint, Weight(), by_app=True),
            route("GET", f"{repo}/installation", self._installation_of, by_app=True),
            route("GET", "/installation/repositories", self._repositories),
            route("GET", repo, lambda call: Answer(200, payloads.repository(self.repository(call)))),
            route("GET", "/repositories/{repository_id}", lambda call: Answer(200, self._by_id(call))),
            route("GET", f"{repo}/collaborators/{{user}}/permission", self._permission),
            route("GET", f"{repo}/issues/{{number}}", lambda call: Answer(200, payloads.issue(self.issue(call)))),
            route("GET", f"{repo}/pulls", self._pulls),
            route("GET", f"{repo}/pulls/{{number}}", self._pull),
            route("GET", f"{repo}/pulls/{{number}}/commits", self._commits),
        ]

    def repository(self, call: Call) -> Repository:
        """Raises ApiError: what the caller does not see is hidden, and what was renamed is elsewhere."""
        full_name = f"{call.names['owner']}/{call.names['repo']}"
        found = self._world.of_name(full_name)
        if found is None:
            self._check_moved(call, full_name)
        if found is None or not call.caller.reaches(found):
            raise ApiError(404, NOT_FOUND)
        return found

    def _check_moved(self, call: Call, full_name: str) -> None:
        for each in self._world.repositories.values():
            if (status := each.former_names.get(full_name)) and call.caller.reaches(each):
                rest = call.request.path.removeprefix(f"/repos/{full_name}")
                query = "&".join(f"{name}={value}" for name, value in call.request.query.items())
                to = f"{payloads.ROOT}/repositories/{each.id}{rest}{'?' if query else ''}{query}"
                raise ApiError(status, "Moved Permanently", {"Location": to}, url=to)

    def issue(self, call: Call) -> Issue:
        """Raises ApiError."""
        found = self.repository(call).issues.get(int(call.names["number"]))
        if found is None:
            raise ApiError(404, NOT_FOUND)
        if found.deleted:
            raise ApiError(410, "This issue was deleted")
        if found.transferred_to:
            raise ApiError(301, "Moved Permanently", {"Location": found.transferred_to}, url=found.transferred_to)
        return found

    def check_open(self, issue: Issue) -> None:
        """Raises ApiError where nothing may be written."""
        if issue.locked:
            raise ApiError(403, "Unable to create comment because issue is locked.")

    def _app(self, call: Call) -> Answer:
        app = call.caller.app
        first = next(iter(app.installations.values()), None)
        permissions = first.permissions if first else {}
        told = {"id": app.id, "slug": app.slug, "name": app.slug, "owner": None, "events": app.events}
        return Answer(200, told | {"permissions": permissions, "html_url": f"{payloads.PAGE}/apps/{app.slug}"})

    def _installations(self, call: Call) -> Answer:
        app = call.caller.app
        return Answer(200, page([payloads.installation(each, app) for each in app.installations.values()], call))

    def _installation(self, call: Call) -> Answer:
        found = self._credentials.installation(int(call.names["id"]))
        return Answer(200, payloads.installation(found, call.caller.app))

    def _installation_of(self, call: Call) -> Answer:
        repository = self.repository(call)
        for each in call.caller.app.installations.values():
            if repository.id in each.repositories:
                return Answer(200, payloads.installation(each, call.caller.app))
        raise ApiError(404, NOT_FOUND)

    def _mint(self, call: Call) -> Answer:
        installation = self._credentials.installation(int(call.names["id"]))
        form = call.request.headers.get("x-github-stateless-s2s-token", "")
        return Answer(201, self._credentials.mint(installation, call.body, form))

    def _repositories(self, call: Call) -> Answer:
        assert call.caller.token
        found = [self._world.repositories[each] for each in sorted(call.caller.token.repositories)]
        return Answer(200, {"total_count": len(found), "repositories": page([*map(payloads.repository, found)], call)})

    def _by_id(self, call: Call) -> object:
        found = self._world.repositories.get(int(call.names["repository_id"]))
        if found is None or not call.caller.reaches(found):
            raise ApiError(404, NOT_FOUND)
        return payloads.repository(found)

    def _permission(self, call: Call) -> Answer:
        repository, name = self.repository(call), call.names["user"]
        self.asked_permissions += 1
        who = self._world.users.get(name.lower())
        if who is None or who.type == "Bot":
            raise ApiError(404, f"{name} is not a user")
        permission, role = repository.permission(who)
        return Answer(200, {"permission": permission, "role_name": role, "user": payloads.user(who)})

    def _pulls(self, call: Call) -> Answer:
        state = call.text("state", "open")
        call.caller.needs("pull_requests", "read")
        found = [each for each in self.repository(call).issues.values() if each.pull and not each.deleted]
        return Answer(200, page([payloads.pull(each) for each in found if state in ("all", each.state)], call))

    def _pull(self, call: Call) -> Answer:
        issue = self.issue(call)
        call.caller.needs("pull_requests", "read")
        if issue.pull is None:
            raise ApiError(404, NOT_FOUND)
        return Answer(200, payloads.pull(issue))

    def _commits(self, call: Call) -> Answer:
        issue = self.issue(call)
        if issue.pull is None:
            raise ApiError(404, NOT_FOUND)
        return Answer(200, page([{"sha": each} for each in (*issue.pull.commits, issue.pull.head_sha)], call))
