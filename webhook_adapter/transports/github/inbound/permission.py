"""What somebody may do to a repository, asked of GitHub."""

import re
from http import HTTPStatus

from webhook_adapter.transports.github.inbound.access import Permission, Unknown
from webhook_adapter.transports.github.inbound.delivery import Repository, Sender
from webhook_adapter.transports.github.outbound.client import ApiRefused, GitHubClient, GitHubError

NONE = "none"
_LOGIN = re.compile(r"[A-Za-z0-9_-]{1,100}")


def permission_by(client: GitHubClient) -> Permission:
    """Asks that client."""

    def permission(repository: Repository, sender: Sender) -> str:
        if not _LOGIN.fullmatch(sender.login):
            return NONE
        path = f"/collaborators/{sender.login}/permission"
        try:
            told = client.call(repository.repository_id, "GET", path).content
        except ApiRefused as refused:
            # Nobody of that name, or nothing that we may see: either way nobody is let in.
            if refused.status == HTTPStatus.NOT_FOUND:
                return NONE
            raise Unknown(str(refused)) from None
        except GitHubError as error:
            raise Unknown(str(error)) from None
        user = told.get("user") if isinstance(told, dict) else None
        # It was asked by name, which somebody else may have taken since.
        if not isinstance(user, dict) or user.get("id") != sender.user_id:
            return NONE
        return str(told.get("permission", NONE))

    return permission
