"""The gates before a link and before a start from afar: one table, each with its reason and what to do.

A start is judged when it is accepted, and again before it is sent, by what its machine said in its last hello. Two
stand beside the table: a credential dated by a clock that is off is refused before any hello (CLOCK_SKEW), and an agent
whose disk takes no more holds no link until it does.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import time
from enum import Enum
from posixpath import normpath
from typing import NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from router.domain import quiet
from router.domain.errors import Reason, Refusal
from router.domain.machine import CLAUDE, PROGRAM_WORD, Machine, MachinePolicy
from router.domain.start import is_path

DAY = 24 * 3600.0
MAX_LISTED = 50
KEY_DUE = 2 / 3  # of the age that a key may have: from then on another one is asked for
LEAST_ROOM = 200 * 1024**2  # bytes: below it doctor fails, too
_VERSION = re.compile(r"\d+(?:\.\d+)*")


class Way(Enum):
    """What a gate stands before."""

    LINK = "link"
    START = "start"


class Requirements(Struct, frozen=True):
    """What the settings ask of every machine; what is empty asks nothing."""

    agent: str = ""
    programs: Mapping[str, str] = field(default_factory=dict)  # the least version of each
    credential_days: int = 0


NOTHING_ASKED = Requirements()


class Attempt(Struct, frozen=True):
    """What wants to pass. Without a folder it is about none: whether anything could pass."""

    machine: Machine
    requirements: Requirements
    now: float  # seconds since the epoch
    at: time  # the router's time of day
    folder: str | None = None
    program: str = CLAUDE


class Gate(NamedTuple):
    """One gate: `closed` says why, or nothing where it is open."""

    way: Way
    reason: Reason
    closed: Callable[[Attempt], str]


class Closed(NamedTuple):
    """A gate that is closed, and what people are told."""

    gate: Gate
    text: str


def _credential(attempt: Attempt) -> str:
    days, machine = attempt.requirements.credential_days, attempt.machine
    age = _key_age(attempt)
    if not days or age <= days:
        return ""
    return (
        f"The key of {machine.machine_id} is {age:.0f} days old; this router takes none of more than {days}. Its agent"
        " makes a new one by itself. One that is too old for that is to be updated, or revoked and enrolled again."
    )


def _agent(attempt: Attempt) -> str:
    least, machine = attempt.requirements.agent, attempt.machine
    if not least or _at_least(machine.agent_version, least):
        return ""
    found = machine.agent_version or "of no known version"
    return (
        f"The agent of {machine.machine_id} is {found}; this router takes {least} or newer. Update it there, and start"
        " it again."
    )


def _allowed(attempt: Attempt) -> str:
    name = attempt.machine.machine_id
    if attempt.machine.policy.starts:
        return ""
    return f"No session may be started on {name}: pointsman machine policy {name} --starts yes allows it."


def _hours(attempt: Attempt) -> str:
    hours, name = attempt.machine.policy.hours, attempt.machine.machine_id
    if not hours or quiet.covers(hours, attempt.at):
        return ""
    return (
        f"Sessions may be started on {name} from {hours.replace('-', ' to ')}; on the router it is {attempt.at:%H:%M}."
    )


def _folder(attempt: Attempt) -> str:
    allowed, machine = attempt.machine.policy.folders, attempt.machine
    if not allowed or attempt.folder is None or any(map(allowed_by(allowed), _places(attempt.folder, machine))):
        return ""
    return f"The policy of {machine.machine_id} allows no session there. Name a folder in one of: {', '.join(allowed)}"


def _program(attempt: Attempt) -> str:
    allowed, name = attempt.machine.policy.programs, attempt.machine.machine_id
    if not allowed or attempt.program in allowed:
        return ""
    return f"The policy of {name} allows no {attempt.program} there, only: {', '.join(allowed)}"


def _program_version(attempt: Attempt) -> str:
    least = attempt.requirements.programs.get(attempt.program, "")
    told = dict(each.partition("=")[::2] for each in attempt.machine.programs)
    found = told.get(attempt.program, "")
    if not least or _at_least(found, least):
        return ""
    return (
        f"{attempt.program} on {attempt.machine.machine_id} is {found or 'of no known version'}; sessions need"
        f" {least} or newer. Update it there, and start the agent again."
    )


def _room(attempt: Attempt) -> str:
    free, name = attempt.machine.free_bytes, attempt.machine.machine_id
    if free is None or free >= LEAST_ROOM:
        return ""
    return (
        f"{name} had {free // 1024**2} MiB of disk left when it last connected. Make room, and start its agent again."
    )


GATES = (
    Gate(Way.LINK, Reason.CREDENTIAL_OLD, _credential),
    Gate(Way.LINK, Reason.AGENT_TOO_OLD, _agent),
    Gate(Way.START, Reason.START_NOT_ALLOWED, _allowed),
    Gate(Way.START, Reason.OUTSIDE_HOURS, _hours),
    Gate(Way.START, Reason.FOLDER_NOT_ALLOWED, _folder),
    Gate(Way.START, Reason.PROGRAM_NOT_ALLOWED, _program),
    Gate(Way.START, Reason.PROGRAM_TOO_OLD, _program_version),
    Gate(Way.START, Reason.NO_ROOM, _room),
)


def closed(attempt: Attempt, *ways: Way) -> Iterator[Closed]:
    """The gates on these ways that are closed to it, in the order of the table."""
    for gate in GATES:
        if gate.way in ways and (text := gate.closed(attempt)):
            yield Closed(gate, text)


def key_due(attempt: Attempt) -> bool:
    """Whether a machine is to be asked for another key: a person wants it, or the gate will soon be closed to this."""
    days = attempt.requirements.credential_days
    return attempt.machine.key_wanted or (days > 0 and _key_age(attempt) > days * KEY_DUE)


def checked(policy: MachinePolicy) -> MachinePolicy:
    """A policy as a person gave it. Raises Refusal where it would mean nothing."""
    if max(len(policy.folders), len(policy.programs)) > MAX_LISTED:
        raise Refusal(Reason.INVALID_ARGUMENT, f"A policy names {MAX_LISTED} folders and programs at most.")
    for folder in policy.folders:
        if not (folder.startswith(("/", "~")) and is_path(folder)):
            raise Refusal(Reason.INVALID_ARGUMENT, f"{folder[:128]!r} is no folder such as /srv/src or ~/src.")
    if wrong := [program for program in policy.programs if not PROGRAM_WORD.fullmatch(program)]:
        raise Refusal(Reason.INVALID_ARGUMENT, f"{wrong[0][:64]!r} is no name of a program.")
    hours = quiet.read(policy.hours) if policy.hours else ""
    if hours is None:
        raise Refusal(Reason.INVALID_ARGUMENT, "Hours are written 8-18 or 08:00-18:30.")
    return replace(policy, hours=hours)


def allowed_by(folders: tuple[str, ...]) -> Callable[[str], bool]:
    """Whether a folder is one of these or below; as it is written, since where it leads only its machine knows."""

    def allows(place: str) -> bool:
        return any(place == folder or place.startswith(folder.rstrip("/") + "/") for folder in map(normpath, folders))

    return allows


def _key_age(attempt: Attempt) -> float:
    """In days."""
    return (attempt.now - attempt.machine.key_made_at) / DAY


def _places(folder: str, machine: Machine) -> list[str]:
    """What a folder may mean on its machine: a name that is no whole path is below one of those that it allows."""
    if folder.startswith(("/", "~")):
        return [normpath(folder)]
    first = machine.start_folders[:1] if not folder else machine.start_folders
    # All of them must be allowed, as nobody here knows which it is: so one that is not stands for it.
    places = [normpath(f"{root}/{folder}") for root in first]
    outside = [place for place in places if not allowed_by(machine.policy.folders)(place)]
    return outside[:1] or places[:1]


def _at_least(version: str, least: str) -> bool:
    """Whether one version is another or newer, by its numbers; one that has none is older than any."""
    return (found := _numbers(version)) is not None and found >= (_numbers(least) or ())


def _numbers(version: str) -> tuple[int, ...] | None:
    match = _VERSION.match(version.lstrip("v"))
    return tuple(map(int, match[0].split("."))) if match else None
