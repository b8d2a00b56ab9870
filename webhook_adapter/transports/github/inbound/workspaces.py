"""Where a session works that a mention begins: a clone of the repository, of the branch that a pull request brings."""

import re
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlsplit

from webhook_adapter.model import Workspace
from webhook_adapter.transports.github.inbound.access import Unknown
from webhook_adapter.transports.github.inbound.delivery import Comment
from webhook_adapter.transports.github.outbound.client import ApiRefused, GitHubClient, GitHubError

Places = Callable[[Comment], Workspace | None]
"""The clone for what was written there. Raises Unknown."""

_FULL_NAME = re.compile(r"[A-Za-z0-9._-]{1,50}/[A-Za-z0-9._-]{1,50}")
_BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")


def places_by(client: GitHubClient, site: str) -> Places:
    """Asks that client; `site` is where repositories are cloned from."""

    def place(comment: Comment) -> Workspace | None:
        name = comment.repository.full_name
        # It stands in a command line and a path on the machine.
        if not _FULL_NAME.fullmatch(name) or ".." in name:
            return None
        # By its number: a repository keeps that when it is renamed, and another one may have its name then.
        key = f"github:{comment.repository.repository_id}#{comment.number}"
        clone = f"https://{urlsplit(site).netloc}/{name}.git"
        if not comment.is_pull:
            return Workspace(key, clone)
        base, foreign = _pull(client, comment)
        return Workspace(key, clone, f"refs/pull/{comment.number}/head", base, foreign)

    return place


def _pull(client: GitHubClient, comment: Comment) -> tuple[str, bool]:
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
