"""A new file is made from the models; one of an earlier version is brought to this one by SQL as it was written then.

A migration that used the models would change with them, and make another file than the one it was tried with.
"""

import sqlite3
import uuid

from peewee import SqliteDatabase

from agent.store.tables import TABLES, MetaRow

SCHEMA_VERSION = 11  # of a newer one nothing is touched: it is refused

_PROMPTS = """
CREATE TABLE prompts (position INTEGER NOT NULL PRIMARY KEY, command_id TEXT NOT NULL UNIQUE, bare_id TEXT NOT NULL,
                      text TEXT NOT NULL, typed INTEGER NOT NULL, turn TEXT NOT NULL, joined INTEGER NOT NULL,
                      taken_at REAL, finished INTEGER NOT NULL)
"""
# version -> what brings a file of the version before to it
UPGRADES = {
    2: ("ALTER TABLE sessions ADD COLUMN conversation TEXT NOT NULL DEFAULT ''",),
    3: (_PROMPTS,),
    4: (
        """CREATE TABLE "questions" ("permission_id" TEXT NOT NULL PRIMARY KEY, "input_digest" TEXT NOT NULL,
        "options" TEXT NOT NULL, "decision" TEXT NOT NULL) WITHOUT ROWID""",
    ),
    5: ("ALTER TABLE sessions ADD COLUMN ends_at REAL",),
    6: (
        """CREATE TABLE "held_notices" ("position" INTEGER NOT NULL PRIMARY KEY, "session_id" TEXT NOT NULL,
        "after_seq" INTEGER NOT NULL, "payload" TEXT NOT NULL)""",
    ),
    7: (
        "ALTER TABLE sessions ADD COLUMN keep INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE sessions ADD COLUMN waits_since REAL",
    ),
    8: (
        "ALTER TABLE questions ADD COLUMN takes TEXT NOT NULL DEFAULT '[[], []]'",
        "ALTER TABLE sessions ADD COLUMN mode TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE sessions ADD COLUMN model TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE sessions ADD COLUMN limited_until REAL NOT NULL DEFAULT 0",
    ),
    9: (
        """CREATE TABLE "workspaces" ("key" TEXT NOT NULL PRIMARY KEY, "repository" TEXT NOT NULL, "ref" TEXT NOT NULL,
        "base_ref" TEXT NOT NULL, "foreign_branch" INTEGER NOT NULL, "state" TEXT NOT NULL, "head" TEXT NOT NULL,
        "dirty" INTEGER NOT NULL, "unpushed" INTEGER NOT NULL, "certain" INTEGER NOT NULL, "bytes" INTEGER NOT NULL,
        "path" TEXT NOT NULL, "detail" TEXT NOT NULL, "session_id" TEXT NOT NULL, "archived_at" REAL NOT NULL,
        "conversation_id" TEXT NOT NULL) WITHOUT ROWID""",
    ),
    10: ("ALTER TABLE questions ADD COLUMN session_id TEXT NOT NULL DEFAULT ''",),
    11: (
        """CREATE TABLE "parked" ("permission_id" TEXT NOT NULL PRIMARY KEY, "session_id" TEXT NOT NULL,
        "input_digest" TEXT NOT NULL, "words" TEXT NOT NULL, "asked_at" REAL NOT NULL) WITHOUT ROWID""",
    ),
}


def version_of(connection: sqlite3.Connection) -> int:
    """The version of a file; 0 for a new one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(database: SqliteDatabase) -> None:
    """Bring a file to this version, in one transaction: one that dies half-way leaves the file as it was."""
    connection = connection_of(database)
    version = version_of(connection)
    if version == SCHEMA_VERSION:
        return
    with database.atomic("IMMEDIATE"), database.bind_ctx(TABLES):
        if version == 0:
            _create(database)
        else:
            for number in range(version + 1, SCHEMA_VERSION + 1):  # one after the other, however old the file is
                for statement in UPGRADES[number]:
                    connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def connection_of(database: SqliteDatabase) -> sqlite3.Connection:
    """The one connection behind peewee's database."""
    connection: sqlite3.Connection = database.connection()
    return connection


def _create(database: SqliteDatabase) -> None:
    database.create_tables(TABLES, safe=False)
    # By these the router tells this disk from the one that it knew: a new file is a new inbox and a new outbox.
    facts = {name: str(uuid.uuid4()) for name in ("inbox_id", "outbox_id")} | {"last_link_epoch": "0"}
    MetaRow.insert_many([{"key": key, "value": value} for key, value in facts.items()]).execute()
