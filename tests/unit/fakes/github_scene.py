"""A repository on the stand-in for GitHub with our App, an issue, a pull request, and whoever may write."""

from dataclasses import dataclass
from typing import Any

import jwt
import requests

from tests.fakes.github.github import GitHubStandIn
from tests.fakes.github.world import Issue, Repository, User


@dataclass
class Scene:
    """All of it, and the App's calls."""

    github: GitHubStandIn
    repository: Repository
    issue: Issue
    pull: Issue
    ada: User

    def app_token(self, **claims: Any) -> str:
        now = int(self.github.clock.now())
        given = {"iat": now - 60, "exp": now + 540, "iss": str(self.github.app.id)} | claims
        return jwt.encode(given, self.github.app.key, "RS256")

    def call(self, method: str, path: str, token: str = "", **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {token or self.app_token()}"} | more.pop("headers", {})
        url = f"{self.github.base_url}{path}"
        return requests.request(method, url, headers=headers, timeout=20, allow_redirects=False, **more)

    def token(self, **narrowed: Any) -> str:
        [installation] = self.github.app.installations
        made = self.call("POST", f"/app/installations/{installation}/access_tokens", json=narrowed)
        assert made.status_code == 201, made.text
        return str(made.json()["token"])

    def comment(self, token: str, body: str = "done", issue: Issue | None = None) -> requests.Response:
        number = (issue or self.issue).number
        path = f"/repos/{self.repository.full_name}/issues/{number}/comments"
        return self.call("POST", path, token, json={"body": body})

    def check(self, token: str, **fields: Any) -> requests.Response:
        assert self.pull.pull
        given = {"name": "pointsman", "head_sha": self.pull.pull.head_sha} | fields
        return self.call("POST", f"/repos/{self.repository.full_name}/check-runs", token, json=given)
