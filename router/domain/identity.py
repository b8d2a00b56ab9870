"""Who does something: whom we authenticated, and beside it whom they say to act for."""

from enum import Enum

from msgspec import Struct

from router.domain.scope import EVERYTHING, Scope


class IdentityKind(Enum):
    """How somebody proved who they are."""

    __hash__ = object.__hash__  # Enum's own is Python's, and each step of the trace asks

    KEY = "key"
    MACHINE = "machine"
    WORKER = "worker"  # the program of one session, by what its machine signed for it
    LOCAL = "local"  # by the account that holds the other end of a socket
    ROUTER = "router"  # what it does by itself
    NOBODY = "nobody"  # who showed nothing that is valid


class Identity(Struct, frozen=True):
    """Whom we authenticated."""

    kind: IdentityKind
    identity: str = ""  # the id of a key, the name of a machine, a session and its machine
    label: str = ""  # what people call it

    @property
    def sender(self) -> str:
        """As quotas name them: no machine can be called as a key is."""
        return f"{self.kind.value} {self.identity}"

    def __str__(self) -> str:
        """For people: `key_4fA1 (laptop)`."""
        name = self.identity or self.kind.value
        return f"{name} ({self.label})" if self.label and self.label != name else name


class Caller(Struct, frozen=True):
    """Whoever causes a change, as the audit tells of them. What they claim proves nothing."""

    identity: Identity
    peer: str = ""  # the other end of the connection, as gRPC names it
    claimed: str = ""
    scope: Scope = EVERYTHING  # what they reach


def machine(machine_id: str) -> Identity:
    """A machine that showed its key."""
    return Identity(IdentityKind.MACHINE, machine_id)


ROUTER = Caller(Identity(IdentityKind.ROUTER))
NOBODY = Caller(Identity(IdentityKind.NOBODY))
