"""Join tokens on disk: rights to enrol, by the hash of their secret."""

from dataclasses import dataclass

from router.store import tables
from router.store.database import Transaction
from router.store.mapper import Mapper
from router.store.statements import given
from router.store.upkeep import shifting


@dataclass(frozen=True, slots=True)
class JoinToken:
    """A right to enrol. `used_by_key` binds it to the key that used it."""

    token_hash: str
    machine_id: str
    expires_at: float
    created_by: str
    used_by_key: bytes | None = None
    used_as: str = ""


Row = tables.JoinToken
_TOKENS = Mapper(Row, JoinToken)
# By the hash of its secret: who reads the file, or a backup of it, cannot enrol.
_FIND = _TOKENS.reads(_TOKENS.select().where(Row.token_hash == given.token_hash))
_WRITE = _TOKENS.writes(_TOKENS.upsert(Row.token_hash))

# A used one is kept for good: whoever lost the answer to an enrolment asks again with the same token and key.
shift = shifting(Row.expires_at)


def find(tx: Transaction, token_hash: str) -> JoinToken | None:
    """A join token, used or not, or None."""
    return _FIND.one(tx, token_hash=token_hash)


def write(tx: Transaction, token: JoinToken) -> None:
    """Insert or replace a join token."""
    _WRITE.one(tx, token)
