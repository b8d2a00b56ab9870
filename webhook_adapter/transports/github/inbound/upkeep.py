"""Asks GitHub, again and again, whether what workspaces are for is over: of a delivery alone nothing would be removed.

What is said over is good for an hour at the router, and only then is anything removed. So of what is to close GitHub is
asked more often than that, and of the rest now and then, as a delivery may never have come.
"""

import logging
from collections.abc import Callable

from pointsman.client.errors import RouterError
from pointsman.client.workspaces import Workspace, WorkspaceState
from webhook_adapter.clock import Clock
from webhook_adapter.transports.github.inbound.lifecycle import Asked, say
from webhook_adapter.transports.github.inbound.workspaces import is_for_github, is_over
from webhook_adapter.transports.github.outbound.client import GitHubClient

logger = logging.getLogger(__name__)

LOOK_S = 60.0
CLOSING_S, OPEN_S = 1500.0, 6 * 3600.0
MOST = 50  # asked about at one look: what has not changed costs GitHub little, but not nothing
_OVER = (WorkspaceState.ARCHIVED, WorkspaceState.GONE, WorkspaceState.FAILED, WorkspaceState.UNKNOWN)


class Upkeep:
    """Of one App."""

    def __init__(self, client: GitHubClient, router: Callable[[], Asked], clock: Clock) -> None:
        self._client, self._router, self._clock = client, router, clock
        self._next: dict[str, float] = {}  # when GitHub is asked about a workspace again, by its key

    def look(self) -> int:
        """Ask about those whose turn it is; of how many GitHub was asked."""
        try:
            there = [
                each for each in self._router().workspaces() if is_for_github(each.key) and each.state not in _OVER
            ]
            keys, now = {each.key for each in there}, self._clock.monotonic()
            self._next = {key: at for key, at in self._next.items() if key in keys}
            due = [each for each in there if self._next.get(each.key, now) <= now][:MOST]
            for each in due:
                self._ask(each)
        except RouterError as error:
            logger.info("workspaces are not looked after: %s", error.message)
            return 0
        return len(due)

    def _ask(self, known: Workspace) -> None:
        is_closing = known.state is WorkspaceState.CLOSING
        over = is_over(self._client, known.key, known.ref)
        # Said again of one that is to close, it is a fresh word.
        if over or (over is False and is_closing):
            say(self._router(), known.key, over=over)
        waits = OPEN_S if over is False else CLOSING_S
        self._next[known.key] = self._clock.monotonic() + waits
