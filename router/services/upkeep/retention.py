"""What is past its time is removed, in batches that keep nobody waiting."""

from collections import Counter
from collections.abc import Callable

from router.domain.audit import KEPT
from router.domain.clock_steps import HISTORY
from router.store import audit, clock_steps, tables
from router.store.database import Transaction
from router.store.registry import STORES
from router.store.upkeep import BATCH


def clean(tx: Transaction, now: float, audit_kept: float = KEPT) -> Counter[str]:
    """Remove one batch of everything that is past its time; how many rows of each table went."""
    # After the clock was put forward what has ended looks older than it is.
    held = clock_steps.history_is_held(tx, now)
    history = 0.0 if held else now - HISTORY
    removed = Counter[str]()
    for store in STORES:  # in its order: what is spoken of goes after what speaks of it
        if store.purge:
            before = history if store.kept is None else now - store.kept
            removed[store.model._meta.table_name] = store.purge(tx, before, store.batch)
    entries = tables.AuditEntry._meta.table_name
    removed[entries] = audit.purge(tx, 0.0 if held else now - audit_kept, BATCH)
    return removed


Clean = Callable[[Transaction, float], Counter[str]]  # `clean`, with what the settings say


def full(removed: Counter[str]) -> bool:
    """Whether some table may hold more."""
    return any(removed[store.model._meta.table_name] == store.batch for store in STORES)
