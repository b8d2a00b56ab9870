"""Keys, tokens and what they allow. Secrets are stored hashed and compared in constant time."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from router.domain.identity import NOBODY, Identity, IdentityKind, machine
from router.domain.scope import EVERYTHING, Scope
from router.domain.worker import Worker

JOIN_TOKEN_TTL = 3600.0  # seconds
LONGEST_JOIN_TOKEN_TTL = 30 * 24 * 3600.0  # seconds; what lies about for longer gets found
JWT_MAX_AGE = 300.0  # seconds between iat and exp
AUDIENCE = "pointsman"
SECRET_BYTES = 32


class Role(Enum):
    """What a key may do."""

    ADMIN = "admin"
    OPERATOR = "operator"
    CHAT = "chat"
    VIEWER = "viewer"
    APPROVER = "approver"
    ADAPTER = "adapter"


MAY_CLAIM = frozenset({Role.CHAT, Role.ADAPTER, Role.ADMIN})
"""Who may say for whom they act: those that bring what people write. An admin could make themselves such a key."""
MAY_PRESS = frozenset({Role.ADMIN, Role.OPERATOR, Role.CHAT, Role.ADAPTER})
"""Who may press buttons, and so is shown what presses them."""


MAY_BE_LIMITED = frozenset({Role.OPERATOR, Role.APPROVER, Role.VIEWER})
"""Whose keys may have a scope. An admin could make themselves one without; the others act for all people."""


class ApiKey(Struct, frozen=True):
    """A key without its secret."""

    key_id: str
    secret_hash: str
    label: str
    role: Role
    created_at: float
    revoked: bool = False
    expires_at: float | None = None
    used_at: float | None = None  # to the minute
    machines: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    former: tuple[str, ...] = ()  # hashes of the secrets before this one; the newest is last, and may still be good
    overlap: int = 0  # seconds for which that one is good after this one was first used
    taken_at: float | None = None  # when this one was

    @property
    def scope(self) -> Scope:
        """What it reaches."""
        return Scope(self.machines, self.sessions)

    def is_over(self, now: float) -> bool:
        """Its time is over."""
        return self.expires_at is not None and self.expires_at <= now

    @property
    def former_until(self) -> float | None:
        """When the secret before this one ends; None where there is no such time (yet)."""
        return None if self.taken_at is None or not self.former else self.taken_at + self.overlap

    def has_former(self, now: float) -> bool:
        """The secret before this one is still good: nobody has used this one, or not for long enough."""
        return bool(self.former) and self.overlap > 0 and (self.former_until is None or self.former_until > now)

    def takes(self, shown: str, now: float) -> bool:
        """Whether a secret of this key, by its hash, is a good one."""
        return shown == self.secret_hash or (self.has_former(now) and shown == self.former[-1])

    def rotated(self, new: str, overlap: int) -> "ApiKey":
        """The same key with another secret. One that was never used goes, and the one before it stays good."""
        is_new = self.taken_at is None and self.former
        former = (*self.former[:-1], self.secret_hash, self.former[-1]) if is_new else (*self.former, self.secret_hash)
        return replace(self, secret_hash=new, former=former, overlap=overlap, taken_at=None)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: a key with its role, a machine, or the program of one of its sessions."""

    name: str
    role: Role | None = None
    machine_id: str = ""
    key_id: str = ""
    public_key: bytes = b""  # of a machine: what it was let in with
    worker: Worker | None = None
    scope: Scope = EVERYTHING
    shown: str = field(default="", repr=False)  # the hash of the secret that a key showed

    @property
    def identity(self) -> Identity:
        """Whom we authenticated, for the audit."""
        if self.key_id:
            return Identity(IdentityKind.KEY, self.key_id, self.name)
        if self.worker:
            return Identity(IdentityKind.WORKER, self.name)
        return Identity(IdentityKind.MACHINE, self.machine_id) if self.machine_id else NOBODY.identity

    @property
    def sender(self) -> str:
        """Whose quota it uses: the program of a session that of its machine."""
        return machine(self.worker.machine_id).sender if self.worker else self.identity.sender


def text_of(random_bytes: bytes) -> str:
    """Random bytes as characters that need no quoting anywhere; the first may be a hyphen."""
    return urlsafe_b64encode(random_bytes).rstrip(b"=").decode()


def hashed(secret: str) -> str:
    """What is stored of a secret. A plain hash is enough for 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def matches(shown: str, stored: str) -> bool:
    """Whether the hash of a secret is the stored one, in constant time: hashes have one length."""
    return hmac.compare_digest(shown.encode(), stored.encode())


def utc(moment: float) -> str:
    """A time for people who may be anywhere."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M} UTC"
