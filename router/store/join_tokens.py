"""Join tokens on disk: rights to enrol, by the hash of their secret."""

from msgspec import Struct

from router.store import tables
from router.store.database import Transaction
from router.store.mapper import Mapper
from router.store.statements import Connection, given
from router.store.upkeep import purging, shifting


class JoinToken(Struct, frozen=True):
    """A right to enrol. `used_by_key` binds it to the key that used it; `made_with` is the id of an API key."""

    token_hash: str
    machine_id: str
    expires_at: float
    created_by: str
    used_by_key: bytes | None = None
    used_as: str = ""
    created_at: float | None = None
    made_with: str = ""
    used_at: float | None = None
    revoked: bool = False

    @property
    def token_id(self) -> str:
        """Names it. Of the hash, which is on disk anyhow: nobody gets from it to the secret."""
        return f"join_{self.token_hash[:12]}"

    def is_open(self, now: float) -> bool:
        """Whether it would let somebody in."""
        return self.used_by_key is None and not self.revoked and self.expires_at >= now


Row = tables.JoinToken
_TOKENS = Mapper(Row, JoinToken)
# By the hash of its secret: who reads the file, or a backup of it, cannot enrol.
_FIND = _TOKENS.reads(_TOKENS.select().where(Row.token_hash == given.token_hash))
_PAGE = _TOKENS.reads(_TOKENS.select().order_by(Row.created_at.desc(), Row.token_hash))
_WRITE = _TOKENS.writes(_TOKENS.upsert(Row.token_hash))

shift = shifting(Row.expires_at)
# A used one is kept for good: whoever lost the answer to an enrolment asks again with the same token and key.
purge = purging(Row, Row.used_by_key.is_null() & (Row.expires_at < given.before))


def find(tx: Transaction, token_hash: str) -> JoinToken | None:
    """A join token, used or not, or None."""
    return _FIND.one(tx, token_hash=token_hash)


def page(on: Connection) -> list[JoinToken]:
    """All of them, newest first."""
    return _PAGE.all(on)


def write(tx: Transaction, token: JoinToken) -> None:
    """Insert or replace a join token."""
    _WRITE.one(tx, token)
