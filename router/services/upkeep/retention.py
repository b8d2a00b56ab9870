"""What is past its time is removed, in batches that keep nobody waiting."""

from collections import Counter

from router.domain.clock_steps import HISTORY
from router.store import clock_steps
from router.store.database import Transaction
from router.store.registry import STORES


def clean(tx: Transaction, now: float) -> Counter[str]:
    """Remove one batch of everything that is past its time; how many rows of each table went."""
    # After the clock was put forward what has ended looks older than it is.
    history = 0.0 if clock_steps.history_is_held(tx, now) else now - HISTORY
    removed = Counter[str]()
    for store in STORES:  # in its order: what is spoken of goes after what speaks of it
        if store.purge:
            before = history if store.kept is None else now - store.kept
            removed[store.model._meta.table_name] = store.purge(tx, before, store.batch)
    return removed


def full(removed: Counter[str]) -> bool:
    """Whether some table may hold more."""
    return any(removed[store.model._meta.table_name] == store.batch for store in STORES)
