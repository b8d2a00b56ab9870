"""What all providers have in common. Pure.

A provider has five verbs, and each may be said again, with the same end: whoever said it and heard no answer gets no
second machine. What it brings is a machine that enrols as any other, by a join token that is pinned to its
name; the router knows nothing of providers.

    ABSENT ─ensure─▶ STARTING ─▶ RUNNING ─stop─▶ STOPPED ─start─▶ STARTING        destroy: from any of them to ABSENT
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

DISK = "/var/lib/pointsman"  # in the machine: where its agent keeps everything, on a disk that outlives a stop
TOKEN_FILE = "/run/pointsman/join-token"  # noqa: S105 -- where it is, not what
# A file and no variable: what is in the environment of a container, everybody may read who may look at one.
BOOT = (
    'test -s "$POINTSMAN_DATA_DIR/agent/machine.json" || pointsman enroll "$POINTSMAN_ROUTER" -'
    f" <{TOKEN_FILE} && exec pointsman agent"
)
LONGEST_KEY = 128
PREFIX = "pointsman-"  # of all names that providers are given
_KEY = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._:@/#-]{{0,{LONGEST_KEY - 1}}}")
_PLAIN = re.compile(r"[^a-z0-9]+")
_SHORT = 24  # characters of the readable part of a name
_FINGERPRINT = re.compile(r"[A-Za-z0-9_-]{43}")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")


class ProviderError(Exception):
    """It could not be done; the text says why, for people. Whether it was done in part, `list` tells."""


class Unsure(ProviderError):
    """It was asked for, and no answer came: it may have been done. Say it again."""


class Full(ProviderError):
    """There is no room for it now. Nothing was made."""


class State(Enum):
    """How a machine is, as its provider sees it. That it RUNS does not say that its agent has a link."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    BROKEN = "broken"  # it can only be destroyed


@dataclass(frozen=True, slots=True)
class Wanted:
    """A machine that is to be. Its key is what it is for; there is one machine of each, or none."""

    key: str
    image: str
    join_token: str = field(default="", repr=False)  # in no log; needed until it has enrolled
    environ: Mapping[str, str] = field(default_factory=dict)  # no secrets: whoever may look at the machine reads them

    def __post_init__(self) -> None:
        """Raises ValueError where something in it could pass for an option, or for several values."""
        checked_key(self.key)
        if not self.image or self.image.startswith("-") or not _is_word(self.image):
            raise ValueError(f"{self.image[:80]!r} is no image")
        if self.join_token and not _is_word(self.join_token):
            raise ValueError("the join token is none")
        for name, value in self.environ.items():
            if not _VARIABLE.fullmatch(name) or not value.isprintable():
                raise ValueError(f"{name[:80]!r} cannot be given to a machine")

    @property
    def owner(self) -> str:
        """The fingerprint of the router's key, which join tokens carry; empty where this one does not."""
        fingerprint = self.join_token.partition(".")[2]
        return fingerprint if _FINGERPRINT.fullmatch(fingerprint) else ""


@dataclass(frozen=True, slots=True)
class Provided:
    """A machine that is there. `reference` is its provider's own name for it."""

    key: str
    state: State
    reference: str
    owner: str = ""  # the fingerprint of the router for which it was made, where its provider was asked for that


class Provider(Protocol):
    """Each call may take minutes. Raises ProviderError, and ValueError for a key that is none."""

    def ensure(self, wanted: Wanted) -> Provided:
        """It is there and runs, or is about to; made where it was not."""

    def start(self, key: str) -> Provided:
        """It runs again. Raises ProviderError where there is none."""

    def stop(self, key: str) -> Provided:
        """It does not run, and its disk stays. Raises ProviderError where there is none."""

    def destroy(self, key: str) -> None:
        """It is gone with its disk, also where there was none. Who says this knows that no work is there alone."""

    def listed(self) -> list[Provided]:
        """All that are ours, whoever made them."""


def checked_key(key: str) -> str:
    """The key. Raises ValueError."""
    if not _KEY.fullmatch(key):
        raise ValueError(
            f"A machine is for 1 to {LONGEST_KEY} letters, digits and ._:@/#-; the first is a letter or digit."
        )
    return key


def name_of(key: str) -> str:
    """What its provider calls it: what is readable of the key, and what tells it from every other."""
    readable = _PLAIN.sub("-", checked_key(key).lower()).strip("-")[-_SHORT:].strip("-") or "machine"
    return f"{PREFIX}{readable}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def _is_word(text: str) -> bool:
    return text.isprintable() and " " not in text and len(text) <= 512
