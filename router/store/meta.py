"""Single facts of the database."""

import sqlite3
from collections.abc import Callable


def router_id(connection: sqlite3.Connection, new_id: Callable[[], str]) -> str:
    """The router's identity, made with the database."""
    connection.execute("INSERT OR IGNORE INTO meta (key, value) VALUES ('router_id', ?)", (new_id(),))
    row: tuple[str] = connection.execute("SELECT value FROM meta WHERE key = 'router_id'").fetchone()
    return row[0]
