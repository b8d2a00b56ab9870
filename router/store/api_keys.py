"""API keys on disk: who may call, and as what; by the hash of their secret."""

import sqlite3

from router.domain.credentials import ApiKey
from router.store import tables
from router.store.database import Transaction
from router.store.mapper import Mapper
from router.store.statements import Connection, Statement, given
from router.store.upkeep import shifting

Row = tables.ApiKey
_KEYS = Mapper(Row, ApiKey)
_PAGE = _KEYS.reads(_KEYS.select().order_by(Row.created_at, Row.key_id))
# Nothing is deleted: a revoked key stays in the list, and must not come back from the settings.
_WRITE = _KEYS.writes(_KEYS.upsert(Row.key_id))
_USED = Statement(Row.update({Row.used_at: given.at}).where(Row.key_id == given.key_id))
# Of this secret alone: what is known of one that was replaced meanwhile would end the one that is still in use.
_TAKEN = Statement(
    Row.update({Row.taken_at: given.at}).where((Row.key_id == given.key_id) & (Row.secret_hash == given.secret_hash))
)


def shift(on: Connection, seconds: float) -> None:
    """Move when they end, and when their secrets before do."""
    for move in (shifting(Row.expires_at), shifting(Row.taken_at)):
        move(on, seconds)


def page(connection: sqlite3.Connection | Transaction) -> list[ApiKey]:
    """All of them, oldest first; revoked ones, too."""
    return _PAGE.all(connection)


def write(tx: Transaction, key: ApiKey) -> None:
    """Insert or replace a key."""
    _WRITE.one(tx, key)


def used(tx: Transaction, key_id: str, at: float) -> None:
    """A key was last used then."""
    _USED.run(tx, key_id=key_id, at=at)


def taken(tx: Transaction, key: ApiKey) -> None:
    """The secret of a key was first used."""
    _TAKEN.run(tx, key_id=key.key_id, secret_hash=key.secret_hash, at=key.taken_at)
