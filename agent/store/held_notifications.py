"""Notifications with files until the router has both, and behind them what their session says meanwhile."""

from typing import cast

from peewee import fn

from agent.domain.frames import Notify
from agent.store.group_commit import Transaction
from agent.store.payloads import decoded, encoded
from agent.store.statements import Statement, given, insert
from agent.store.tables import HeldNotificationRow as Row

_HOLD = Statement(insert(Row))
_DROP = Statement(Row.delete().where(Row.position == given.position))
_OF_SESSION = Statement(Row.select(Row.position).where(Row.session_id == given.session_id).limit(1))
_ALL = Statement(Row.select().order_by(Row.position))  # in the order in which they were said
_COUNT = Statement(Row.select(fn.COUNT(Row.position)))


def must_wait(tx: Transaction, notification: Notify) -> bool:
    """Whether it has files, or one of the same session that has is still here."""
    # Else it would overtake.
    return bool(notification.files) or _OF_SESSION.value(tx, session_id=notification.session_id) is not None


def hold(tx: Transaction, notification: Notify, after_seq: int) -> None:
    """Keep a notification until what was in the outbox before it, up to this number, has gone."""
    _HOLD.run(tx, session_id=notification.session_id, after_seq=after_seq, payload=encoded(notification)[1])


def first(tx: Transaction) -> tuple[int, int, Notify] | None:
    """The first: its position, the number it waits for, and what it says."""
    row = _ALL.row(tx)
    return None if row is None else (row["position"], row["after_seq"], _notification(row["payload"]))


def files(tx: Transaction) -> frozenset[str]:
    """The ids of all files of all of them."""
    return frozenset(file.file_id for row in _ALL.rows(tx) for file in _notification(row["payload"]).files)


def drop(tx: Transaction, position: int) -> None:
    """Forget one."""
    _DROP.run(tx, position=position)


def count(tx: Transaction) -> int:
    """How many there are."""
    return int(_COUNT.value(tx))


def _notification(payload: str) -> Notify:
    return cast("Notify", decoded("notify", payload))
