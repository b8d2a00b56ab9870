"""One call of GitHub's REST API and what came of it. No token is in an error or a log line: nor is an address.

A repository that was renamed or moved answers with a redirect. `requests` makes a GET of a POST then, and calls it
success: so they are followed by hand, with the method kept, on the same server alone.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter

CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 10.0
API_VERSION = "2022-11-28"
_REDIRECTS = (301, 302, 307, 308)
_MOST_REDIRECTS = 3
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_CONNECTIONS = 8
_LONGEST_WORDS = 300
_TOKEN = re.compile(r"gh[a-z]_[A-Za-z0-9._-]{20,}|eyJ[\w-]+\.[\w-]+\.[\w-]+")

# Its DEBUG lines are request lines, which hold the names of private repositories.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


class GitHubError(Exception):
    """A call did not do what it should; the text is safe to show."""


class ApiRefused(GitHubError):
    """GitHub answered no: its status, its words, and for how long nothing may be asked, where it is about a limit."""

    def __init__(self, status: int, words: str, after: float | None = None) -> None:
        super().__init__(f"{status} {words}")
        self.status = status
        self.words = words
        self.after = after  # seconds


class NoAnswer(GitHubError):
    """No usable answer came. The call may have had its effect all the same."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What GitHub said. `content`: None where there was no JSON, as in a 204."""

    status: int
    content: Any
    headers: Mapping[str, str] = field(repr=False)


class Http:
    """Connections to one server. Threads may share it."""

    def __init__(self, api: str, session: requests.Session | None = None) -> None:
        self._api = api.rstrip("/") + "/"
        self._session = session or requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=_CONNECTIONS))
        # A proxy of the environment cannot reach this machine's own loopback.
        self._session.trust_env = urlsplit(api).hostname not in _LOOPBACK

    def call(
        self, method: str, path: str, token: str, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] = {}
    ) -> Answer:
        """Make a call. `path` begins with "/"; `token` is an App's own or an installation's. Raises NoAnswer.

        Every status of GitHub's own is an answer.
        """
        sent = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {token}",
            "User-Agent": "pointsman",
            "X-GitHub-Api-Version": API_VERSION,
            **headers,
        }
        url = urljoin(self._api, path.lstrip("/"))
        for _ in range(_MOST_REDIRECTS + 1):
            response = self._send(method, url, sent, body)
            location = response.headers.get("Location", "")
            if response.status_code not in _REDIRECTS or not location:
                return _answer(response)
            url = urljoin(url, location)
            # The token goes nowhere else.
            if urlsplit(url)[:2] != urlsplit(self._api)[:2]:
                raise NoAnswer("GitHub sent a call on to another server, where it is not followed")
        raise NoAnswer(f"GitHub sent a call on more than {_MOST_REDIRECTS} times")

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: Mapping[str, Any] | None
    ) -> requests.Response:
        try:
            return self._session.request(
                method,
                url,
                headers=dict(headers),
                json=body,
                timeout=(CONNECT_TIMEOUT_S, ANSWER_TIMEOUT_S),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            trouble = type(error).__name__
        # Raised out here, so that the error of requests, which shows the call, is not even its context.
        raise NoAnswer(f"no answer from GitHub ({trouble})")


def words_of(answer: Answer) -> str:
    """What GitHub says, on one line, for people."""
    told = answer.content if isinstance(answer.content, dict) else {}
    message, errors = told.get("message"), told.get("errors")
    words = message if isinstance(message, str) else "no reason given"
    if isinstance(errors, list) and errors:
        words += f" ({'; '.join(_error(each) for each in errors[:3])})"
    return _TOKEN.sub("[token]", " ".join(words.split()))[:_LONGEST_WORDS]


def _error(told: object) -> str:
    if isinstance(told, dict):
        return str(told.get("message") or " ".join(str(told.get(name, "")) for name in ("field", "code")))
    return str(told)


def _answer(response: requests.Response) -> Answer:
    try:
        content: object = response.json() if response.content else None
    except (ValueError, RecursionError):
        content = None
        if response.status_code != HTTPStatus.NO_CONTENT:
            # A page of some proxy, whatever status it shows: GitHub may have done it.
            raise NoAnswer(f"no answer of GitHub's, but HTTP {response.status_code} without its JSON") from None
    return Answer(response.status_code, content, response.headers)
