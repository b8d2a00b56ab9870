"""Work that models would hand over: kept for a day, until somebody starts it."""

from peewee import fn

from router.domain.proposal import Proposal
from router.store.database import Transaction
from router.store.statements import Connection, Statement, given, insert
from router.store.tables import Proposed as Row
from router.store.upkeep import BATCH, purging, shifting

KEPT = 24 * 3600.0  # seconds: what was meant yesterday is asked for again

_ADD = Statement(insert(Row))
_FIND = Statement(
    Row.select(Row.prompt, Row.machine_id, Row.agent, Row.folder).where(
        (Row.proposal_id == given.proposal_id) & (Row.created_at > given.since)
    )
)

_OVER = Statement(
    Row.select(Row.proposal_id).where(Row.created_at <= given.since).order_by(Row.created_at).limit(given.limit)
)
_DROP = Statement(Row.delete().where(Row.proposal_id == given.proposal_id))
_OLDEST = Statement(Row.select(fn.MIN(Row.created_at)))

shift = shifting(Row.created_at)
purge = purging(Row, Row.created_at < given.before)  # those that `drop_over` has not come to


def add(tx: Transaction, proposal_id: str, proposal: Proposal, now: float) -> None:
    """Keep it for whoever presses."""
    _ADD.run(
        tx, proposal_id=proposal_id, prompt=proposal.prompt, machine_id=proposal.machine_id, agent=proposal.agent,
        folder=proposal.folder, created_at=now,
    )  # fmt: skip


def find(on: Connection, proposal_id: str, now: float) -> Proposal | None:
    """One of them; None where its day is over, too."""
    row = _FIND.run(on, proposal_id=proposal_id, since=now - KEPT).fetchone()
    return Proposal(*row) if row else None


def drop_over(tx: Transaction, now: float) -> list[str]:
    """Remove those whose day is over, at most so many at once; which they were."""
    over = [str(each) for each in _OVER.values(tx, since=now - KEPT, limit=BATCH)]
    for proposal_id in over:
        _DROP.run(tx, proposal_id=proposal_id)
    return over


def next_over(tx: Transaction) -> float | None:
    """When the next one's day is over."""
    oldest = _OLDEST.value(tx)
    return None if oldest is None else oldest + KEPT
