"""Pairing codes on disk, by their hash, until somebody shows them."""

from router.domain.person import PairingCode
from router.store import tables
from router.store.database import Transaction
from router.store.mapper import Mapper
from router.store.statements import Statement, given
from router.store.upkeep import purging, shifting

Row = tables.PairingCode
_CODES = Mapper(Row, PairingCode)
_FIND = _CODES.reads(_CODES.select().where(Row.code_hash == given.code_hash))
_INSERT = _CODES.writes(_CODES.insert())
_DELETE = Statement(Row.delete().where(Row.code_hash == given.code_hash))

KEPT = 60.0  # seconds behind its end; by then nobody asks
shift = shifting(Row.expires_at)
purge = purging(Row, Row.expires_at < given.before)


def insert(tx: Transaction, code: PairingCode) -> None:
    """Write a new one."""
    _INSERT.one(tx, code)


def find(tx: Transaction, code_hash: str) -> PairingCode | None:
    """The code with this hash, or None."""
    return _FIND.one(tx, code_hash=code_hash)


def use_up(tx: Transaction, code_hash: str) -> None:
    """It is good for nothing from now on."""
    _DELETE.run(tx, code_hash=code_hash)
