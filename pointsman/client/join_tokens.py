"""What lets machines in, as frozen values; names and meanings as in records."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class NewJoinToken:
    """Lets one machine enrol; shown once. `token_id` names it, and is no secret."""

    join_token: str = field(repr=False)
    expires_at: datetime | None
    token_id: str = ""


@dataclass(frozen=True, slots=True)
class JoinToken:
    """A join token without its secret. `used_by` is the machine that it let in."""

    token_id: str
    machine_id: str  # the only name it may be used for; empty lets the machine choose
    created_by: str
    created_at: datetime | None
    expires_at: datetime | None
    used_by: str
    used_at: datetime | None
    revoked: bool
