"""On disk: what a message in a chat offers to do to many at once."""

from router.domain.batch import Batch
from router.store import tables
from router.store.database import Transaction
from router.store.mapper import Mapper
from router.store.statements import given
from router.store.upkeep import purging, shifting

Row = tables.Batch
KEPT = 24 * 3600.0  # seconds; by then it is looked at anew
_BATCHES = Mapper(Row, Batch)
_INSERT = _BATCHES.writes(_BATCHES.insert())
_FIND = _BATCHES.reads(_BATCHES.select().where(Row.batch_id == given.batch_id))

shift = shifting(Row.created_at)
purge = purging(Row, Row.created_at < given.before)


def insert(tx: Transaction, batch: Batch) -> None:
    """Keep what is offered."""
    _INSERT.one(tx, batch)


def find(tx: Transaction, batch_id: str) -> Batch | None:
    """What that message offers; None where it is too old."""
    return _FIND.one(tx, batch_id=batch_id)
