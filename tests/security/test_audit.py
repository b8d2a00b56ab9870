"""The audit in its database: nobody changes what it tells, not even the router by mistake, and what is cut is shown."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from router.domain.audit import AuditEvent
from router.domain.identity import Caller, Identity, IdentityKind
from router.store import audit
from router.store.database import Transaction
from router.store.migrations import migrate

ADA = Caller(Identity(IdentityKind.KEY, "key_1", "laptop"))
ENTRIES = 6
ANYWHERE = "(SELECT digest FROM audit_entries WHERE number = 3)"

# What a mistake of ours, or somebody with a statement of theirs, might try.
REFUSED = {
    "change an entry": "UPDATE audit_entries SET detail = 'nothing' WHERE number = 2",
    "renumber one": "UPDATE audit_entries SET number = 99 WHERE number = 6",
    "take one out": "DELETE FROM audit_entries WHERE number = 3",
    "take the oldest out without an anchor": "DELETE FROM audit_entries WHERE number = 1",
    "take the newest out": "DELETE FROM audit_entries WHERE number = 6",
    "empty it": "DELETE FROM audit_entries",
    "write over one": "INSERT OR REPLACE INTO audit_entries SELECT * FROM audit_entries WHERE number = 2",
    "write one that hangs on nothing": (
        "INSERT INTO audit_entries SELECT 7, at, event, kind, identity, label, claimed, peer, subject, detail,"
        " 'nothing', digest FROM audit_entries WHERE number = 6"
    ),
    "leave numbers out": (
        "INSERT INTO audit_entries SELECT 9, at, event, kind, identity, label, claimed, peer, subject, detail,"
        " digest, digest FROM audit_entries WHERE number = 6"
    ),
    "anchor it at another hash": "UPDATE audit_anchors SET number = 3, digest = 'other'",
    "anchor it at what never was": "UPDATE audit_anchors SET number = 99",
    "take the anchor away": "DELETE FROM audit_anchors",
    "put another anchor beside it": f"INSERT INTO audit_anchors VALUES (3, {ANYWHERE})",
}


@pytest.fixture
def connection(data_dir: Path) -> Iterator[sqlite3.Connection]:
    """A database with entries of the seconds 1, 2, 3, …"""
    with closing(sqlite3.connect(data_dir / "router.db", isolation_level=None)) as connection:
        migrate(connection)
        tx = Transaction(connection)
        for number in range(1, ENTRIES + 1):
            audit.record(tx, float(number), AuditEvent.KEY_REVOKED, ADA, subject=f"key_{number}")
        yield connection


def numbers(connection: sqlite3.Connection) -> list[int]:
    return [entry.number for entry in audit.after(connection, 0, 0.0, 100)]


@pytest.mark.parametrize("statement", REFUSED.values(), ids=REFUSED)
def test_the_database_refuses_to(connection: sqlite3.Connection, statement: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="audit"):
        connection.execute(statement)

    assert numbers(connection) == [1, 2, 3, 4, 5, 6]
    assert audit.verify(connection).broken is None


def test_whoever_can_drop_the_triggers_is_found_out(connection: sqlite3.Connection) -> None:
    connection.execute("DROP TRIGGER audit_unchanged")
    connection.execute("UPDATE audit_entries SET subject = 'key_9' WHERE number = 4")

    assert audit.verify(connection).broken == 4


def test_retention_takes_the_oldest_and_leaves_a_chain_that_can_be_proven(connection: sqlite3.Connection) -> None:
    taken = audit.purge(connection, 4.0, 100)

    found = audit.verify(connection)
    assert (taken, numbers(connection)) == (3, [4, 5, 6])
    assert (found.broken, found.head.number) == (None, 6)
    assert audit.anchor(connection).number == 3


def test_retention_goes_in_batches_from_the_oldest_end(connection: sqlite3.Connection) -> None:
    steps = [audit.purge(connection, 6.0, 2) for _ in range(4)]

    assert steps == [2, 2, 1, 0]
    assert numbers(connection) == [6]


def test_a_chain_that_is_gone_goes_on_where_it_was(connection: sqlite3.Connection) -> None:
    before = audit.head(connection)
    audit.purge(connection, 100.0, 100)
    emptied = audit.head(connection)
    audit.record(Transaction(connection), 101.0, AuditEvent.LOGIN, ADA)

    assert emptied == before
    assert numbers(connection) == [7]
    assert audit.verify(connection).broken is None


def test_an_entry_that_is_undone_leaves_no_gap(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN")
    audit.record(Transaction(connection), 7.0, AuditEvent.LOGIN, ADA)
    connection.execute("ROLLBACK")
    audit.record(Transaction(connection), 8.0, AuditEvent.BACKUP, ADA)

    assert numbers(connection) == [1, 2, 3, 4, 5, 6, 7]
    assert audit.verify(connection).broken is None
