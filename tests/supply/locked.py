"""What the locks name: each package with its one version and the hashes of its files."""

import importlib.metadata
import re
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCKS = ("requirements.lock", "requirements-dev.lock")
OURSELVES = "pointsman"
# They come with the environment, before a lock is read.
BOOTSTRAP = frozenset({"pip", "setuptools", "wheel"})


@dataclass(frozen=True, slots=True)
class Locked:
    """One package of a lock. `applies` is False where its marker speaks of other machines."""

    name: str
    version: str
    hashes: tuple[str, ...]
    applies: bool


class BadLock(Exception):
    """A line that is not pinned, or has no hash; the text names it."""


def read(path: Path) -> list[Locked]:
    """Raises BadLock."""
    joined = path.read_text().replace("\\\n", " ")
    return [_entry(line) for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def _entry(line: str) -> Locked:
    wanted, *hashes = re.split(r"\s+--hash=sha256:", line.strip())
    try:
        requirement = Requirement(wanted)
    except ValueError:
        raise BadLock(f"{wanted[:80]!r} is no requirement with a version") from None
    [*pins] = requirement.specifier
    if len(pins) != 1 or pins[0].operator != "==" or "*" in pins[0].version:
        raise BadLock(f"{requirement.name} is not pinned to one version")
    if not hashes or any(not re.fullmatch(r"[0-9a-f]{64}", each.strip()) for each in hashes):
        raise BadLock(f"{requirement.name} has no SHA-256 hashes")
    applies = requirement.marker is None or requirement.marker.evaluate()
    name = str(canonicalize_name(requirement.name))
    return Locked(name, pins[0].version, tuple(sorted(map(str.strip, hashes))), applies)


def installed() -> dict[str, str]:
    """Every package of this environment, with its version."""
    found = importlib.metadata.distributions()
    return {str(canonicalize_name(one.metadata["Name"])): one.version for one in found}


def needs(name: str) -> set[str]:
    """What an installed package needs here, without its extras."""
    wanted = map(Requirement, importlib.metadata.requires(name) or ())
    here = [one for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    return {str(canonicalize_name(one.name)) for one in here}
