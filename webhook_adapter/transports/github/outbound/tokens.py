"""What calls show: the App's own token, made of its key for some minutes, and those of installations, for an hour.

A token of an installation is asked for one repository and for what is done there, so that one that leaks opens no more.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from webhook_adapter.transports.github.outbound.http import Answer, ApiRefused, words_of

PERMISSIONS = {"issues": "write", "pull_requests": "write", "checks": "write", "metadata": "read"}
_BEFORE_S, _LIFE_S = 60, 540  # of the App's own: a clock may be a minute off, and GitHub takes ten minutes at most
_RENEW_S = 240.0  # seconds after which it is made anew
_LEAST_S = 300.0  # seconds that a token of an installation must be good for still


@dataclass(frozen=True, slots=True)
class Token:
    """Of an installation. Its form is GitHub's own affair."""

    value: str = field(repr=False)
    expires_at: float  # seconds since 1970
    made_at: float  # the same


Post = Callable[[str, str, Mapping[str, Any]], Answer]  # path, the App's own token, body


class Tokens:
    """Of one App. Threads may share it: whoever comes while a token is asked for waits for that one."""

    def __init__(self, app_id: int, private_key: str, post: Post, now: Callable[[], float]) -> None:
        """`post` raises NoAnswer. Raises ValueError where the key is none."""
        key = load_pem_private_key(private_key.encode(), None)
        if not isinstance(key, RSAPrivateKey):
            raise ValueError("the private key of a GitHub App is an RSA key")  # noqa: TRY004 - a setting is wrong
        self._app_id, self._key, self._post, self._now = app_id, key, post, now
        self._lock = threading.Lock()  # guards the three below
        self._own, self._own_at = "", 0.0
        self._tokens: dict[tuple[int, int], Token] = {}
        self._asking: dict[tuple[int, int], threading.Lock] = {}

    def of_app(self) -> str:
        """The App's own."""
        with self._lock:
            now = self._now()
            if not self._own or not 0 <= now - self._own_at < _RENEW_S:
                # The issuer as text: a number is refused by the library.
                claims = {"iat": int(now) - _BEFORE_S, "exp": int(now) + _LIFE_S, "iss": str(self._app_id)}
                self._own, self._own_at = jwt.encode(claims, self._key, "RS256"), now
            return self._own

    def of(self, installation_id: int, repository_id: int) -> Token:
        """For one repository. Raises ApiRefused or NoAnswer."""
        place = (installation_id, repository_id)
        with self._lock:
            asking = self._asking.setdefault(place, threading.Lock())
        with asking:
            with self._lock:
                known = self._tokens.get(place)
            if known is not None and known.expires_at - self._now() > _LEAST_S:
                return known
            token = self._made(installation_id, repository_id)
            with self._lock:
                self._tokens[place] = token
            return token

    def forget(self, token: Token) -> None:
        """It was refused."""
        with self._lock:
            self._tokens = {place: each for place, each in self._tokens.items() if each is not token}

    def _made(self, installation_id: int, repository_id: int) -> Token:
        path = f"/app/installations/{installation_id}/access_tokens"
        narrowed: dict[str, Any] = {"repository_ids": [repository_id], "permissions": PERMISSIONS}
        answer = self._post(path, self.of_app(), narrowed)
        if answer.status == 422:  # its owner has not given all of them: what is missing shows where it is needed
            answer = self._post(path, self.of_app(), {"repository_ids": [repository_id]})
        told = answer.content if isinstance(answer.content, dict) else {}
        if answer.status != 201 or not isinstance(told.get("token"), str):
            raise ApiRefused(answer.status, words_of(answer))
        return Token(told["token"], _time(str(told.get("expires_at", "")), self._now()), self._now())


def _time(told: str, now: float) -> float:
    """A time as GitHub writes it, with or without parts of a second."""
    try:
        return datetime.fromisoformat(told).timestamp()
    except ValueError:
        return now + _LEAST_S + 60.0  # it says nothing that we understand: good for a minute
