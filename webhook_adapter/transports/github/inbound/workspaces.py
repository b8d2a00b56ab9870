"""Where a session works that a mention begins: a clone of the repository, of the branch that a pull request brings.

And whether what such a clone is for is over, by a fresh answer of GitHub's.
"""

import re
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlsplit

from webhook_adapter.model import Workspace
from webhook_adapter.transports.github.inbound.access import Unknown
from webhook_adapter.transports.github.inbound.delivery import Comment, Press
from webhook_adapter.transports.github.outbound.client import ApiRefused, GitHubClient, GitHubError
from webhook_adapter.transports.github.outbound.repositories import Repository

Places = Callable[[Comment | Press], Workspace | None]
"""The clone for what was written or pressed there. Raises Unknown."""

_KEY = re.compile(r"github:([1-9][0-9]{0,18})#([1-9][0-9]{0,9})")
_PULL = "refs/pull/"
_DELETED = "deleted"  # as in "This issue was deleted": other words for the same status say that issues are turned off
_FULL_NAME = re.compile(r"[A-Za-z0-9._-]{1,50}/[A-Za-z0-9._-]{1,50}")
_BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")


def places_by(client: GitHubClient, site: str) -> Places:
    """Asks that client; `site` is where repositories are cloned from."""

    def place(comment: Comment | Press) -> Workspace | None:
        name = comment.repository.full_name
        # It stands in a command line and a path on the machine.
        if not _FULL_NAME.fullmatch(name) or ".." in name:
            return None
        # By its number: a repository keeps that when it is renamed, and another one may have its name then.
        key = key_of(comment.repository.repository_id, comment.number)
        clone = f"https://{urlsplit(site).netloc}/{name}.git"
        if not comment.is_pull:
            return Workspace(key, clone)
        base, foreign = _pull(client, comment)
        return Workspace(key, clone, f"{_PULL}{comment.number}/head", base, foreign)

    return place


def key_of(repository_id: int, number: int) -> str:
    """The key of the workspace for an issue or pull request."""
    return f"github:{repository_id}#{number}"


def is_for_github(key: str) -> bool:
    """Whether GitHub can be asked about what a workspace is for."""
    return _KEY.fullmatch(key) is not None


def is_over(client: GitHubClient, key: str, ref: str) -> bool | None:
    """Whether what a workspace is for is over, as GitHub says now; None where it does not say so beyond doubt.

    What is hidden may be a permission that is missing, and no answer may be anything.
    """
    known = _KEY.fullmatch(key)
    if known is None:
        return None
    repository_id, number = int(known[1]), int(known[2])
    # Pull requests are issues as well, but not where a repository has none.
    path = f"/pulls/{number}" if ref.startswith(_PULL) else f"/issues/{number}"
    try:
        told = client.call(repository_id, "GET", path).content
        # One that was transferred answers from where it is now, with the number that it has there. One whose repository
        # was renamed answers by a name that may not be known yet.
        if not any(_is_of(told, ask(repository_id), path) for ask in (client.repository, client.anew)):
            return None
    except ApiRefused as refused:
        return True if refused.status == HTTPStatus.GONE and _DELETED in refused.words.lower() else None
    except GitHubError:
        return None
    return {"closed": True, "open": False}.get(str(told.get("state")))


def _is_of(told: object, repository: Repository, path: str) -> bool:
    url = str(told.get("url")) if isinstance(told, dict) else ""
    return url.lower().endswith(f"{repository.path}{path}".lower())


def _pull(client: GitHubClient, comment: Comment | Press) -> tuple[str, bool]:
    """The branch that it is meant for, and whether it comes from elsewhere; what nobody knows does."""
    try:
        told = client.call(comment.repository.repository_id, "GET", f"/pulls/{comment.number}").content
    except ApiRefused as refused:
        if refused.status != HTTPStatus.NOT_FOUND:
            raise Unknown(str(refused)) from None
        return "", True
    except GitHubError as error:
        raise Unknown(str(error)) from None
    head, base = (_part(told, each) for each in ("head", "base"))
    branch = base.get("ref")
    is_plain = isinstance(branch, str) and _BRANCH.fullmatch(branch) and ".." not in branch
    # By number: a fork may be called like the repository.
    foreign = _part(head, "repo").get("id") != comment.repository.repository_id
    return f"refs/heads/{branch}" if is_plain else "", foreign


def _part(told: object, name: str) -> dict[str, object]:
    found = told.get(name) if isinstance(told, dict) else None
    return found if isinstance(found, dict) else {}
