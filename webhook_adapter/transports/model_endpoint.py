"""Asks an HTTP endpoint of a model that the adapter's owner named, as OpenAI's.

It may be slow, silent, endless or rude; whatever it does, it costs its time limit at most.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import requests
import urllib3

MOST_BYTES = 256 * 1024  # of an answer
_CONNECT_S = 5.0
_PIECE = 16 * 1024


class NoAnswer(Exception):
    """It gave none that can be used; the text says why, and has nothing of what was asked, nor of the address."""


class TooSlow(NoAnswer):
    """It took longer than it may."""


class TooLong(NoAnswer):
    """Its answer has more than MOST_BYTES."""


@dataclass(frozen=True, slots=True)
class ModelEndpoint:
    """One address, with the key that it is shown; empty where it wants none."""

    url: str
    key: str = field(repr=False)

    def post(self, seconds: float, **content: Any) -> bytes:  # noqa: ANN401 -- as requests has it
        """Post `content` (what requests takes) once, and follow no redirect. Raises NoAnswer."""
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        deadline, patience = monotonic() + seconds, (min(_CONNECT_S, seconds), seconds)
        try:
            with requests.post(
                self.url, headers=headers, timeout=patience, allow_redirects=False, stream=True, **content
            ) as response:
                said = b"".join(_body(response, deadline))
                status = response.status_code
        except (requests.Timeout, urllib3.exceptions.TimeoutError):
            raise TooSlow("it took too long") from None
        # Its own words may hold the address, which may hold a password.
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise NoAnswer(type(error).__name__) from None
        if status != requests.codes.ok:
            raise NoAnswer(f"HTTP {status}")
        return said


def _body(response: requests.Response, deadline: float) -> Iterator[bytes]:
    """As it comes: whoever sends a byte at a time is not waited for longer than others."""
    size = 0
    while data := response.raw.read1(_PIECE, decode_content=True):
        if monotonic() > deadline:
            raise TooSlow("it took too long")
        if (size := size + len(data)) > MOST_BYTES:
            raise TooLong("its answer was too long")
        yield data
