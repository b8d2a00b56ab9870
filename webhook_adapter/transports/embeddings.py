"""Takes texts from the router, and asks an HTTP endpoint as OpenAI's what they mean. One at a time; nothing is kept."""

import json
import logging
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pointsman.client.errors import RouterError
from webhook_adapter.backoff import Backoff
from webhook_adapter.model import Text
from webhook_adapter.transports.model_endpoint import ModelEndpoint, NoAnswer
from webhook_adapter.transports.platform import Host

logger = logging.getLogger(__name__)

WAIT_S = 20.0  # of a call for the next one
MOST_DIMENSIONS = 4096
_AGAIN_S = (1.0, 60.0)
_TOO_LARGE = 1e30


def vector_of(endpoint: ModelEndpoint, text: Text) -> Sequence[float]:
    """Ask as OpenAI's /v1/embeddings: it answers `{"data": [{"embedding": […]}]}`. Raises NoAnswer."""
    asked = {"model": text.model, "input": text.text, "encoding_format": "float"}
    return _vector(endpoint.post(text.seconds, json=asked))


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
    endpoint: ModelEndpoint
    stop: threading.Event
    backoff: Backoff

    def run(self) -> None:
        """Go on until `stop` is set. Where the endpoint fails, the router goes by words until it is asked again."""
        while not self.stop.is_set():
            try:
                self.one(WAIT_S)
                self.backoff.reset()
            except NoAnswer as why:
                logger.warning("notes are found by words alone: the endpoint for embeddings failed (%s)", why)
                self.stop.wait(self.backoff.next_wait())
            except RouterError as error:
                logger.warning("notes are found by words alone: %s", error.message)
                self.stop.wait(error.retry_after or self.backoff.next_wait())

    def one(self, wait: float) -> bool:
        """The next one, if one comes within so many seconds. Raises NoAnswer, and tells the router, or RouterError."""
        text = self.router.take_text(wait)
        if text is None:
            return False
        try:
            vector = vector_of(self.endpoint, text)
        except NoAnswer:
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
    asked = ModelEndpoint(config.url, config.key)
    return {"embeddings": Embeddings(host.router, asked, host.stop, backoff).run}


def _vector(said: bytes) -> Sequence[float]:
    try:
        values = json.loads(said)["data"][0]["embedding"]
    except (ValueError, RecursionError, LookupError, TypeError):
        values = None
    if not isinstance(values, list) or not 0 < len(values) <= MOST_DIMENSIONS or not all(map(_is_number, values)):
        raise NoAnswer('its answer is not {"data": [{"embedding": NUMBERS}]}')
    return values


def _is_number(value: object) -> bool:
    # So neither NaN nor what is too large for a float32.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _TOO_LARGE
