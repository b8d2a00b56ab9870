"""Questions that wait for an answer; each step with the word about it to the router, in one transaction.

A row is there from the question until its asker has the answer, or until it is over. So an asker that comes again
finds what was decided meanwhile, and a decision counts once. What a person wrote with it is in the row: where the row
ends without the asker, people are told those words in the same transaction.
"""

import json
import sqlite3
import uuid
from asyncio import Future
from collections.abc import Sequence
from dataclasses import asdict, astuple

from agent.domain.command import MAX_TEXT_BYTES, Outcome, PermissionDecision, Reason
from agent.domain.frames import Notify, PermissionAsked, PermissionOver
from agent.domain.permission import Decision, FormAnswer, Over, Parked, Question, Takes
from agent.store.group_commit import Transaction
from agent.store.inbox import end
from agent.store.outbox import Outbox, append
from agent.store.statements import Statement, given, insert
from agent.store.tables import ParkedRow
from agent.store.tables import QuestionRow as Row

_THIS = Row.permission_id == given.permission_id
_INSERT = Statement(insert(Row))
_FIND = Statement(Row.select().where(_THIS))
_ALL = Statement(Row.select(Row.permission_id))
_DECIDE = Statement(Row.update(decision=given.decision).where(_THIS))
_DROP = Statement(Row.delete().where(_THIS))

_PARK = Statement(insert(ParkedRow))
_PARKED = Statement(ParkedRow.select())
_UNPARK = Statement(ParkedRow.delete().where(ParkedRow.permission_id == given.permission_id))
_SHIFT = Statement(ParkedRow.update(asked_at=ParkedRow.asked_at + given.seconds))

_OVER = Outcome.failed(Reason.QUESTION_OVER, "The question was answered at the terminal, or is not asked any more.")
_UNSURE = "Nobody can know whether what you wrote with your answer has arrived. Write it again where it has not:"
_CHANGED = Outcome.failed(Reason.INPUT_CHANGED, "That is not what is asked.")


