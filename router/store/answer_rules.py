"""Rules that allow for a time, on disk."""

from peewee import fn

from router.domain.answer_rule import AnswerRule
from router.domain.deferral import Owner
from router.domain.errors import Reason, Refusal
from router.store import tables
from router.store.database import Transaction
from router.store.mapper import Mapper, Part
from router.store.statements import Connection, Statement, all_given, given
from router.store.tables.answer_rules import STANDS
from router.store.upkeep import purging

Row = tables.AnswerRule
_RULES = Mapper(
    Row,
    AnswerRule,
    owner=Part([Row.owner, Row.person_id, Row.user_id, Row.key_id], Owner,
               lambda owner: (owner.name, owner.person_id, owner.user_id, owner.key_id)),
)  # fmt: skip
_ALL = _RULES.select()
_NEWEST = _ALL.order_by(Row.created_at.desc(), Row.rule_id.desc())
_INSERT = _RULES.writes(_RULES.insert())
_CHANGE = _RULES.writes(
    Row.update(all_given((Row.answers, Row.ended_at, Row.ended_by))).where(Row.rule_id == given.rule_id)
)
_FIND = _RULES.reads(_ALL.where(Row.rule_id == given.rule_id))
_OF_MACHINE = _RULES.reads(_ALL.where((Row.machine_id == given.machine_id) & STANDS).order_by(Row.created_at))
_STANDING = _RULES.reads(_NEWEST.where(STANDS))
_PAGE = _RULES.reads(_NEWEST)
_COUNT_OF = Statement(Row.select(fn.COUNT(Row.rule_id)).where((Row.owner == given.owner) & STANDS))
_COUNT = Statement(Row.select(fn.COUNT(Row.rule_id)).where(STANDS))

purge = purging(Row, Row.ended_at < given.before)


def insert(tx: Transaction, rule: AnswerRule) -> None:
    """Write a new one."""
    _INSERT.one(tx, rule)


def change(tx: Transaction, rule: AnswerRule) -> None:
    """Write how often it answered, and its end."""
    _CHANGE.one(tx, rule)


def find(on: Connection, rule_id: str) -> AnswerRule | None:
    """One of them, or None."""
    return _FIND.one(on, rule_id=rule_id)


def get(on: Connection, rule_id: str) -> AnswerRule:
    """One of them. Raises Refusal."""
    if (found := find(on, rule_id)) is None:
        raise unknown(rule_id)
    return found


def unknown(rule_id: str) -> Refusal:
    """What is told of one that is not there."""
    return Refusal(Reason.NOT_FOUND, f"There is no rule {rule_id[:128]}. `pointsman rules` lists them.")


def of_machine(on: Connection, machine_id: str) -> list[AnswerRule]:
    """Those of a machine's sessions that nobody has ended, the oldest first."""
    return _OF_MACHINE.all(on, machine_id=machine_id)


def page(on: Connection, *, over: bool) -> list[AnswerRule]:
    """All that nobody has ended, newest first; `over`: also the others."""
    return (_PAGE if over else _STANDING).all(on)


def count_of(on: Connection, owner: str) -> int:
    """How many of one person's nobody has ended."""
    return int(_COUNT_OF.value(on, owner=owner))


def count(on: Connection) -> int:
    """How many nobody has ended."""
    return int(_COUNT.value(on))
