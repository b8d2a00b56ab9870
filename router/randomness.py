"""Where ids, jitter and secrets come from."""

import os
import random
from collections.abc import Callable
from dataclasses import dataclass

import uuid_utils


def new_id() -> str:
    """A new id; later ones sort behind earlier ones."""
    return str(uuid_utils.uuid7())


@dataclass(frozen=True, slots=True)
class Randomness:
    """Three sources; the system's own unless a caller brings others."""

    new_id: Callable[[], str] = new_id
    jitter: Callable[[], float] = random.SystemRandom().random  # in [0, 1)
    secret: Callable[[int], bytes] = os.urandom


SYSTEM = Randomness()
