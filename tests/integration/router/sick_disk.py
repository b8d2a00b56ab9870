"""A disk that refuses one kind of change: what that writes needs more room than there is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from router.store.database import Transaction
from tests.integration.router.harness import RouterUnderTest
from tests.waiting import wait_until

ROOM = 1000  # pages that other changes may still take
TOO_MUCH = 100 * 1024 * 1024  # bytes


def refusing(name: str, change: str) -> Callable[[Transaction], None]:
    """From now on a change ("INSERT ON steps") finds the disk full."""

    def operation(tx: Transaction) -> None:
        tx.execute("CREATE TABLE IF NOT EXISTS ballast (weight BLOB)")
        tx.execute(f"PRAGMA max_page_count = {tx.execute('PRAGMA page_count').fetchone()[0] + ROOM}")
        weighs = f"INSERT INTO ballast (weight) VALUES (zeroblob({TOO_MUCH}))"
        tx.execute(f"CREATE TRIGGER {name} BEFORE {change} BEGIN {weighs}; END")

    return operation


def mended(name: str) -> Callable[[Transaction], None]:
    """It takes that change again."""
    return lambda tx: (tx.execute(f"DROP TRIGGER {name}"), None)[1]


@contextmanager
def failing(router: RouterUnderTest, change: str) -> Iterator[None]:
    """Inside the block a change fails as on a full disk."""
    router.write(refusing("sick", change))
    try:
        yield
    finally:
        wait_until(lambda: router.taken(mended("sick")))
