"""Second factors on disk, sealed."""

from msgspec import Struct

from router.store import tables
from router.store.database import Transaction
from router.store.mapper import Mapper
from router.store.statements import Connection, Statement, given


class SealedFactor(Struct, frozen=True):
    """A person's secret as it lies there, and the step of the last code that was used."""

    person_id: str
    sealed: str
    last_step: int = 0


Row = tables.SecondFactor
_FACTORS = Mapper(Row, SealedFactor)
_FIND = _FACTORS.reads(_FACTORS.select().where(Row.person_id == given.person_id))
_WRITE = _FACTORS.writes(_FACTORS.upsert(Row.person_id))
_DELETE = Statement(Row.delete().where(Row.person_id == given.person_id))


def find(on: Connection, person_id: str) -> SealedFactor | None:
    """A person's, or None."""
    return _FIND.one(on, person_id=person_id)


def write(tx: Transaction, factor: SealedFactor) -> None:
    """Insert or replace a person's."""
    _WRITE.one(tx, factor)


def delete(tx: Transaction, person_id: str) -> int:
    """A person has none any more; how many went."""
    return _DELETE.run(tx, person_id=person_id).rowcount
