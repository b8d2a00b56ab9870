"""Comments of issues, pull requests and review threads, and the reactions to them; each posted once."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from webhook_adapter.transports.github.outbound.client import Cost, GitHubClient, Need
from webhook_adapter.transports.github.outbound.http import ApiRefused
from webhook_adapter.transports.github.outbound.refusals import GONE
from webhook_adapter.transports.transport import ChatRef

REACTIONS = {"👍": "+1", "👎": "-1", "👀": "eyes", "🚀": "rocket", "😕": "confused", "❤": "heart", "🎉": "hooray"}
"""Marks of ours, and what GitHub has for them: it has eight."""

_CHAT = re.compile(r"([1-9][0-9]{0,18})/([1-9][0-9]{0,9})")
_MESSAGE = re.compile(r"(ic|rc)([1-9][0-9]{0,18})")
_LOOKED_BACK = timedelta(days=3)  # a message that waited longer is not sent any more
_PAGES, _PAGE = 10, 100


@dataclass(frozen=True, slots=True)
class Where:
    """An issue or pull request, or a review thread in one by the number of its first comment."""

    repository_id: int
    number: int
    thread: int = 0

    @property
    def comments(self) -> str:
        """Where new ones go."""
        if self.thread:
            return f"/pulls/{self.number}/comments/{self.thread}/replies"
        return f"/issues/{self.number}/comments"


def where(chat: ChatRef) -> Where | None:
    """Which one a chat is; None for none."""
    match = _CHAT.fullmatch(chat.chat_id)
    if match is None or (chat.thread_id and not re.fullmatch(r"[1-9][0-9]{0,18}", chat.thread_id)):
        return None
    return Where(int(match[1]), int(match[2]), int(chat.thread_id or 0))


class Comments:
    """Of one App."""

    def __init__(self, client: GitHubClient, app_id: int, bot: str) -> None:
        """`bot`: what GitHub calls the App's own user."""
        self._client, self._app_id, self._bot = client, app_id, bot

    def post(self, there: Where, body: str, need: Need) -> str:
        """Write one; its message id. Raises GitHubError."""
        answer = self._client.call(
            there.repository_id, "POST", there.comments, {"body": body}, cost=Cost.NOTICE, need=need
        )
        return f"{'rc' if there.thread else 'ic'}{_whole(answer.content)}"

    def change(self, there: Where, message_id: str, body: str, need: Need) -> None:
        """Let one of ours say this. Raises GitHubError; ValueError where it is none."""
        path = _path(message_id)
        self._client.call(there.repository_id, "PATCH", path, {"body": body}, cost=Cost.CONTENT, need=need)

    def body(self, there: Where, message_id: str) -> str:
        """What one says. Raises GitHubError; ValueError where it is none."""
        told = self._client.call(there.repository_id, "GET", _path(message_id)).content
        return str(told.get("body") or "") if isinstance(told, dict) else ""

    def own_body(self, there: Where, message_id: str) -> str:
        """The same, "" where it is gone or not ours: the App might change what others wrote. Raises GitHubError."""
        try:
            told = self._client.call(there.repository_id, "GET", _path(message_id)).content
        except ApiRefused as refused:
            if refused.status not in GONE:
                raise
            return ""
        return "".join(str(each.get("body") or "") for each in own_comments([told], self._app_id, self._bot))

    def remove(self, there: Where, message_id: str) -> None:
        """Take one of ours away. Raises GitHubError; ValueError where it is none."""
        self._client.call(there.repository_id, "DELETE", _path(message_id), cost=Cost.WRITE)

    def find(self, there: Where, markers: list[str], now: float) -> dict[str, str]:
        """Message ids of comments of ours by what marks them, where a try that was not answered left some.

        Only our own are looked at: others may write the same. Raises GitHubError.
        """
        found: dict[str, str] = {}
        since = (datetime.fromtimestamp(now, UTC) - _LOOKED_BACK).strftime("%Y-%m-%dT%H:%M:%SZ")
        place = f"/{'pulls' if there.thread else 'issues'}/{there.number}/comments"
        for page in range(1, _PAGES + 1):
            path = f"{place}?since={since}&per_page={_PAGE}&page={page}"
            told = self._client.call(there.repository_id, "GET", path).content
            for each in own_comments(told, self._app_id, self._bot):
                for marker in markers:
                    if str(each.get("body", "")).rstrip().endswith(marker):
                        found.setdefault(marker, f"{'rc' if there.thread else 'ic'}{_whole(each)}")
            if not isinstance(told, list) or len(told) < _PAGE:
                break
        return found

    def react(self, there: Where, message_id: str, content: str) -> None:
        """Put a reaction on somebody's. Raises GitHubError; ValueError where it is none."""
        path = f"{_path(message_id)}/reactions"
        self._client.call(there.repository_id, "POST", path, {"content": content}, cost=Cost.WRITE)

    def unreact(self, there: Where, message_id: str) -> None:
        """Take ours away. Raises GitHubError; ValueError where it is none."""
        path = f"{_path(message_id)}/reactions"
        told = self._client.call(there.repository_id, "GET", f"{path}?per_page={_PAGE}").content
        for each in _by(told, self._bot):
            self._client.call(there.repository_id, "DELETE", f"{path}/{_whole(each)}", cost=Cost.WRITE)


def own_comments(told: object, app_id: int, bot: str) -> list[dict[str, Any]]:
    """Those of a list that an App wrote: others may write the same."""
    apps = ((each, each.get("performed_via_github_app")) for each in _by(told, bot))
    return [each for each, app in apps if not isinstance(app, dict) or app.get("id") == app_id]


def _by(told: object, bot: str) -> Iterator[dict[str, Any]]:
    for each in told if isinstance(told, list) else []:
        user = each.get("user") if isinstance(each, dict) else None
        if isinstance(user, dict) and user.get("type") == "Bot" and user.get("login") == bot:
            yield each


def is_message(message_id: str) -> bool:
    """Whether it is a comment's."""
    return _MESSAGE.fullmatch(message_id) is not None


def _path(message_id: str) -> str:
    match = _MESSAGE.fullmatch(message_id)
    if match is None:
        raise ValueError("no comment")
    return f"/{'issues' if match[1] == 'ic' else 'pulls'}/comments/{match[2]}"


def _whole(told: object) -> int:
    value = told.get("id") if isinstance(told, dict) else None
    return value if isinstance(value, int) else 0
