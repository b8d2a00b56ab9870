"""Keys, tokens and what they allow. Secrets are stored hashed and compared in constant time."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from router.domain.identity import NOBODY, Identity, IdentityKind
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


@dataclass(frozen=True, slots=True)
class ApiKey:
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

    @property
    def scope(self) -> Scope:
        """What it reaches."""
        return Scope(self.machines, self.sessions)

    def is_over(self, now: float) -> bool:
        """Its time is over."""
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: a key with its role, a machine, or the program of one of its sessions."""

    name: str
    role: Role | None = None
    machine_id: str = ""
    key_id: str = ""
    worker: Worker | None = None
    scope: Scope = EVERYTHING

    @property
    def identity(self) -> Identity:
        """Whom we authenticated, for the audit."""
        if self.key_id:
            return Identity(IdentityKind.KEY, self.key_id, self.name)
        if self.worker:
            return Identity(IdentityKind.WORKER, self.name)
        return Identity(IdentityKind.MACHINE, self.machine_id) if self.machine_id else NOBODY.identity


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
