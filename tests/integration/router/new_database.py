"""A router's database as its first start leaves it, without making every table anew for every test."""

import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path

from router.store.database import PRAGMAS
from router.store.migrations import migrate


def lay_down(file: Path) -> None:
    """An empty database of today's schema, where there is none; what makes its own folder makes its own database."""
    if file.parent.exists() and not file.exists():
        file.touch(mode=0o600)
        file.write_bytes(_content())


@cache
def _content() -> bytes:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {PRAGMAS['page_size']}")
        migrate(connection)
        return connection.serialize()
