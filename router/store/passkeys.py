"""Passkeys on disk: public keys, which open nothing."""

from router.domain.passkey import Passkey
from router.store import tables
from router.store.database import Transaction
from router.store.mapper import Mapper
from router.store.statements import Connection, Statement, given

Row = tables.Passkey
_PASSKEYS = Mapper(Row, Passkey)
_OF_PERSON = Row.person_id == given.person_id
_FIND = _PASSKEYS.reads(_PASSKEYS.select().where(_OF_PERSON & (Row.credential_id == given.credential_id)))
_ALL_OF = _PASSKEYS.reads(_PASSKEYS.select().where(_OF_PERSON).order_by(Row.created_at))
_ANYBODYS = Statement(Row.select(Row.person_id).where(Row.credential_id == given.credential_id))
_WRITE = _PASSKEYS.writes(_PASSKEYS.upsert(Row.credential_id))
_DELETE = Statement(Row.delete().where(_OF_PERSON))


def find(on: Connection, person_id: str, credential_id: str) -> Passkey | None:
    """A person's by its id; another's is none."""
    return _FIND.one(on, person_id=person_id, credential_id=credential_id)


def is_anybodys(on: Connection, credential_id: str) -> bool:
    """Whether somebody has one of this id: whoever makes one says what it is called."""
    return _ANYBODYS.value(on, credential_id=credential_id) is not None


def all_of(on: Connection, person_id: str) -> list[Passkey]:
    """A person's, the oldest first."""
    return _ALL_OF.all(on, person_id=person_id)


def write(tx: Transaction, passkey: Passkey) -> None:
    """Insert or replace one."""
    _WRITE.one(tx, passkey)


def delete_all_of(tx: Transaction, person_id: str) -> int:
    """A person has none any more; how many went."""
    return _DELETE.run(tx, person_id=person_id).rowcount
