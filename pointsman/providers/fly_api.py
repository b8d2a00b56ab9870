"""Fly's Machines API as we ask it: at its pace, and never twice where that could do something twice."""

import http.client
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from pointsman.providers.provider import Full, ProviderError, Unsure
from pointsman.providers.rate_limit import CHANGES, Buckets, Rate

Json = dict[str, object]
PATIENCE = 75.0  # seconds of one call: it waits for a machine for 60 at most
MOST = 16 * 1024 * 1024  # bytes of an answer
_TRIES = 4  # of what it did not take, as we came too often
_LONGEST_REST = 60.0  # seconds
_NO_ROOM = ("capacity", "insufficient", "could not reserve", "no available", "out of")


class Missing(ProviderError):
    """What was asked about is not there."""


class TimedOut(ProviderError):
    """It waited, and what was waited for has not come yet: nothing failed."""


@dataclass(slots=True)
class FlyApi:
    """Of one app. `clock` and `sleep` are in seconds; the clock never goes back."""

    base: str
    app: str
    token: str = field(repr=False)  # in no log, whoever logs this
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    _buckets: Buckets = field(default_factory=Buckets)

    def __post_init__(self) -> None:
        """Raises ValueError for an address over which the token would be seen, and where there is none."""
        if not self.token.strip() or not self.token.isprintable() or not self.app.replace("-", "").isalnum():
            raise ValueError("Fly wants a token, and the name of an app")
        where = urlsplit(self.base)
        is_near = where.scheme == "http" and where.hostname in ("127.0.0.1", "::1", "localhost")
        if where.scheme != "https" and not is_near:
            raise ValueError(f"{self.base} is no https address")

    def ask(
        self, action: str, method: str, path: str, body: Json | None = None, *, thing: str = "", rate: Rate = CHANGES,
        query: Mapping[str, str] | None = None,
    ) -> object:  # fmt: skip
        """What it answers. `thing` is the machine that the action is about; else the app.

        Raises Unsure where it may have been done; Full, Missing and any other ProviderError where it was not.
        """
        bucket = f"{action} {thing or self.app}"
        for attempt in range(_TRIES):
            self.sleep(self._buckets.take(bucket, rate, self.clock()))
            status, after, data = self._sent(method, path + (f"?{urlencode(query)}" if query else ""), body)
            if status != http.client.TOO_MANY_REQUESTS:
                return self._read(method, status, data)
            self._buckets.rest(bucket, rate, after if after > 0 else 2.0**attempt, self.clock())
        raise ProviderError("Fly takes no more calls for now. Nothing was done; say it again in a while.")

    def _sent(self, method: str, path: str, body: Json | None) -> tuple[int, float, bytes]:
        where = urlsplit(self.base)
        connection: http.client.HTTPConnection
        if where.scheme == "https":
            secure = ssl.create_default_context()
            connection = http.client.HTTPSConnection(where.netloc, timeout=PATIENCE, context=secure)
        else:
            connection = http.client.HTTPConnection(where.netloc, timeout=PATIENCE)
        try:
            connection.connect()
        except OSError as error:
            raise ProviderError(f"Fly cannot be reached: {error.strerror or error}") from None
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            full = f"{where.path.rstrip('/')}/v1/apps/{self.app}{path}"
            connection.request(method, full, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            after = answer.headers.get("retry-after", "")
            rest = float(after) if after.isascii() and after.isdigit() else 0.0
            return answer.status, min(rest, _LONGEST_REST), self._whole(answer)
        except (OSError, http.client.HTTPException) as error:
            if method == "GET":
                raise ProviderError(f"Fly did not answer: {type(error).__name__}") from None
            raise Unsure("Fly did not answer: it may have been done") from None
        finally:
            connection.close()

    def _whole(self, answer: http.client.HTTPResponse) -> bytes:
        """Raises TimeoutError where it only drips: each byte in time, and never all."""
        data, until = b"", self.clock() + PATIENCE
        while len(data) < MOST and (more := answer.read1(64 * 1024)):
            data += more
            if self.clock() > until:
                raise TimeoutError
        return data

    def _read(self, method: str, status: int, data: bytes) -> object:
        words = _words(data)
        if 200 <= status < 300:
            try:
                return json.loads(data) if data.strip() else {}
            except (ValueError, RecursionError):
                raise Unsure("Fly answered with something that is no JSON") from None
        said = f"Fly says {status}: {words.replace(self.token, '…')}"
        if status == http.client.NOT_FOUND:
            raise Missing(said)
        if status == http.client.REQUEST_TIMEOUT:
            raise TimedOut(said) if method == "GET" else Unsure(said)
        if any(each in words.lower() for each in _NO_ROOM):
            raise Full(said)
        raise Unsure(said) if status >= 500 and method != "GET" else ProviderError(said)


def _words(data: bytes) -> str:
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        return ""
    words = said.get("error") or said.get("message") if isinstance(said, dict) else ""
    return " ".join("".join(one if one.isprintable() else " " for one in str(words or "")).split())[:300]
