"""Questions that wait for an answer; each step with the word about it to the router, in one transaction.

A row is there from the question until its asker has the answer, or until it is over. So an asker that comes again
finds what was decided meanwhile, and a decision counts once.
"""

import json
import sqlite3
from asyncio import Future
from collections.abc import Sequence

from agent.domain.command import Outcome, PermissionDecision, Reason
from agent.domain.frames import PermissionAsked, PermissionOver
from agent.domain.permission import Decision, Over, Question
from agent.store.inbox import end
from agent.store.outbox import Outbox, append

_KNOWN = "SELECT input_digest, options, decision FROM questions WHERE permission_id = ?"
_OVER = Outcome.failed(Reason.QUESTION_OVER, "The question was answered at the terminal, or is not asked any more.")
_CHANGED = Outcome.failed(Reason.INPUT_CHANGED, "That is not what is asked.")


class Questions:
    """Rows of questions. Each method is one transaction; its future resolves after the fsync."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def ask(self, question: Question) -> "Future[Decision | None]":
        """Store a question, unless it is known; what was decided about it, or None."""
        return self._outbox.run(lambda connection: _ask(connection, question))

    def decide(self, command_id: str, decision: PermissionDecision) -> "Future[Outcome]":
        """End the command with what became of its decision. Raises IllegalMove when the command had ended."""
        return self._outbox.run(lambda connection: _decide(connection, command_id, decision))

    def close(self, permission_ids: Sequence[str], over: Over, detail: str) -> "Future[None]":
        """These questions are over without an answer; those that are not there are left out."""
        return self._outbox.run(lambda connection: _close(connection, permission_ids, over, detail))

    def forget(self, permission_ids: Sequence[str]) -> "Future[None]":
        """Whoever asked these has the answers."""
        return self._outbox.run(lambda connection: _forget(connection, permission_ids))

    def left(self) -> "Future[tuple[str, ...]]":
        """The questions that an earlier process left."""
        sql = "SELECT permission_id FROM questions"
        return self._outbox.run(lambda connection: tuple(row[0] for row in connection.execute(sql)))


def _ask(connection: sqlite3.Connection, question: Question) -> Decision | None:
    row = connection.execute(_KNOWN, (question.permission_id,)).fetchone()
    if row is not None:
        return Decision(*json.loads(row[2])) if row[2] else None
    options = json.dumps([option.option_id for option in question.options])
    connection.execute(
        "INSERT INTO questions (permission_id, input_digest, options, decision) VALUES (?, ?, ?, '')",
        (question.permission_id, question.input_digest, options),
    )
    append(connection, PermissionAsked(question))
    return None


def _decide(connection: sqlite3.Connection, command_id: str, decision: PermissionDecision) -> Outcome:
    outcome = _judged(connection, decision)
    end(connection, command_id, outcome)
    if outcome == Outcome.done():
        chosen = json.dumps([decision.option_id, decision.text])
        connection.execute(
            "UPDATE questions SET decision = ? WHERE permission_id = ?", (chosen, decision.permission_id)
        )
    return outcome


def _judged(connection: sqlite3.Connection, decision: PermissionDecision) -> Outcome:
    row = connection.execute(_KNOWN, (decision.permission_id,)).fetchone()
    if row is None or row[2]:
        return _OVER
    if decision.input_digest != row[0]:
        return _CHANGED
    if decision.option_id not in json.loads(row[1]):
        return Outcome.failed(Reason.INVALID_ARGUMENT, "The question has no such option.")
    return Outcome.done()


def _close(connection: sqlite3.Connection, permission_ids: Sequence[str], over: Over, detail: str) -> None:
    for permission_id in permission_ids:
        if connection.execute("DELETE FROM questions WHERE permission_id = ?", (permission_id,)).rowcount:
            append(connection, PermissionOver(permission_id, over, detail))


def _forget(connection: sqlite3.Connection, permission_ids: Sequence[str]) -> None:
    connection.executemany("DELETE FROM questions WHERE permission_id = ?", [(each,) for each in permission_ids])
