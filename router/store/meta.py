"""Single facts of the database."""

import sqlite3
from collections.abc import Callable

from router.store.statements import Connection, Statement, given, upsert
from router.store.tables import Meta

# Values are text: who puts one knows how to read it.
_GET = Statement(Meta.select(Meta.value).where(Meta.key == given.key))
_PUT = Statement(upsert(Meta, [Meta.key], Meta.value))


def get(on: Connection, key: str) -> str | None:
    """A fact, or None where it was never put."""
    value: str | None = _GET.value(on, key=key)
    return value


def put(on: Connection, key: str, value: str) -> None:
    """Keep a fact in place of what was known."""
    _PUT.run(on, key=key, value=value)


def router_id(connection: sqlite3.Connection, new_id: Callable[[], str]) -> str:
    """The router's identity, made with the database: agents know by it that their outbox is kept here."""
    # Made once: to its agents a restored copy is the same router.
    if (known := get(connection, "router_id")) is None:
        put(connection, "router_id", known := new_id())
    return known
