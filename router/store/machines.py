"""Enrolled machines on disk, with how far each link has come."""

import sqlite3

from peewee import fn

from router.domain.machine import Machine
from router.store import tables
from router.store.database import Transaction
from router.store.mapper import Mapper
from router.store.statements import Connection, Statement, given
from router.store.tables import Cancel, Command, PoisonSuspect
from router.store.tables.commands import LIVE

Row = tables.Machine
_MACHINES = Mapper(Row, Machine)
_FIND = _MACHINES.reads(_MACHINES.select().where(Row.machine_id == given.machine_id))
_GATE = Statement(Row.select(Row.gate).where(Row.machine_id == given.machine_id))
_IS_OVER = Statement(
    Row.select(Row.machine_id)
    .where((Row.public_key == given.public_key) & Row.revoked)
    .union_all(Row.select(Row.machine_id).where(Row.former_key == given.public_key))
)
_IDS = Statement(Row.select(Row.machine_id).where(~Row.revoked).order_by(Row.machine_id))
_PAGE = _MACHINES.reads(_MACHINES.select().order_by(Row.machine_id))
_WRITE = _MACHINES.writes(_MACHINES.upsert(Row.machine_id))
# Of all columns these alone: it is run for all that a machine says.
_ACKNOWLEDGE = Statement(
    Row.update(
        {Row.upstream_acked: given.upstream_seq, Row.last_seen_at: given.now, Row.heard_epoch: Row.epoch}
    ).where(Row.machine_id == given.machine_id)
)  # fmt: skip
# The time comes from memory, and a link may have been followed by another one since: only what is newer counts.
_HEARD_OF = Statement(
    Row.update({Row.last_seen_at: given.at}).where((Row.machine_id == given.machine_id) & (Row.last_seen_at < given.at))
)

_OF_IT = given.machine_id
# Nearly always nothing: then a link is opened without a look at each of them.
_IS_OWED = Statement(
    Row.select(
        fn.EXISTS(Command.select(Command.command_id).where((Command.machine_id == _OF_IT) & LIVE))
        | fn.EXISTS(Cancel.select(Cancel.command_id).where(Cancel.machine_id == _OF_IT))
        | fn.EXISTS(PoisonSuspect.select(PoisonSuspect.command_id).where(PoisonSuspect.machine_id == _OF_IT))
    ).where(Row.machine_id == _OF_IT)
)
_BIND = Statement(Row.update({Row.is_bound: True}).where(Row.machine_id == given.machine_id))


def find(connection: Connection, machine_id: str) -> Machine | None:
    """One machine, or None."""
    return _FIND.one(connection, machine_id=machine_id)


def is_over(tx: Transaction, public_key: bytes) -> bool:
    """Whether that was a machine's key, and is so no more."""
    return _IS_OVER.value(tx, public_key=public_key) is not None


def gate(tx: Transaction, machine_id: str) -> str:
    """For which reason a machine was held off last; empty where it was not."""
    return _GATE.value(tx, machine_id=machine_id) or ""


def ids(tx: Transaction) -> list[str]:
    """Of all machines that may connect, by name."""
    return _IDS.values(tx)


def page(connection: sqlite3.Connection | Transaction) -> list[Machine]:
    """All machines, by name."""
    return _PAGE.all(connection)


def write(tx: Transaction, machine: Machine) -> None:
    """Insert or replace a machine."""
    _WRITE.one(tx, machine)


def is_owed(tx: Transaction, machine_id: str) -> bool:
    """Whether something stands that the machine has not settled: a command, a wish to have one back, a suspicion."""
    return bool(_IS_OWED.value(tx, machine_id=machine_id))


def acknowledge(tx: Transaction, machine_id: str, upstream_seq: int, now: float) -> None:
    """Remember how far the machine's outbox is on our disk, and that it has spoken under its present epoch."""
    _ACKNOWLEDGE.run(tx, machine_id=machine_id, upstream_seq=upstream_seq, now=now)


def heard_of(tx: Transaction, machine_id: str, at: float) -> None:
    """Remember when a machine was last heard of; an earlier time than the known one changes nothing."""
    _HEARD_OF.run(tx, machine_id=machine_id, at=at)


def bind(tx: Transaction, machine_id: str) -> None:
    """Remember that the machine names this router in its JWTs."""
    _BIND.run(tx, machine_id=machine_id)
