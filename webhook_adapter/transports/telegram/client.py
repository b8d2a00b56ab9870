"""Calls of Telegram's Bot API. The bot's token is part of every address, so no error and no log line shows one."""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from webhook_adapter.transports.telegram.outbound.upload import CutShort, Form, Upload
from webhook_adapter.transports.telegram.rate_limits import HeldBack, RateLimits

CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 20.0
PROBE_TIMEOUT_S = 5.0
_CONNECTIONS = 20  # the courier's senders, a poll and an answer to a button at once
_LOOPBACK = ("127.0.0.1", "::1", "localhost")

# Its DEBUG lines are request lines, and those hold the token.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


_SECONDS = re.compile(r"[0-9]{1,6}")  # of a wait; what is longer is no answer of Telegram's


class TelegramError(Exception):
    """A call did not do what it should; the text is safe to show."""


class ApiRefused(TelegramError):
    """Telegram answered no: its code, its words, and what it says to do."""

    def __init__(self, code: int, description: str, retry_after: float | None = None, migrate_to: str = "") -> None:
        super().__init__(f"{code} {description}")
        self.code = code
        self.description = description
        self.retry_after = retry_after  # seconds
        self.migrate_to = migrate_to  # the chat's new id


class NoAnswer(TelegramError):
    """No usable answer came. The call may have had its effect all the same."""


class TelegramClient:
    """One bot at one server. Threads may share it. Given a budget, calls that name a chat are paced by it."""

    def __init__(
        self, token: str, api_base: str, rate_limits: RateLimits | None = None, session: requests.Session | None = None
    ) -> None:
        self._rate_limits = rate_limits
        self._prefix = f"{api_base.rstrip('/')}/bot{token}"
        self._files = f"{api_base.rstrip('/')}/file/bot{token}"
        self._session = session or requests.Session()
        self._session.mount("http://", HTTPAdapter(pool_maxsize=_CONNECTIONS))
        self._session.mount("https://", HTTPAdapter(pool_maxsize=_CONNECTIONS))
        # A proxy of the environment cannot reach this machine's own loopback.
        self._session.trust_env = urlsplit(api_base).hostname not in _LOOPBACK

    def call(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        *,
        upload: Upload | None = None,
        timeout: float = ANSWER_TIMEOUT_S,
        spare: bool = False,
    ) -> object:
        """Call a method and return its result. Raises ApiRefused or NoAnswer; `timeout` in seconds, for the answer.

        `spare`: only if the budget has plenty, so that nothing ever waits for this call; else it is refused with a 429.

        The parameter of a file is what the method sends: "photo" of sendPhoto. Raises what reading it raises, too.
        """
        values = dict(params or {})
        chat_id = str(values.get("chat_id") or "")
        post = partial(self._post, method, values, upload, timeout)
        if self._rate_limits is None or not chat_id:
            return _result(post())
        return self._paced(self._rate_limits, chat_id, lambda: _result(post()), spare=spare)

    def answers(self) -> bool:
        """Whether the server answers for this bot at all; asked when a call failed."""
        try:
            self.call("getMe", timeout=PROBE_TIMEOUT_S)
        except TelegramError:
            return False
        return True

    def _paced(self, rate_limits: RateLimits, chat_id: str, call: Callable[[], object], *, spare: bool) -> object:
        try:
            with rate_limits.call(chat_id, spare=spare):
                return call()
        except HeldBack as held:
            raise ApiRefused(429, str(held), held.seconds) from None
        except ApiRefused as refused:
            if refused.code == 429:
                rate_limits.refused(chat_id, refused.retry_after)
            raise

    def download(self, path: str, part: int) -> Iterator[bytes]:
        """A file by the path that getFile told, in parts of so many bytes. Raises NoAnswer, also on the way."""
        try:
            with self._session.get(
                f"{self._files}/{path}",
                timeout=(CONNECT_TIMEOUT_S, ANSWER_TIMEOUT_S),
                allow_redirects=False,
                stream=True,
            ) as response:
                if response.status_code == HTTPStatus.OK:
                    yield from response.iter_content(part)
                    return
                trouble = f"HTTP {response.status_code}"
        except requests.RequestException as error:
            trouble = type(error).__name__
        raise NoAnswer(f"a file did not come from Telegram ({trouble})")  # see _post

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _post(self, method: str, params: dict[str, Any], upload: Upload | None, timeout: float) -> requests.Response:
        sent: dict[str, Any] = {"json": params}
        if upload is not None:
            form = Form(params, method.removeprefix("send").lower(), upload)
            # As a stream: a file of 50 MB is never in memory as a whole.
            sent = {"data": form, "headers": form.headers}
        try:
            return self._session.post(
                f"{self._prefix}/{method}", timeout=(CONNECT_TIMEOUT_S, timeout), allow_redirects=False, **sent
            )
        except (requests.RequestException, CutShort) as error:
            trouble = type(error).__name__
        # Raised out here, so that the error of requests, which shows the address, is not even its context.
        raise NoAnswer(f"no answer from Telegram ({trouble})")


def _result(response: requests.Response) -> object:
    try:
        answer: object = response.json()
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict) or "ok" not in answer:
        raise NoAnswer(f"no answer of Telegram's, but HTTP {response.status_code} without its JSON")
    if answer["ok"] is True:
        return answer.get("result")
    raise _refused(response, answer)


def _refused(response: requests.Response, answer: Mapping[str, Any]) -> ApiRefused:
    given, code = answer.get("parameters"), answer.get("error_code")
    parameters = given if isinstance(given, dict) else {}
    after = str(parameters.get("retry_after") or response.headers.get("Retry-After", ""))
    return ApiRefused(
        code if isinstance(code, int) else response.status_code,
        str(answer.get("description") or "no reason given"),
        float(after) if _SECONDS.fullmatch(after) else None,
        str(parameters.get("migrate_to_chat_id") or ""),
    )
