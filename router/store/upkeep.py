"""What time does to a table, said by its store: what moves when the wall clock is set, what goes when it is old.

    shift = shifting(Held.created_at)
    purge = purging(Held, Held.created_at < given.before)

`registry` has the stores of all tables.
"""

from collections.abc import Callable
from dataclasses import dataclass

from peewee import Expression, Field, Model, ModelDelete, Tuple, fn

from router.store.statements import Connection, Statement, given

Shift = Callable[[Connection, float], object]  # moves times that decide something by so many seconds
Purge = Callable[[Connection, float, int], int]  # removes at most so many rows from before a time; how many went
Stats = Callable[[Connection], dict[str, int]]  # how many rows there are, by state

BATCH = 500  # rows of a table in a transaction: so many keep nobody waiting


@dataclass(frozen=True, slots=True)
class Store:
    """One table. What is None does not apply: its times are kept for people, its rows go by what is done with them."""

    model: type[Model]
    shift: Shift | None = None
    purge: Purge | None = None
    kept: float | None = None  # seconds until a purge; None for as long as history is
    batch: int = BATCH
    stats: Stats | None = None


def shifting(column: "Field[float]", where: Expression | None = None) -> Shift:
    """Move a column of those rows for which it still decides something."""
    query = column.model.update({column: column + given.seconds})
    statement = Statement(query.where(where) if where is not None else query)
    return lambda on, seconds: statement.run(on, seconds=seconds)


def purging(model: type[Model], where: Expression) -> Purge:
    """Remove rows for which this is true of the time `given.before`."""
    # The batch is found first, by its keys: a DELETE of its own has no limit, as SQLite is commonly built.
    keys = model._meta.get_primary_keys()
    return removing(model.delete().where(Tuple(*keys).in_(model.select(*keys).where(where).limit(given.limit))))


def removing(query: ModelDelete) -> Purge:
    """Remove what a query says of `given.before` and `given.limit`."""
    statement = Statement(query)
    return lambda on, before, limit: statement.run(on, before=before, limit=limit).rowcount


def counting(state: "Field[str]", *, live: Expression, given_up: Expression) -> Stats:
    """Count those that live by their state, and those that were given up and wait for a person as DEAD."""
    by_state = Statement(state.model.select(state, fn.COUNT(state)).where(live).group_by(state))
    dead = Statement(state.model.select(fn.COUNT(state)).where(given_up))
    return lambda on: {state.upper(): n for state, n in by_state.run(on).fetchall()} | {"DEAD": dead.value(on)}
