"""What a number in a comment means: the choice of that number under the last comment of ours that offers any."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from webhook_adapter.transports.github.outbound.client import GitHubClient
from webhook_adapter.transports.github.outbound.comments import own_comments
from webhook_adapter.transports.github.outbound.text import choices

_NUMBER = re.compile(r"#?([1-9][0-9]?)[.)]?")
_LOOKED_BACK = timedelta(days=30)
_PAGES, _PAGE = 10, 100


class Choices:
    """Of one App."""

    def __init__(self, client: GitHubClient, app_id: int, bot: str) -> None:
        """`bot`: what GitHub calls the App's own user."""
        self._client, self._app_id, self._bot = client, app_id, bot

    def chosen(
        self, chat_id: str, words: str, written_at: datetime | None, comment_id: int = 0
    ) -> tuple[str, str] | None:
        """The message id of that comment, and what choosing sends back; None where the words name no choice.

        What was offered only after they were written is not meant. GitHub's times are of whole seconds, whatever
        parts of one another server says: within one, the numbers of comments tell. `comment_id` is theirs, 0 where it
        is no comment of the issue itself. Raises GitHubError.
        """
        match = _NUMBER.fullmatch(words.strip())
        if match is None or written_at is None:
            return None
        found: tuple[str, str] | None = None
        for each in self._comments(chat_id, written_at):
            offered = choices(str(each.get("body", "")))
            if offered and _is_before(each, _stamp(written_at), comment_id):
                number = int(match[1])
                found = (f"ic{each.get('id')}", offered[number - 1]) if number <= len(offered) else None
        return found

    def _comments(self, chat_id: str, written_at: datetime) -> list[dict[str, Any]]:
        repository_id, _, number = chat_id.partition("/")
        place, since = f"/issues/{number}/comments", _stamp(written_at - _LOOKED_BACK)
        ours: list[dict[str, Any]] = []
        for page in range(1, _PAGES + 1):
            path = f"{place}?since={since}&per_page={_PAGE}&page={page}"
            told = self._client.call(int(repository_id), "GET", path).content
            ours += own_comments(told, self._app_id, self._bot)
            if not isinstance(told, list) or len(told) < _PAGE:
                break
        return ours


def _is_before(offer: dict[str, Any], written: str, comment_id: int) -> bool:
    made, number = _second(str(offer.get("created_at", ""))), offer.get("id")
    return made < written or (made == written and isinstance(number, int) and number < comment_id)


def _second(told: str) -> str:
    try:
        return _stamp(datetime.fromisoformat(told))
    except ValueError:
        return told


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
