"""A machine with an agent."""

import re
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

CLAUDE = "claude"  # the program that is started where nobody says which
WORKSPACES = "workspaces"  # the ability to clone what sessions work in
MOVES = "moves"  # the ability to bring such a clone elsewhere
MODEL = "model"  # the same of a model that is asked without a program
START = "start"  # the ability to begin sessions from afar
QUICK = "quick"  # the ability to ask a model so
MAX_CAPABILITIES = 64
MAX_PROGRAMS = 50
MAX_MODE, MAX_LACKS = 100, 200  # characters
PROGRAM_WORD = re.compile(r"[A-Za-z0-9_.+-]{1,64}")
_WORD = re.compile(r"[a-z0-9_.-]{1,64}")


class ProgramTold(Struct, frozen=True):
    """What a machine says of a program that it would start. `has_login` is None where it does not know."""

    name: str
    version: str = ""
    mode: str = ""  # for people, as what it lacks
    lacks: str = ""
    has_login: bool | None = None


class MachinePolicy(Struct, frozen=True):
    """What may be started on a machine from afar; what is empty allows all that the machine itself does."""

    starts: bool = True
    folders: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    hours: str = ""  # "08:00-18:00", by the router's clock


class Machine(Struct, frozen=True):
    """What the router keeps of a machine.

    `upstream_acked` is the last durable frame of its outbox on our disk; `heard_epoch` the newest epoch under which one
    came; `barred` the agent processes that were held off for using its identity at the same time; `capabilities` what
    its last hello said that it can do, None before that; `gate` the reason for which it was held off last;
    `former_key` is the public key that `public_key` took the place of: whoever shows it is told, and nothing else;
    `is_bound` whether it has named this router in a JWT: from then on no JWT for any router is taken.
    """

    machine_id: str
    public_key: bytes
    created_at: float
    epoch: int = 0
    instance_id: str = ""
    inbox_id: str = ""
    outbox_id: str = ""
    upstream_acked: int = 0
    agent_version: str = ""
    last_seen_at: float | None = None
    revoked: bool = False
    quarantined: bool = False
    heard_epoch: int = 0
    barred: tuple[str, ...] = ()
    start_folders: tuple[str, ...] = ()  # in and below which its agent starts sessions
    capabilities: tuple[str, ...] | None = None
    policy: MachinePolicy = MachinePolicy()
    key_made_at: float = 0.0
    programs: tuple[str, ...] = ()  # that it would start, each with its version: "claude=2.1.332"
    told: tuple[ProgramTold, ...] = ()  # the same, with what people are told of each
    free_bytes: int | None = None  # on its agent's disk at the last hello
    is_bound: bool = False
    gate: str = ""
    former_key: bytes = b""
    key_wanted: bool = False  # by a person
    connected: bool = False

    @property
    def may_start(self) -> bool:
        """Whether it begins sessions from afar, as far as is known: one that has never said hello may."""
        return self.capabilities is None or START in self.capabilities

    @property
    def has_workspaces(self) -> bool:
        """Whether it makes workspaces, as far as is known."""
        return self.capabilities is None or WORKSPACES in self.capabilities

    @property
    def moves_workspaces(self) -> bool:
        """Whether workspaces go from it to others, and come to it; one that has not said so does not."""
        return self.has_workspaces and MOVES in (self.capabilities or ())

    @property
    def may_answer(self) -> bool:
        """Whether it has a model that is asked without a program."""
        return QUICK in (self.capabilities or ())

    @property
    def only_answers(self) -> bool:
        """Whether it begins nothing else."""
        return self.agents == (MODEL,)

    @property
    def agents(self) -> tuple[str, ...]:
        """The coding agents that it would start, by name; none where it did not say."""
        return tuple(each.partition("=")[0] for each in self.programs)


def named(capabilities: frozenset[str]) -> tuple[str, ...]:
    """What is kept of the abilities that a hello names: those that are words, sorted."""
    # What a machine says goes to disk and to people: words alone, and not without end.
    return tuple(sorted(word for word in capabilities if _WORD.fullmatch(word)))[:MAX_CAPABILITIES]


def sound(programs: Sequence[ProgramTold]) -> tuple[ProgramTold, ...]:
    """What is kept of the programs that a hello names; what is said of them goes to people: short and plain."""
    return tuple(
        replace(each, mode=_plain(each.mode, MAX_MODE), lacks=_plain(each.lacks, MAX_LACKS))
        for each in programs[:MAX_PROGRAMS]
        if PROGRAM_WORD.fullmatch(each.name) and _is_version(each.version)
    )


def versions(programs: Sequence[ProgramTold]) -> tuple[str, ...]:
    """Each as "name=version"."""
    return tuple(f"{each.name}={each.version}" for each in programs)


def _plain(text: str, most: int) -> str:
    return "".join(letter for letter in text if letter.isprintable())[:most]


def _is_version(text: str) -> bool:
    return not text or PROGRAM_WORD.fullmatch(text) is not None
