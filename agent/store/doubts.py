"""Sessions whose input line may hold what an interrupted delivery left. The next text for one clears the line first."""

from agent.domain.command import Ending, Entry
from agent.store.group_commit import Transaction
from agent.store.statements import Statement, given, insert_new
from agent.store.tables import DoubtRow as Row

_ADD = Statement(insert_new(Row, [Row.bare_id]))
_DROP = Statement(Row.delete().where(Row.bare_id == given.bare_id))
_FIND = Statement(Row.select().where(Row.bare_id == given.bare_id))


def learn(tx: Transaction, ended: Entry) -> None:
    """A command ended: after a text it is known what is on the line, or known that it is not."""
    ending = ended.outcome.ending if ended.outcome and ended.kind == "input" else None  # keys leave no text behind
    if ending in (Ending.UNCERTAIN, Ending.DONE):
        (_ADD if ending is Ending.UNCERTAIN else _DROP).run(tx, bare_id=ended.session_id)


def is_in_doubt(tx: Transaction, bare_id: str) -> bool:
    """Whether something may be left on the line of a session."""
    return _FIND.value(tx, bare_id=bare_id) is not None
