"""What stands before the links of a machine and before what is started on it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MachinePolicy:
    """What may be started there from afar; what is empty allows all that the machine itself does."""

    no_starts: bool = False
    folders: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    hours: str = ""


NO_POLICY = MachinePolicy()


@dataclass(frozen=True, slots=True)
class ClosedGate:
    """A gate that is closed now. `reason` is a name of agentlink.v1.Reason without its prefix; `text` says the cure."""

    reason: str
    text: str
    stops_link: bool


@dataclass(frozen=True, slots=True)
class ProgramVersion:
    """A program that the machine would start; an empty version is one that it does not know."""

    name: str
    version: str
    mode: str = ""  # how it asks people, for people
    lacks: str = ""  # to run, for people
    login: str = ""  # YES or NO: whether its machine has found one, good or not; empty where nobody knows