class Questions:
    """Rows of questions. Each method is one transaction; its future resolves after the fsync."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def ask(self, question: Question) -> "Future[Decision | None]":
        """Store a question, unless it is known; what was decided about it, or None."""
        return self._outbox.write(lambda tx: _ask(tx, question))

    def decide(self, command_id: str, decision: PermissionDecision) -> "Future[Outcome]":
        """End the command with what became of its decision. Raises IllegalMove when the command had ended."""
        return self._outbox.write(lambda tx: _decide(tx, command_id, decision))

    def close(self, permission_ids: Sequence[str], over: Over, detail: str) -> "Future[None]":
        """These questions are over without an answer; those that are not there are left out."""
        return self._outbox.write(lambda tx: _close(tx, permission_ids, over, detail))

    def forget(self, permission_ids: Sequence[str]) -> "Future[None]":
        """Whoever asked these has the answers."""
        return self._outbox.write(lambda tx: _forget(tx, permission_ids))

    def park(self, parked: Parked) -> "Future[Decision | None]":
        """Its program is ended, and the question stays; what was decided meanwhile, or None."""
        return self._outbox.write(lambda tx: _park(tx, parked))

    def parked(self) -> "Future[tuple[tuple[Parked, Decision | None], ...]]":
        """Those that are parked, each with what was decided."""
        return self._outbox.write(_parked)

    def unpark(self, permission_id: str) -> "Future[bool]":
        """Its answer is told from now on, and never again; False for one that is not there. What it was stays known."""
        return self._outbox.write(lambda tx: _unpark(tx, permission_id))

    def left(self) -> "Future[tuple[str, ...]]":
        """The questions that an earlier process left."""
        return self._outbox.write(lambda tx: tuple(row["permission_id"] for row in _ALL.rows(tx)))


def _ask(tx: Transaction, question: Question) -> Decision | None:
    row = _known(tx, question.permission_id)
    if row is not None:
        return _decision(row["decision"]) if row["decision"] else None
    options, *more = astuple(question.takes)
    known = {"permission_id": question.permission_id, "input_digest": question.input_digest}
    known["session_id"] = question.session_id
    _INSERT.run(tx, **known, options=json.dumps(options), takes=json.dumps(more), decision="")
    append(tx, PermissionAsked(question))
    return None


def _decide(tx: Transaction, command_id: str, decision: PermissionDecision) -> Outcome:
    # The command ends with the decision, in one: an agent that dies here has both, or is asked again.
    outcome = _judged(tx, decision)
    end(tx, command_id, outcome)
    if outcome == Outcome.done():
        _DECIDE.run(tx, permission_id=decision.permission_id, decision=json.dumps(astuple(decision.chosen)))
    return outcome


def _judged(tx: Transaction, decision: PermissionDecision) -> Outcome:
    row = _known(tx, decision.permission_id)
    if row is None or row["decision"]:  # whoever decided first has decided
        return _OVER
    if decision.input_digest != row["input_digest"]:  # a yes to something else than what is asked would be a breach
        return _CHANGED
    if misfit := _takes(row).misfit(decision.chosen):
        return Outcome.failed(Reason.INVALID_ARGUMENT, misfit)
    return Outcome.done()


def _takes(row: sqlite3.Row) -> Takes:
    with_input, form = json.loads(row["takes"])
    asked = tuple((tuple(options), multi_select) for options, multi_select in form)
    return Takes(tuple(json.loads(row["options"])), tuple(with_input), asked)


def _decision(text: str) -> Decision:
    option_id, words, *more = json.loads(text)  # an earlier version wrote no more
    updated_input, answers = more or ("", [])
    return Decision(option_id, words, updated_input, tuple(FormAnswer(tuple(ids), own) for ids, own in answers))


def _known(tx: Transaction, permission_id: str) -> sqlite3.Row | None:
    return _FIND.row(tx, permission_id=permission_id)


def _close(tx: Transaction, permission_ids: Sequence[str], over: Over, detail: str) -> None:
    for permission_id in permission_ids:
        if (row := _known(tx, permission_id)) is not None:
            _forget(tx, [permission_id])
            append(tx, PermissionOver(permission_id, over, detail))
            if row["decision"] and row["session_id"] and (words := _decision(row["decision"]).text):
                append(tx, _unsure(row["session_id"], permission_id, words))


def _unsure(session_id: str, permission_id: str, words: str) -> Notify:
    told = f"{_UNSURE}\n\n{words}".encode()[:MAX_TEXT_BYTES].decode(errors="ignore")
    return Notify(str(uuid.uuid5(uuid.NAMESPACE_OID, permission_id)), session_id, told)


def shift(tx: Transaction, seconds: float) -> None:
    """The wall clock stepped."""
    _SHIFT.run(tx, seconds=seconds)


def _park(tx: Transaction, parked: Parked) -> Decision | None:
    _PARK.run(tx, **asdict(parked))
    row = _known(tx, parked.permission_id)
    return _decision(row["decision"]) if row is not None and row["decision"] else None


def _parked(tx: Transaction) -> tuple[tuple[Parked, Decision | None], ...]:
    found = []
    for each in _PARKED.rows(tx):
        row = _known(tx, each["permission_id"])
        decision = _decision(row["decision"]) if row is not None and row["decision"] else None
        found.append((Parked(**{name: each[name] for name in each.keys()}), decision))  # noqa: SIM118 - it is a Row
    return tuple(found)


def _unpark(tx: Transaction, permission_id: str) -> bool:
    return bool(_UNPARK.run(tx, permission_id=permission_id).rowcount)


def _forget(tx: Transaction, permission_ids: Sequence[str]) -> None:
    these = [{"permission_id": each} for each in permission_ids]
    _DROP.run_many(tx, these)
    _UNPARK.run_many(tx, these)
