"""What time does to a table, said by its store: what moves when the wall clock is set, what goes when it is old.

    shift = shifting(Held.created_at)
    purge = purging(Held, Held.created_at < given.before)

`registry` has the stores of all tables.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

from peewee import Expression, Field, Model, ModelDelete, Select, Tuple, fn

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
    patient: bool = False  # a minute more or less decides nothing: small steps of the clock are saved up


def shifting(column: "Field[float]", *where: Expression) -> Shift:
    """Move a column of those rows for which it still decides something; a statement for each partial index."""
    query = column.model.update({column: column + given.seconds})
    statements = [Statement(query.where(each)) for each in where] or [Statement(query)]
    return lambda on, seconds: [statement.run(on, seconds=seconds) for statement in statements]


def purging(model: type[Model], where: Expression) -> Purge:
    """Remove rows for which this is true of the time `given.before`."""
    # The batch is found first, by its keys: a DELETE of its own has no limit, as SQLite is commonly built.
    keys = model._meta.get_primary_keys()
    return removing(model.delete().where(Tuple(*keys).in_(model.select(*keys).where(where).limit(given.limit))))


def purging_oldest(position: "Field[int]", at: "Field[float]", over: Expression | None = None) -> Purge:
    """Remove the oldest rows, of those that are over, which are from before `given.before`.

    For tables that grow with every command, and number their rows as they come: no index on the time is needed, and
    where nothing is due the look ends with the batch that it began with.
    """
    oldest = position.model.select(position, at).order_by(position).limit(given.limit)
    oldest = (oldest if over is None else oldest.where(over)).alias("oldest")
    due = Select([oldest], [oldest.c[position.name]]).where(oldest.c[at.name] < given.before)
    return removing(position.model.delete().where(position.in_(due)))


def removing(query: ModelDelete) -> Purge:
    """Remove what a query says of `given.before` and `given.limit`."""
    statement = Statement(query)
    return lambda on, before, limit: statement.run(on, before=before, limit=limit).rowcount


def counting(state: "Field[str]", live: Sequence[Expression], *, given_up: Expression) -> Stats:
    """Count those that live by their state, and those that were given up and wait for a person as DEAD.

    Each of the conditions has a partial index: what has ended is not looked at.
    """
    by_state = [Statement(state.model.select(state, fn.COUNT(state)).where(each).group_by(state)) for each in live]
    dead = Statement(state.model.select(fn.COUNT(state)).where(given_up))

    def counted(on: Connection) -> dict[str, int]:
        rows = chain.from_iterable(each.run(on).fetchall() for each in by_state)
        return {state.upper(): n for state, n in rows} | {"DEAD": dead.value(on)}

    return counted
