"""The schema that migrations make is the one the models describe."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from peewee import SqliteDatabase

from router.store.migrations import MIGRATIONS, NewerSchema, migrate
from router.store.registry import STORES

TABLES = [store.model for store in STORES]
Column = tuple[str, str, bool, int]


@pytest.fixture
def migrated(data_dir: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(data_dir / "migrated.db", isolation_level=None)) as connection:
        migrate(connection)
        yield connection


@pytest.fixture
def modelled(data_dir: Path) -> Iterator[sqlite3.Connection]:
    """What peewee would make of the models."""
    path = data_dir / "modelled.db"
    database = SqliteDatabase(str(path))
    with database.bind_ctx(TABLES), database.connection_context():
        database.create_tables(TABLES)
    with closing(sqlite3.connect(path)) as connection:
        yield connection


def columns(connection: sqlite3.Connection, table: str) -> set[Column]:
    rows = connection.execute(f"PRAGMA table_info({table})").fetchall()
    return {(name, kind.upper(), bool(required), key) for _, name, kind, required, _, key in rows}


def indexes(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    """Each index with what it is over; quotes and parentheses do not matter."""
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
    return {(name, re.sub(r'["\s()]', "", sql.replace("IF NOT EXISTS", ""))) for name, sql in rows}


def without_rowid(connection: sqlite3.Connection) -> set[str]:
    rows = connection.execute("SELECT name FROM pragma_table_list WHERE wr AND schema = 'main'")
    return {name for (name,) in rows}


def tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model._meta.table_name)
def test_a_table_is_as_its_model_says(model: type, migrated: sqlite3.Connection, modelled: sqlite3.Connection) -> None:
    name = model._meta.table_name  # type: ignore[attr-defined]

    assert columns(migrated, name) == columns(modelled, name) != set()


def test_there_are_no_other_tables_and_indexes(migrated: sqlite3.Connection, modelled: sqlite3.Connection) -> None:
    assert tables(migrated) == tables(modelled)
    assert indexes(migrated) == indexes(modelled)
    assert without_rowid(migrated) == without_rowid(modelled)


def test_a_second_run_changes_nothing(migrated: sqlite3.Connection) -> None:
    before = list(migrated.iterdump())

    migrate(migrated)

    assert list(migrated.iterdump()) == before
    assert migrated.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS)


def test_a_database_of_a_newer_version_is_left_alone(migrated: sqlite3.Connection) -> None:
    migrated.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    before = list(migrated.iterdump())

    with pytest.raises(NewerSchema, match="install a newer one"):
        migrate(migrated)

    assert list(migrated.iterdump()) == before
