"""Takes texts from the router, and asks an HTTP endpoint as OpenAI's what they mean. One at a time; nothing is kept.

It may be slow, silent, endless or rude; whatever it does, it costs its time limit at most.
"""

import json
import logging
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

import requests
import urllib3

from pointsman.client.errors import RouterError
from webhook_adapter.backoff import Backoff
from webhook_adapter.model import Text
from webhook_adapter.transports.platform import Host

logger = logging.getLogger(__name__)

WAIT_S = 20.0  # of a call for the next one
MOST_BYTES = 256 * 1024  # of an answer
MOST_DIMENSIONS = 4096
_AGAIN_S = (1.0, 60.0)
_PIECE = 16 * 1024
_TOO_LARGE = 1e30


class Failed(Exception):
    """There is no vector; the text says why, and nothing of what was asked."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """POST of `{"model": …, "input": …}`, as OpenAI's /v1/embeddings; it answers `{"data": [{"embedding": […]}]}`."""

    url: str
    key: str = field(repr=False)

    def vector_of(self, text: Text) -> Sequence[float]:
        """Ask it once. Raises Failed."""
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        asked = {"model": text.model, "input": text.text, "encoding_format": "float"}
        deadline = monotonic() + text.seconds
        try:
            with requests.post(
                self.url, json=asked, headers=headers, timeout=text.seconds, allow_redirects=False, stream=True
            ) as response:
                said = b"".join(_body(response, deadline))
                status = response.status_code
        # Its own words may hold the address, which may hold a password.
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise Failed(type(error).__name__) from None
        if status != requests.codes.ok:
            raise Failed(f"HTTP {status}")
        return _vector(said)


class EmbeddingsRouter(Protocol):
    """What is asked of the router. Every method raises RouterError."""

    def take_text(self, wait: float) -> Text | None:
        """The next text, if one comes within so many seconds."""

    def put_embedding(self, text: Text, values: Sequence[float]) -> None:
        """Its vector; none, where there is none."""


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Asks for one text after another."""

    router: EmbeddingsRouter
    endpoint: Endpoint
    stop: threading.Event
    backoff: Backoff

    def run(self) -> None:
        """Go on until `stop` is set. Where the endpoint fails, the router goes by words until it is asked again."""
        while not self.stop.is_set():
            try:
                self.one(WAIT_S)
                self.backoff.reset()
            except Failed as failed:
                logger.warning("notes are found by words alone: the endpoint for embeddings failed (%s)", failed)
                self.stop.wait(self.backoff.next_wait())
            except RouterError as error:
                logger.warning("notes are found by words alone: %s", error.message)
                self.stop.wait(error.retry_after or self.backoff.next_wait())

    def one(self, wait: float) -> bool:
        """The next one, if one comes within so many seconds. Raises Failed, and tells the router, or RouterError."""
        text = self.router.take_text(wait)
        if text is None:
            return False
        try:
            vector = self.endpoint.vector_of(text)
        except Failed:
            self.router.put_embedding(text, ())
            raise
        self.router.put_embedding(text, vector)
        return True


def embeddings(host: Host) -> dict[str, Callable[[], None]]:
    """What the courier runs beside its links; nothing without settings."""
    config = host.config.embeddings
    if config is None:
        return {}
    backoff = Backoff(*_AGAIN_S, random.Random())  # noqa: S311 - it spreads tries
    asked = Endpoint(config.url, config.key)
    return {"embeddings": Embeddings(host.router, asked, host.stop, backoff).run}


def _body(response: requests.Response, deadline: float) -> Iterator[bytes]:
    """As it comes: whoever sends a byte at a time is not waited for longer than others."""
    size = 0
    while data := response.raw.read1(_PIECE, decode_content=True):
        if monotonic() > deadline:
            raise Failed("it took too long")
        if (size := size + len(data)) > MOST_BYTES:
            raise Failed("its answer was too long")
        yield data


def _vector(said: bytes) -> Sequence[float]:
    try:
        values = json.loads(said)["data"][0]["embedding"]
    except (ValueError, RecursionError, LookupError, TypeError):
        values = None
    if not isinstance(values, list) or not 0 < len(values) <= MOST_DIMENSIONS or not all(map(_is_number, values)):
        raise Failed('its answer is not {"data": [{"embedding": NUMBERS}]}')
    return values


def _is_number(value: object) -> bool:
    # So neither NaN nor what is too large for a float32.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _TOO_LARGE
