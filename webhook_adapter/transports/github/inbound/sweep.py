"""The log of deliveries, gone through: what did not come by the hook is taken from there. GitHub never tries twice.

Where nobody can call us that is the only way in: the log holds what could not be delivered as well.
"""

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from pointsman.client.errors import RouterError
from webhook_adapter.transports.github.inbound.access import Unknown
from webhook_adapter.transports.github.inbound.delivery import is_wanted
from webhook_adapter.transports.github.inbound.progress import Progress, ProgressFile
from webhook_adapter.transports.github.outbound.client import ApiRefused, GitHubClient, GitHubError

logger = logging.getLogger(__name__)

SWEEP_S, POLL_S = 300.0, 10.0
OLDEST_S = 70 * 3600.0
"""GitHub keeps deliveries for three days, and the router the keys of what it took for four."""
_OVERLAP_S = 600.0  # by which some appear late in the log
_MOST_PAGES = 1000  # of a hundred each: a log that goes on for ever is none
_LOG = "/app/hook/deliveries"
_NEXT = re.compile(r'[?&]cursor=([^&>]+)[^>]*>;\s*rel="next"')


@dataclass(frozen=True, slots=True)
class _Attempt:
    delivery_id: int
    guid: str
    event: str
    action: str
    at: float
    is_taken: bool


class Sweep:
    """Goes through the log again and again."""

    def __init__(
        self,
        client: GitHubClient,
        take: Callable[[str, object], object],
        file: ProgressFile,
        stop: threading.Event,
        every: float,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`take` raises RouterError or Unknown where a delivery must come again."""
        self._client, self._take, self._file, self._stop, self._every, self._now = client, take, file, stop, every, now
        self._progress = file.read()

    def run(self) -> None:
        """Until `stop` is set."""
        while not self._stop.is_set():
            wait = self._every
            try:
                self.once()
            except ApiRefused as refused:
                logger.warning("github's log of deliveries was not read: %s", refused)
                wait = max(wait, refused.after or 0.0)
            except GitHubError as error:
                logger.warning("github's log of deliveries was not read: %s", error)
            self._stop.wait(wait)

    def once(self) -> int:
        """Look once; how many wait still. Raises GitHubError where the log cannot be read."""
        known, oldest = self._progress, self._now() - OLDEST_S
        since = max(oldest, known.since - _OVERLAP_S)
        attempts = list(self._attempts(since))
        waiting = [each for each in _missing(attempts) if not self._settle(known, each)]
        newest = max((each.at for each in attempts), default=known.since)
        # All before it are settled: whoever starts anew need not look at them.
        until = min((each.at for each in waiting), default=newest)
        if (moved := max(until, known.since if not waiting else 0.0)) != known.since or attempts:
            known.since = moved
            known.forget_before(moved - _OVERLAP_S, oldest)
            self._file.write(known)
        return len(waiting)

    def _settle(self, known: Progress, attempt: _Attempt) -> bool:
        """Whether nothing more is to be done about it."""
        if known.is_settled(attempt.guid):
            return True
        if is_wanted(attempt.event, attempt.action):  # no other is fetched
            if self._stop.is_set():
                return False
            try:
                self._fetch_and_take(attempt)
            except (RouterError, Unknown, GitHubError) as error:
                logger.warning("github delivery waits guid=%s: %s", attempt.guid, error)
                return False
            except Exception:
                # A fault of ours over this one: tried again and again, it would be looked at for days.
                logger.exception("github delivery given up guid=%s", attempt.guid)
                known.given_up[attempt.guid] = attempt.at
                return True
        known.settled[attempt.guid] = attempt.at
        return True

    def _fetch_and_take(self, attempt: _Attempt) -> None:
        try:
            told = self._client.as_app("GET", f"{_LOG}/{attempt.delivery_id}").content
        except ApiRefused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise
            return  # not kept any more
        request = told.get("request") if isinstance(told, dict) else None
        payload = request.get("payload") if isinstance(request, dict) else None
        # There are no bytes to check a signature of: that GitHub said it to us is the proof.
        self._take(attempt.event, payload)

    def _attempts(self, since: float) -> Iterator[_Attempt]:
        """Those since then, the newest first."""
        cursor = ""
        for _ in range(_MOST_PAGES):
            answer = self._client.as_app("GET", f"{_LOG}?per_page=100" + (f"&cursor={cursor}" if cursor else ""))
            page = [each for each in map(_attempt, _list(answer.content)) if each is not None]
            yield from (each for each in page if each.at >= since)
            following = _NEXT.search(answer.headers.get("Link", ""))
            if following is None or any(each.at < since for each in page):
                return
            cursor = following[1]
        logger.error("github's log of deliveries is longer than %s pages: what is older was not looked at", _MOST_PAGES)


def _missing(attempts: Iterable[_Attempt]) -> list[_Attempt]:
    """Of what no attempt brought the first one each, the oldest first."""
    taken, found = set[str](), dict[str, _Attempt]()
    for each in attempts:  # the newest first
        if each.is_taken:
            taken.add(each.guid)
        found[each.guid] = each
    return sorted((each for each in found.values() if each.guid not in taken), key=lambda each: each.delivery_id)


def _list(told: Any) -> list[Any]:  # noqa: ANN401 - as JSON has it
    return told if isinstance(told, list) else []


def _attempt(told: Any) -> _Attempt | None:  # noqa: ANN401 - as JSON has it
    """None for what is none."""
    try:
        at = datetime.fromisoformat(told["delivered_at"]).timestamp()
        event, action = str(told["event"]), str(told.get("action") or "")
        return _Attempt(int(told["id"]), str(told["guid"]), event, action, at, told.get("status") == "OK")
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
