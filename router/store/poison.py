"""Commands that may have brought an agent down: what was on its way when its link died young, and how often."""

from collections.abc import Sequence

from router.store.database import Transaction

_WAITING = (
    "EXISTS (SELECT 1 FROM commands WHERE commands.command_id = suspects.command_id AND state IN ('queued', 'sent'))"
)


def blame(tx: Transaction, command_ids: Sequence[str], machine_id: str, epoch: int) -> None:
    """A link of this epoch died right after these were sent; whether the agent died with it shows when it returns."""
    tx.executemany(
        "INSERT INTO suspects (machine_id, command_id, epoch, crashes) VALUES (?, ?, ?, 0)"
        " ON CONFLICT (machine_id, command_id) DO UPDATE SET epoch = excluded.epoch",
        [(machine_id, command_id, epoch) for command_id in command_ids],
    )


def restarted(tx: Transaction, machine_id: str, epoch: int, limit: int) -> list[str]:
    """The agent that had that link is another process now. Returns what has done that `limit` times."""
    tx.execute(
        "UPDATE suspects SET crashes = crashes + 1 WHERE machine_id = ? AND epoch = ? AND " + _WAITING,
        (machine_id, epoch),
    )
    found = tx.execute(
        "SELECT command_id FROM suspects WHERE machine_id = ? AND crashes >= ? AND " + _WAITING, (machine_id, limit)
    )
    return [row[0] for row in found.fetchall()]


def any_waits(tx: Transaction, machine_id: str) -> bool:
    """Whether something is under way to a machine that was there at a crash and has not been cleared."""
    sql = "SELECT 1 FROM suspects WHERE machine_id = ? AND crashes > 0 AND " + _WAITING + " LIMIT 1"
    return tx.execute(sql, (machine_id,)).fetchone() is not None


def forget(tx: Transaction, machine_id: str) -> None:
    """Drop those that the machine has confirmed since, or that ended."""
    tx.execute("DELETE FROM suspects WHERE machine_id = ? AND NOT " + _WAITING, (machine_id,))
