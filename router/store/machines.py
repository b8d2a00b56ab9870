"""Machines, join tokens and API keys on disk."""

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from router.domain.credentials import ApiKey, Role
from router.domain.machine import Machine
from router.store.database import Transaction

_COLUMNS = (
    "machine_id, public_key, created_at, epoch, instance_id, inbox_id, outbox_id, upstream_acked, agent_version,"
    " last_seen_at, revoked, quarantined, heard_epoch, barred, start_folders, capabilities"
)


@dataclass(frozen=True, slots=True)
class JoinToken:
    """A right to enrol. `used_by_key` binds it to the key that used it."""

    token_hash: str
    machine_id: str
    expires_at: float
    created_by: str
    used_by_key: bytes | None = None
    used_as: str = ""


def find(connection: sqlite3.Connection | Transaction, machine_id: str) -> Machine | None:
    """One machine, or None."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM machines WHERE machine_id = ?", (machine_id,)).fetchone()
    return _machine(row) if row else None


def page(connection: sqlite3.Connection | Transaction) -> list[Machine]:
    """All machines, by name."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM machines ORDER BY machine_id").fetchall()
    return [_machine(row) for row in rows]


def write(tx: Transaction, machine: Machine) -> None:
    """Insert or replace a machine."""
    names = _COLUMNS.split(", ")
    values = [getattr(machine, name) for name in names[:-3]]
    known = None if machine.capabilities is None else " ".join(machine.capabilities)
    values += [" ".join(machine.barred), json.dumps(machine.start_folders), known]
    updates = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
    tx.execute(
        f"INSERT INTO machines ({_COLUMNS}) VALUES ({','.join('?' * len(names))})"
        f" ON CONFLICT (machine_id) DO UPDATE SET {updates}",
        values,
    )


def acknowledge(tx: Transaction, machine_id: str, upstream_seq: int, now: float) -> None:
    """Remember how far the machine's outbox is on our disk, and that it has spoken under its present epoch."""
    tx.execute(
        "UPDATE machines SET upstream_acked = ?, last_seen_at = ?, heard_epoch = epoch WHERE machine_id = ?",
        (upstream_seq, now, machine_id),
    )


def heard_of(tx: Transaction, machine_id: str, at: float) -> None:
    """Remember when a machine was last heard of; an earlier time than the known one changes nothing."""
    tx.execute("UPDATE machines SET last_seen_at = ? WHERE machine_id = ? AND last_seen_at < ?", (at, machine_id, at))


def find_token(tx: Transaction, token_hash: str) -> JoinToken | None:
    """A join token, or None."""
    row = tx.execute(
        "SELECT token_hash, machine_id, expires_at, created_by, used_by_key, used_as FROM join_tokens"
        " WHERE token_hash = ?",
        (token_hash,),
    ).fetchone()
    return JoinToken(*row) if row else None


def write_token(tx: Transaction, token: JoinToken) -> None:
    """Insert or replace a join token."""
    tx.execute(
        "INSERT OR REPLACE INTO join_tokens (token_hash, machine_id, expires_at, created_by, used_by_key, used_as)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (token.token_hash, token.machine_id, token.expires_at, token.created_by, token.used_by_key, token.used_as),
    )


def keys(connection: sqlite3.Connection | Transaction) -> list[ApiKey]:
    """All API keys, oldest first."""
    rows = connection.execute(
        "SELECT key_id, secret_hash, label, role, created_at, revoked FROM api_keys ORDER BY created_at, key_id"
    ).fetchall()
    return [ApiKey(r[0], r[1], r[2], Role(r[3]), r[4], bool(r[5])) for r in rows]


def write_key(tx: Transaction, key: ApiKey) -> None:
    """Insert or replace an API key."""
    tx.execute(
        "INSERT OR REPLACE INTO api_keys (key_id, secret_hash, label, role, created_at, revoked)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (key.key_id, key.secret_hash, key.label, key.role.value, key.created_at, key.revoked),
    )


def _machine(row: tuple[Any, ...]) -> Machine:
    revoked, quarantined, heard_epoch, barred, start_folders, capabilities = row[-6:]
    plain = (bool(revoked), bool(quarantined), heard_epoch, tuple(barred.split()))
    known = None if capabilities is None else tuple(capabilities.split())
    return Machine(*(*row[:-6], *plain, tuple(json.loads(start_folders)), known))
