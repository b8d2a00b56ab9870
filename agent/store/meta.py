"""Single facts about the file, by name."""

from agent.store.group_commit import Transaction
from agent.store.statements import Statement, given, upsert
from agent.store.tables import MetaRow as Row

_PUT = Statement(upsert(Row, [Row.key]))
_DROP = Statement(Row.delete().where(Row.key == given.key))
_ALL = Statement(Row.select())


def facts(tx: Transaction) -> dict[str, str]:
    """What is remembered, by its name."""
    return {row["key"]: row["value"] for row in _ALL.rows(tx)}


def put(tx: Transaction, key: str, value: str) -> None:
    """Remember one, in place of what it was before."""
    _PUT.run(tx, key=key, value=value)


def drop(tx: Transaction, key: str) -> None:
    """Forget one."""
    _DROP.run(tx, key=key)
