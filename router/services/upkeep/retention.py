"""What is past its time is removed, in batches that keep nobody waiting."""

from collections import Counter
from dataclasses import dataclass

from router.domain.clock_steps import HISTORY
from router.store import clock_steps
from router.store.database import Transaction
from router.store.registry import STORES


@dataclass(frozen=True, slots=True)
class Removed:
    """How many rows of each table went."""

    rows: Counter[str]
    full: bool  # whether some table may hold more

    def __add__(self, other: "Removed") -> "Removed":
        return Removed(self.rows + other.rows, other.full)


def clean(tx: Transaction, now: float) -> Removed:
    """Remove one batch of everything that is past its time."""
    # After the clock was put forward what has ended looks older than it is.
    history = 0.0 if clock_steps.history_is_held(tx, now) else now - HISTORY
    rows, full = Counter[str](), False  # in the order of the registry: what is spoken of goes last
    for store in STORES:
        if store.purge:
            count = store.purge(tx, history if store.kept is None else now - store.kept, store.batch)
            rows[store.model._meta.table_name] = count
            full = full or count == store.batch
    return Removed(rows, full)
