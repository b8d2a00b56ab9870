"""Machines that are enrolled before their router starts: thousands would take minutes at its door."""

import hashlib
import sqlite3
import uuid
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from router import key_file
from router.domain.machine import Machine
from router.store import machines
from router.store.database import PRAGMAS, Transaction
from router.store.meta import router_id
from router.store.migrations import migrate


@dataclass(frozen=True)
class Router:
    """What its machines know of it."""

    router_id: str
    fingerprint: str


def key_of(number: int) -> Ed25519PrivateKey:
    """The key of one of them, in whatever process."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"crowd {number}".encode()).digest())


def name_of(number: int) -> str:
    return f"crowd-{number}"


def enrol(folder: Path, count: int) -> Router:
    """A data folder for a router that knows so many machines."""
    folder.mkdir(mode=0o700, exist_ok=True)
    with closing(sqlite3.connect(folder / "router.db", isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {PRAGMAS['page_size']}")
        connection.execute("PRAGMA journal_mode = wal")
        migrate(connection)
        identity = router_id(connection, lambda: uuid.uuid4().hex)
        connection.execute("BEGIN")
        transaction = Transaction(connection)
        for number in range(count):
            public = key_of(number).public_key().public_bytes_raw()
            machines.write(transaction, Machine(name_of(number), public, 0.0))
        transaction.flush()
        connection.execute("COMMIT")
    return Router(identity, key_file.load(folder, identity).fingerprint)
