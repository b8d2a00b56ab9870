"""GitHub as the transport calls it: with the right token, within its limits, and no call twice that may have come."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from webhook_adapter.clock import Clock, SystemClock
from webhook_adapter.transports.github.outbound.http import Answer, ApiRefused, GitHubError, Http, words_of
from webhook_adapter.transports.github.outbound.rate_limits import Cost, HeldBack, Need, RateLimits
from webhook_adapter.transports.github.outbound.repositories import Repositories, Repository
from webhook_adapter.transports.github.outbound.tokens import Token, Tokens

__all__ = ["ApiRefused", "Cost", "GitHubClient", "GitHubError", "Need"]

HELD_STATUS = 429
_FRESH_S, _FRESH_WAITS = 6.0, (1.0, 2.0, 4.0)  # a token that was made a moment ago is not known everywhere
_MOST_TAGS = 500


class GitHubClient:
    """One App at one server. Threads may share it."""

    def __init__(
        self,
        app_id: int,
        private_key: str,
        api: str,
        rate_limits: RateLimits | None = None,
        *,
        clock: Clock | None = None,
        now: Callable[[], float] = time.time,
        name_of: Callable[[int], str] = lambda _repository_id: "",
    ) -> None:
        """`rate_limits` pace it. `name_of` tells the last known name of a repository. Raises ValueError: the key."""
        self._clock, self._now = clock or SystemClock(), now
        self.rate_limits = rate_limits or RateLimits(self._clock, now)
        self._http = Http(api)
        self._tokens = Tokens(app_id, private_key, self._mint, now)
        self._repositories = Repositories(self._ask_as_app, self._ask_as_installation, self._clock.monotonic, name_of)
        self._lock = threading.Lock()  # guards _tags
        self._tags: dict[str, tuple[str, Answer]] = {}

    def repository(self, repository_id: int) -> Repository:
        """Which one it is now. Raises GitHubError."""
        try:
            return self._repositories.of(repository_id)
        except ApiRefused as refused:
            if refused.status != 404:
                raise
            # Another installation may have come in its place.
            self._repositories.forget(repository_id)
            return self._repositories.of(repository_id)

    def anew(self, repository_id: int) -> Repository:
        """The same, asked now: whatever was known of it. Raises GitHubError."""
        self._repositories.forget(repository_id)
        return self._repositories.of(repository_id)

    def as_app(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """A call of the App itself, such as for its log of deliveries. Raises GitHubError."""
        return self._good(self._limited(Cost.READ, Need.NORMAL, method, path, self._tokens.of_app(), body))

    def call(
        self,
        repository_id: int,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        cost: Cost = Cost.READ,
        need: Need = Need.NORMAL,
    ) -> Answer:
        """A call about a repository; `path` is what comes behind its own. Raises GitHubError.

        What is held back for the sake of the limits is refused with a 429.
        """
        for last in (False, True):
            repository = self.repository(repository_id)
            try:
                return self._called(repository, method, repository.path + path, body, cost, need)
            except ApiRefused as refused:
                # Hidden is what nobody let us see, and what another installation sees now.
                if last or refused.status not in (401, 404):
                    raise
                self._repositories.forget(repository_id)
                if self.repository(repository_id) == repository and refused.status == 404:
                    raise
        raise AssertionError

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _called(
        self, where: Repository, method: str, path: str, body: Mapping[str, Any] | None, cost: Cost, need: Need
    ) -> Answer:
        waits = list(_FRESH_WAITS)
        while True:
            token = self._tokens.of(where.installation_id, where.repository_id)
            try:
                return self._good(self._limited(cost, need, method, path, token.value, body))
            except ApiRefused as refused:
                if refused.after is not None or refused.status not in (401, 403):
                    raise
                if waits and self._is_fresh(token):
                    self._pause(waits.pop(0))
                    continue
                if refused.status == 401:
                    self._tokens.forget(token)
                raise

    def _is_fresh(self, token: Token) -> bool:
        return 0 <= self._now() - token.made_at < _FRESH_S

    def _pause(self, seconds: float) -> None:
        waiting = threading.Condition()
        with waiting:
            self._clock.wait(waiting, seconds)

    def _limited(
        self, cost: Cost, need: Need, method: str, path: str, token: str, body: Mapping[str, Any] | None
    ) -> Answer:
        with self._lock:
            tag, known = self._tags.get(path, ("", None)) if method == "GET" else ("", None)
        try:
            with self.rate_limits.call(cost, need):
                answer = self._http.call(method, path, token, body, {"If-None-Match": tag} if tag else {})
                after = self.rate_limits.answered(answer.status, words_of(answer), answer.headers)
        except HeldBack as held:
            raise ApiRefused(HELD_STATUS, str(held), held.seconds) from None
        if after is not None:
            raise ApiRefused(answer.status, words_of(answer), after)
        if answer.status == 304 and known is not None:
            return known
        if method == "GET":
            self._remember(path, answer)
        return answer

    def _remember(self, path: str, answer: Answer) -> None:
        """What has not changed since costs nothing to ask for."""
        if answer.status == 200 and (tag := answer.headers.get("ETag", "")):
            with self._lock:
                self._tags.pop(path, None)
                self._tags[path] = (tag, answer)
                if len(self._tags) > _MOST_TAGS:
                    del self._tags[next(iter(self._tags))]

    def _good(self, answer: Answer) -> Answer:
        if answer.status >= 300:
            raise ApiRefused(answer.status, words_of(answer))
        return answer

    def _mint(self, path: str, token: str, body: Mapping[str, Any]) -> Answer:
        return self._limited(Cost.READ, Need.NORMAL, "POST", path, token, body)

    def _ask_as_app(self, path: str) -> Answer:
        return self._limited(Cost.READ, Need.NORMAL, "GET", path, self._tokens.of_app(), None)

    def _ask_as_installation(self, installation_id: int, repository_id: int, path: str) -> Answer:
        where = Repository(repository_id, "", is_private=False, installation_id=installation_id)
        return self._called(where, "GET", path, None, Cost.READ, Need.NORMAL)
