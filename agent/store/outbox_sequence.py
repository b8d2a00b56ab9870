"""The numbers of the outbox, which the router counts: in its rows, beside the commands whose results they are, and in
SQLite's own count of those that were given out.
"""

import logging

from peewee import fn

from agent.store.group_commit import Transaction
from agent.store.statements import Statement, given
from agent.store.tables import InboxRow, OutboxRow, SequenceRow

logger = logging.getLogger(__name__)

_FIRST = Statement(OutboxRow.select(fn.MIN(OutboxRow.upstream_seq)))
_ALL = Statement(OutboxRow.select(OutboxRow.upstream_seq).order_by(OutboxRow.upstream_seq))
_LAST = Statement(SequenceRow.select(SequenceRow.seq).where(SequenceRow.name == "outbox"))
_SET_LAST = Statement(SequenceRow.update(seq=given.seq).where(SequenceRow.name == "outbox"))
_ADD_LAST = Statement(SequenceRow.insert(name="outbox", seq=given.seq))

# What the router has acknowledged is gone from the outbox: no row may be taken for it under its new number.
_IS_GONE = InboxRow.result_seq.not_in(OutboxRow.select(OutboxRow.upstream_seq))
_FORGET_GONE = Statement(InboxRow.update(result_seq=0).where(~InboxRow.result_seq.is_null(), _IS_GONE))
_RENUMBER = Statement(OutboxRow.update(upstream_seq=given.number).where(OutboxRow.upstream_seq == given.seq))
_RENUMBER_RESULT = Statement(InboxRow.update(result_seq=given.number).where(InboxRow.result_seq == given.seq))


def acknowledged(tx: Transaction) -> int:
    """The last number that is gone from here, as a router has acknowledged it; 0 for none."""
    first: int | None = _FIRST.value(tx)
    return _last(tx) if first is None else first - 1


def renumber_above(tx: Transaction, acked: int, *, outdated: bool = False) -> None:
    """Make every number greater than `acked`.

    A router that has acknowledged more than was ever numbered here knows a later life of this file: it was put back
    from a copy. So it does where it says `outdated`, though more may have been numbered here since. Without new
    numbers, what is in it would pass for acknowledged.
    """
    if acked <= _last(tx) and not outdated:
        return
    logger.warning("outbox renumbered acked=%s", acked)
    _FORGET_GONE.run(tx)
    old = [row["upstream_seq"] for row in _ALL.rows(tx)]
    # Below zero first, so that no old number meets a new one.
    below = [{"seq": seq, "number": -number} for number, seq in enumerate(old, start=acked + 1)]
    above = [{"seq": -number, "number": number} for number in range(acked + 1, acked + 1 + len(old))]
    for statement in (_RENUMBER, _RENUMBER_RESULT):
        statement.run_many(tx, below + above)
    _count_on_from(tx, acked + len(old))


def _last(tx: Transaction) -> int:
    return _LAST.value(tx) or 0


def _count_on_from(tx: Transaction, seq: int) -> None:
    if not _SET_LAST.run(tx, seq=seq).rowcount:
        _ADD_LAST.run(tx, seq=seq)
