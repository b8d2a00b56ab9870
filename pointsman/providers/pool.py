"""Which machines there are to be, and what brings them: `providers.toml` of the data directory. Pure.

most_up = 3
[machines.builder]
provider = "docker"
image = "registry.example.org/pointsman-agent:1"
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pointsman.providers.provider import Wanted, checked_key

FILE = "providers.toml"
LARGEST = 256 * 1024  # characters of that file
MOST = 50  # machines
_KINDS = {
    "local": {"folder"},
    "ssh": {"folder", "host", "host_key", "identity", "program", "port"},
    "docker": {"image"},
    "podman": {"image"},
    "fly": {"image", "app", "regions", "disk_gb", "memory_mb"},
}
_NEEDED = {
    "local": {"folder"}, "ssh": {"folder", "host", "host_key"}, "docker": {"image"}, "podman": {"image"},
    "fly": {"image", "app", "regions"},
}  # fmt: skip
_LIMITS = {"most_up": (3, MOST), "starts_an_hour": (6, 60), "idle_minutes": (15, 24 * 60)}
_NUMBERS = {"disk_gb": 500, "memory_mb": 65536, "port": 65535}


@dataclass(frozen=True, slots=True)
class Entry:
    """One machine. `key` is its name at the router; `more` is what its provider alone understands."""

    key: str
    kind: str
    image: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    def wanted(self, join_token: str, router: str) -> Wanted:
        """What its provider is told. Raises ValueError."""
        return Wanted(self.key, self.image or "none", join_token, self.told(router))

    def told(self, router: str) -> dict[str, str]:
        """What its agent has in its environment."""
        return {"POINTSMAN_ROUTER": router, "POINTSMAN_MACHINE_ID": self.key, **self.environ}


@dataclass(frozen=True, slots=True)
class Pool:
    """`router` is where the machines find it, in place of where we do."""

    machines: Mapping[str, Entry] = field(default_factory=dict)
    router: str = ""
    most_up: int = 3  # at once: each costs something
    starts_an_hour: int = 6  # of one machine
    idle: float = 15 * 60.0  # seconds


def read(text: str) -> Pool:
    """Raises ValueError, whose text says what is wrong."""
    if len(text) > LARGEST:
        raise ValueError(f"it has more than {LARGEST // 1024} KiB")
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(str(error)) from None
    machines = said.pop("machines", {})
    limits = {name: _number(name, said.pop(name, usual), most) for name, (usual, most) in _LIMITS.items()}
    router = said.pop("router", "")
    if said or not isinstance(router, str) or not isinstance(machines, dict):
        raise ValueError(f"what is {', '.join(sorted(said)) or 'router or machines'}?")
    if len(machines) > MOST:
        raise ValueError(f"{MOST} machines at most")
    found = {key: _entry(key, each) for key, each in machines.items()}
    return Pool(found, router, limits["most_up"], limits["starts_an_hour"], limits["idle_minutes"] * 60.0)


def _entry(key: str, said: object) -> Entry:
    checked_key(key)
    if "#" in key:  # a machine's name at the router may not have one
        raise ValueError(f"{key}: a machine's name has letters, digits and ._:@/-")
    if not isinstance(said, dict) or said.get("provider") not in _KINDS:
        raise ValueError(f"{key}: its provider is one of {', '.join(_KINDS)}")
    kind = str(said["provider"])
    environ = said.get("environ", {})
    if not isinstance(environ, dict) or not all(isinstance(each, str) for each in environ.values()):
        raise ValueError(f"{key}: environ has texts alone")
    more = {name: value for name, value in said.items() if name not in ("provider", "environ")}
    if unknown := set(more) - _KINDS[kind]:
        raise ValueError(f"{key}: a machine of {kind} has no {', '.join(sorted(unknown))}")
    if missing := _NEEDED[kind] - set(more):
        raise ValueError(f"{key}: a machine of {kind} needs {', '.join(sorted(missing))}")
    for name, value in more.items():
        _check(key, name, value)
    entry = Entry(key, kind, more.pop("image", ""), environ, more)
    entry.wanted("", "")  # what it holds can be given to a machine
    return entry


def _check(key: str, name: str, value: object) -> None:
    if name in _NUMBERS:
        _number(f"{key}: {name}", value, _NUMBERS[name])
    elif name == "regions":
        if not isinstance(value, list) or not value or not all(isinstance(e, str) and e.isalnum() for e in value):
            raise ValueError(f'{key}: regions is a list such as ["ams", "fra"]')
    elif not isinstance(value, str) or not value or not value.isprintable():
        raise ValueError(f"{key}: {name} is a text")


def _number(name: str, value: object, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= most:
        raise ValueError(f"{name} is a number from 1 to {most}")
    return value
