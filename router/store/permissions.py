"""Permission questions on disk. Every change of state goes through here, with the audit that belongs to it."""

import json
import sqlite3
from typing import Any

from router.domain.errors import IllegalTransition, Reason, Refusal
from router.domain.permission import (
    SOURCES,
    Event,
    Option,
    Permission,
    PermissionKind,
    PermissionState,
    Verdict,
    apply,
)
from router.store.audit import TraceStep, record
from router.store.database import Transaction
from router.store.statements import given
from router.store.tables import Permission as Row
from router.store.upkeep import purging, shifting

_COLUMNS = (
    "permission_id, session_id, machine_id, kind, tool, input, input_digest, options, created_at, expires_at, state,"
    " decided_by, option_id, text, detail, command_id, decided_at"
)
_SELECT = f"SELECT {_COLUMNS} FROM permissions"
_INSERT = f"INSERT INTO permissions ({_COLUMNS}) VALUES ({','.join('?' * (_COLUMNS.count(',') + 1))})"
_IS_OPEN = "state = 'open'"  # word for word as in the partial indexes, else they are not used


shift = shifting(Row.expires_at, Row.state == "open")
purge = purging(Row, Row.decided_at < given.before)


def insert(tx: Transaction, permission: Permission) -> None:
    """Write a new question and its first step."""
    tx.execute(_INSERT, _row(permission))
    step = TraceStep(
        permission.created_at, permission.permission_id, permission.session_id, "Asked", "", permission.state.value,
        permission.machine_id, permission.tool,
    )  # fmt: skip
    record(tx, [step])


def change(tx: Transaction, permission: Permission, event: Event, now: float, actor: str) -> Permission:
    """Apply one event, if the question on disk is still where the event is legal. Raises IllegalTransition if not."""
    changed = apply(permission, event, now)
    legal = ", ".join(f"'{state.value}'" for state in sorted(SOURCES[type(event)], key=lambda state: state.value))
    written = tx.execute(
        "UPDATE permissions SET state = ?, decided_by = ?, option_id = ?, text = ?, detail = ?, command_id = ?,"
        f" decided_at = ? WHERE permission_id = ? AND state IN ({legal})",
        (
            changed.state.value, changed.decided_by, changed.option_id, changed.text, changed.detail,
            changed.command_id, changed.decided_at, changed.permission_id,
        ),
    ).rowcount  # fmt: skip
    if written != 1:
        raise IllegalTransition(f"{type(event).__name__} of {permission.permission_id}")
    step = TraceStep(
        now, changed.permission_id, changed.session_id, type(event).__name__, permission.state.value,
        changed.state.value, actor, changed.detail or changed.option_id,
    )  # fmt: skip
    record(tx, [step])
    return changed


def find(connection: sqlite3.Connection | Transaction, permission_id: str) -> Permission | None:
    """One question, or None."""
    row = connection.execute(f"{_SELECT} WHERE permission_id = ?", (permission_id,)).fetchone()
    return _permission(row) if row else None


def get(connection: sqlite3.Connection | Transaction, permission_id: str) -> Permission:
    """One question. Raises Refusal(NOT_FOUND)."""
    if (permission := find(connection, permission_id)) is None:
        text = f"There is no question {permission_id[:128]}. `pointsman permissions` lists them."
        raise Refusal(Reason.NOT_FOUND, text)
    return permission


def open_of_session(tx: Transaction, session_id: str) -> list[Permission]:
    """The open questions of a session, oldest first."""
    rows = tx.execute(f"{_SELECT} WHERE session_id = ? AND {_IS_OPEN} ORDER BY position", (session_id,))
    return [_permission(row) for row in rows.fetchall()]


def expired(tx: Transaction, now: float, limit: int = 500) -> list[Permission]:
    """Open questions whose time is over."""
    rows = tx.execute(f"{_SELECT} WHERE expires_at <= ? AND {_IS_OPEN} ORDER BY expires_at LIMIT ?", (now, limit))
    return [_permission(row) for row in rows.fetchall()]


def next_expiry(tx: Transaction) -> float | None:
    """When the next open question's time is over."""
    value: float | None = tx.execute(f"SELECT MIN(expires_at) FROM permissions WHERE {_IS_OPEN}").fetchone()[0]
    return value


def page(
    connection: sqlite3.Connection, *, session_id: str, permission_id: str, closed: bool, limit: int
) -> list[Permission]:
    """Questions, newest first; one that is named also when it is closed."""
    if permission_id:
        return [found] if (found := find(connection, permission_id)) else []
    where = "1 = 1" if closed else _IS_OPEN
    sql = f"{_SELECT} WHERE {where} AND (? = '' OR session_id = ?) ORDER BY position DESC LIMIT ?"
    return [_permission(row) for row in connection.execute(sql, (session_id, session_id, limit)).fetchall()]


def _row(p: Permission) -> tuple[object, ...]:
    options = [[one.option_id, one.label, one.verdict.value, one.takes_text] for one in p.options]
    return (
        p.permission_id, p.session_id, p.machine_id, p.kind.value, p.tool, p.input, p.input_digest, json.dumps(options),
        p.created_at, p.expires_at, p.state.value, p.decided_by, p.option_id, p.text, p.detail, p.command_id,
        p.decided_at,
    )  # fmt: skip


def _permission(row: tuple[Any, ...]) -> Permission:
    permission_id, session_id, machine_id, kind, tool, words, digest, options, created_at, expires_at, state = row[:11]
    offered = tuple(
        Option(option_id, label, Verdict(verdict), takes_text)
        for option_id, label, verdict, takes_text in json.loads(options)
    )
    return Permission(
        permission_id, session_id, machine_id, PermissionKind(kind), tool, words, digest, offered, created_at,
        expires_at, PermissionState(state), *row[11:],
    )  # fmt: skip
