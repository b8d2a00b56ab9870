"""What somebody wants back from a machine that has not said yet whether it is too late."""

from router.store.database import Transaction


def ask(tx: Transaction, command_id: str, machine_id: str, actor: str) -> None:
    """Remember the wish until the command has ended, however often the link breaks."""
    tx.execute(
        "INSERT OR IGNORE INTO cancels (machine_id, command_id, actor) VALUES (?, ?, ?)",
        (machine_id, command_id, actor),
    )


def asked(tx: Transaction, machine_id: str) -> dict[str, str]:
    """The commands of a machine that are wanted back, with who wants each."""
    rows = tx.execute("SELECT command_id, actor FROM cancels WHERE machine_id = ?", (machine_id,)).fetchall()
    return dict(rows)


def forget(tx: Transaction, machine_id: str) -> None:
    """Drop the wishes whose command has ended."""
    live = "commands.command_id = cancels.command_id AND state IN ('queued', 'sent', 'received')"
    tx.execute(
        f"DELETE FROM cancels WHERE machine_id = ? AND NOT EXISTS (SELECT 1 FROM commands WHERE {live})", (machine_id,)
    )
