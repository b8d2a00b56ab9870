"""Rows of which only what is known matters, in every table: for what is asked of all of them."""

import sqlite3

THEN = 1_000_000.0

STATES = {
    "commands": ["queued", "sent", "received", "done", "dead", "uncertain"],
    "notifications": ["queued", "sent", "delivered", "refused", "dead"],
    "permissions": ["open", "allowed"],
    "deferred": ["waiting", "paused", "done"],
    "sessions": ["idle", "ended"],
    "workspace_moves": ["packing", "left", "done"],
    "workspaces": ["ready", "closing", "gone"],
    "messages": ["of the idle session", "of the ended one"],
    "places": ["of the idle session", "of the ended one"],
    "audience": ["of the idle session", "of the ended one"],
    "read_marks": ["of the idle session", "of the ended one"],
}
KNOWN: dict[str, dict[str, object]] = {
    "audit_entries": {"number": 1, "previous": "0" * 64},  # a chain: triggers look
    "deferred": {"is_steady": 1},
    "read_marks": {"person_id": ""},
}
_NOT_OVER = {"queued", "sent", "received", "open", "waiting", "paused"}
_WHEN_OVER = ("ended_at", "decided_at", "delivered_at")
_IDS = (
    "command_id",
    "notification_id",
    "permission_id",
    "session_id",
    "bare_id",
    "message_id",
    "deferred_id",
    "key",
    "move_id",
)


def insert(connection: sqlite3.Connection, table: str, **known: object) -> None:
    """One row; its times are THEN."""
    columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
    values = {name: known.get(name, THEN if kind == "REAL" else 0) for _, name, kind, *_ in columns}
    values = {name: value for name, value in values.items() if name not in {"position", "step_id"}}
    marks = ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", list(values.values()))


def fill(connection: sqlite3.Connection, table: str) -> None:
    """One row, or one of each state, each of another id."""
    if table == "audit_anchors":  # has its one row from the beginning
        return
    for number, state in enumerate(STATES.get(table, [""])):
        over = dict.fromkeys(_WHEN_OVER) if state in _NOT_OVER else {}
        ids: dict[str, object] = dict.fromkeys(_IDS, number)
        insert(connection, table, **(ids | over | KNOWN.get(table, {}) | ({"state": state} if state else {})))
