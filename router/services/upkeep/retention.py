"""What is past its time is removed, in batches that keep nobody waiting."""

from dataclasses import dataclass

from router.domain.clock_steps import HISTORY
from router.store import clock_steps, files, held
from router.store.database import Transaction
from router.store.idempotency import KEPT as REQUESTS_KEPT

BATCH = 500  # rows per table and transaction
FILE_PARTS = 50  # in a transaction; each may have half a megabyte


@dataclass(frozen=True, slots=True)
class Removed:
    """How many rows of each kind went."""

    commands: int
    notifications: int
    messages: int
    updates: int
    sessions: int
    steps: int
    file_parts: int

    @property
    def full(self) -> bool:
        """Whether some table may hold more."""
        return self.file_parts == FILE_PARTS or BATCH in (
            self.commands,
            self.notifications,
            self.messages,
            self.updates,
            self.sessions,
            self.steps,
        )

    def __add__(self, other: "Removed") -> "Removed":
        return Removed(
            self.commands + other.commands,
            self.notifications + other.notifications,
            self.messages + other.messages,
            self.updates + other.updates,
            self.sessions + other.sessions,
            self.steps + other.steps,
            self.file_parts + other.file_parts,
        )


def clean(tx: Transaction, now: float) -> Removed:
    """Remove one batch of everything that is past its time."""
    old = 0.0 if clock_steps.history_is_held(tx, now) else now - HISTORY
    tx.execute("DELETE FROM places WHERE session_id NOT IN (SELECT session_id FROM sessions)")
    ended = "SELECT session_id FROM sessions WHERE state = 'ended' AND updated_at < ?"
    _delete(tx, "permissions", "position", "decided_at < ?", old)
    held.forget(tx, now - held.KEPT)
    tx.execute("DELETE FROM strangers WHERE last_seen_at < ?", (old,))
    return Removed(
        commands=_delete(tx, "commands", "position", "ended_at < ?", old),
        notifications=_delete(
            tx, "notifications", "position", "state IN ('delivered', 'refused', 'dead') AND created_at < ?", old
        ),
        messages=tx.execute(
            "DELETE FROM messages WHERE (transport, chat_id, message_id) IN (SELECT transport, chat_id, message_id"
            f" FROM messages WHERE session_id IN ({ended}) LIMIT {BATCH})",
            (old,),
        ).rowcount,
        updates=_delete(tx, "requests", "key", "created_at < ?", now - REQUESTS_KEPT),
        sessions=_delete(
            tx,
            "sessions",
            "session_id",
            "state = 'ended' AND updated_at < ? AND session_id NOT IN (SELECT session_id FROM messages)",
            old,
        ),
        steps=tx.execute(
            "DELETE FROM steps WHERE step_id IN"  # the oldest come first: no index on the time is needed
            f" (SELECT step_id FROM (SELECT step_id, at FROM steps ORDER BY step_id LIMIT {BATCH}) WHERE at < ?)",
            (old,),
        ).rowcount,
        file_parts=files.forget(tx, now - files.KEPT, FILE_PARTS),
    )


def _delete(tx: Transaction, table: str, key: str, where: str, limit: float) -> int:
    sql = f"DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE {where} LIMIT {BATCH})"
    return tx.execute(sql, (limit,)).rowcount
