"""Cleaning up when everything is old: of each table what is over goes, and what stays has its reason."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from router.services.upkeep import retention
from router.store.database import Transaction
from router.store.migrations import migrate
from router.store.registry import STORES
from tests.integration.router.store.rows import THEN, fill

TABLES = [store.model._meta.table_name for store in STORES]
YEAR = 365 * 24 * 3600.0
ALL = "TRUE"

# Which rows stay however old they are, and why. Of the other tables none does.
STAYS = {
    "commands": ("state IN ('queued', 'sent', 'received')", "still to be typed, or to be given up"),
    "notifications": ("state IN ('queued', 'sent')", "still to be brought, or to be given up"),
    "permissions": ("state = 'open'", "still to be answered, or to be given up"),
    "deferred": ("state IN ('waiting', 'paused')", "still to be done"),
    "sessions": ("state != 'ended'", "messages of a living session reach it after a year"),
    "messages": ("session_id IN (SELECT session_id FROM sessions)", "go before their session does"),
    "places": ("session_id IN (SELECT session_id FROM sessions)", "go after their session"),
    "quick_sessions": ("session_id IN (SELECT session_id FROM sessions)", "go after their session"),
    "audience": ("session_id IN (SELECT session_id FROM sessions)", "go after their session"),
    "work_messages": ("session_id IN (SELECT session_id FROM sessions)", "go after their session"),
    "read_marks": ("session_id IN (SELECT session_id FROM sessions) AND person_id = ''", "go after session and person"),
    "bindings": (ALL, "which machine works for what; one goes when it is ended"),
    "workspace_moves": ("state NOT IN ('done', 'failed')", "the old machine has something of it"),
    "workspaces": ("state != 'gone'", "still on a machine's disk, or in an archive there"),
    "machines": (ALL, "who may connect"),
    "join_tokens": ("used_by_key IS NOT NULL", "the same pair of token and key may ask again"),
    "api_keys": (ALL, "who may call; a revoked one stays in the list"),
    "chats": (ALL, "what a chat has chosen"),
    "people": (ALL, "who may write; they go when they are put out"),
    "second_factors": (ALL, "of persons; they go with them"),
    "passkeys": (ALL, "of persons; they go with them"),
    "paired_chats": (ALL, "where they may write"),
    "suspects": (ALL, "go when their machine confirms, or when the command ends"),
    "cancels": (ALL, "go when the command ends"),
    "escalations": (ALL, "go when their question is over"),
    "notes": ("number = (SELECT MAX(number) FROM notes)", "a number is given once"),
    "note_words": (ALL, "of notes; they go with their text"),
    "note_parts": (ALL, "of notes; they go with their text"),
    "note_embeddings": (ALL, "of notes; they go with their text"),
    "audit_anchors": (ALL, "what the chain of the audit hangs on"),
    "meta": (ALL, "the router's id"),
    "steps": ("step_id = (SELECT MAX(step_id) FROM steps)", "of an empty table the numbers would begin anew"),
}


@pytest.fixture
def connection(data_dir: Path) -> Iterator[sqlite3.Connection]:
    """A database with rows in each table, of each state."""
    with closing(sqlite3.connect(data_dir / "router.db", isolation_level=None)) as connection:
        migrate(connection)
        for table in TABLES:
            fill(connection, table)
        yield connection


def cleaned(connection: sqlite3.Connection) -> None:
    """Years later, until there is nothing more to remove."""
    while any(retention.clean(Transaction(connection), THEN + 2 * YEAR).values()):
        pass


def counts(connection: sqlite3.Connection, table: str) -> tuple[int, int]:
    """How many rows there are, and how many of them may stay."""
    where, _ = STAYS.get(table, ("FALSE", ""))
    (found,) = connection.execute(f"SELECT count(*), count(*) FILTER (WHERE {where}) FROM {table}").fetchall()
    return found


@pytest.mark.parametrize("table", TABLES)
def test_when_everything_is_old_only_that_is_left_which_has_a_reason(
    connection: sqlite3.Connection, table: str
) -> None:
    before, may_stay = counts(connection, table)
    cleaned(connection)
    left, with_reason = counts(connection, table)

    assert before > 0
    assert left == with_reason
    assert with_reason == may_stay or table in {
        "messages",
        "places",
        "work_messages",
        "read_marks",
        "audience",
    }  # theirs went with their sessions


@pytest.mark.parametrize("table", TABLES)
def test_nothing_goes_that_is_young(connection: sqlite3.Connection, table: str) -> None:
    before = counts(connection, table)
    retention.clean(Transaction(connection), THEN + 1.0)

    assert counts(connection, table) == before
