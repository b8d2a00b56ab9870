"""Machines, join tokens and API keys on disk."""

import sqlite3
from dataclasses import dataclass

from router.domain.credentials import ApiKey
from router.domain.machine import Machine
from router.store import tables
from router.store.database import Transaction
from router.store.mapper import Mapper
from router.store.statements import Statement, given
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


M, Token, Key = tables.Machine, tables.JoinToken, tables.ApiKey
_MACHINES, _TOKENS, _KEYS = Mapper(M, Machine), Mapper(Token, JoinToken), Mapper(Key, ApiKey)

_FIND = _MACHINES.reads(_MACHINES.select().where(M.machine_id == given.machine_id))
_PAGE = _MACHINES.reads(_MACHINES.select().order_by(M.machine_id))
_WRITE = _MACHINES.writes(_MACHINES.upsert(M.machine_id))
_ACKNOWLEDGE = Statement(
    M.update(
        {M.upstream_acked: given.upstream_seq, M.last_seen_at: given.now, M.heard_epoch: M.epoch}
    ).where(M.machine_id == given.machine_id)
)  # fmt: skip
_HEARD_OF = Statement(
    M.update({M.last_seen_at: given.at}).where((M.machine_id == given.machine_id) & (M.last_seen_at < given.at))
)
_FIND_TOKEN = _TOKENS.reads(_TOKENS.select().where(Token.token_hash == given.token_hash))
_WRITE_TOKEN = _TOKENS.writes(_TOKENS.upsert(Token.token_hash))
_ALL_KEYS = _KEYS.reads(_KEYS.select().order_by(Key.created_at, Key.key_id))
_WRITE_KEY = _KEYS.writes(_KEYS.upsert(Key.key_id))

shift = shifting(Token.expires_at)


def find(connection: sqlite3.Connection | Transaction, machine_id: str) -> Machine | None:
    """One machine, or None."""
    return _FIND.one(connection, machine_id=machine_id)


def page(connection: sqlite3.Connection | Transaction) -> list[Machine]:
    """All machines, by name."""
    return _PAGE.all(connection)


def write(tx: Transaction, machine: Machine) -> None:
    """Insert or replace a machine."""
    _WRITE.one(tx, machine)


def acknowledge(tx: Transaction, machine_id: str, upstream_seq: int, now: float) -> None:
    """Remember how far the machine's outbox is on our disk, and that it has spoken under its present epoch."""
    _ACKNOWLEDGE.run(tx, machine_id=machine_id, upstream_seq=upstream_seq, now=now)


def heard_of(tx: Transaction, machine_id: str, at: float) -> None:
    """Remember when a machine was last heard of; an earlier time than the known one changes nothing."""
    _HEARD_OF.run(tx, machine_id=machine_id, at=at)


def find_token(tx: Transaction, token_hash: str) -> JoinToken | None:
    """A join token, or None."""
    return _FIND_TOKEN.one(tx, token_hash=token_hash)


def write_token(tx: Transaction, token: JoinToken) -> None:
    """Insert or replace a join token."""
    _WRITE_TOKEN.one(tx, token)


def keys(connection: sqlite3.Connection | Transaction) -> list[ApiKey]:
    """All API keys, oldest first."""
    return _ALL_KEYS.all(connection)


def write_key(tx: Transaction, key: ApiKey) -> None:
    """Insert or replace an API key."""
    _WRITE_KEY.one(tx, key)
