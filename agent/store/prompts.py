"""Texts typed into coding agents whose end is not known yet; each step with the word about it to the router.

A row is there from before the first key, so that a hook which is quicker than our own disk finds it. The router hears
of it only after it has heard that the command was typed.
"""

from asyncio import Future

from agent.domain.command import Ending
from agent.domain.frames import CommandMark, CommandResult, Mark
from agent.domain.prompt import Prompt, ended_by, taken_by
from agent.domain.session import bare_id
from agent.store.group_commit import Transaction
from agent.store.outbox import Outbox, append
from agent.store.statements import Statement, given
from agent.store.tables import InboxRow
from agent.store.tables import PromptRow as Row

_THIS = Row.command_id == given.command_id
_HERE = Row.bare_id == given.bare_id
_OPEN = Row.taken_at.is_null()

_EXPECTED = (Row.command_id, Row.bare_id, Row.text, Row.typed, Row.turn, Row.joined, Row.finished)
_FOUND = InboxRow.select(InboxRow.command_id, InboxRow.session_id, InboxRow.text, 0, "", 0, 0).where(
    InboxRow.command_id == given.command_id
)
_EXPECT = Statement(Row.insert_from(_FOUND, _EXPECTED).on_conflict("NOTHING", conflict_target=[Row.command_id]))
_WAITING = Statement(Row.select().where(_HERE, _OPEN).order_by(Row.position))
_TAKEN = Statement(Row.select().where(_HERE, ~_OPEN).order_by(Row.position))
_FIND_OPEN = Statement(Row.select().where(_THIS, _OPEN))
_FIND_TAKEN = Statement(Row.select().where(_THIS, ~_OPEN))
_TAKE = Statement(
    Row.update(taken_at=given.now, turn=given.turn, joined=given.joined).where(_THIS).returning(Row.typed)
)
# There is one at most: the next is not begun before this one has ended on disk, and then it is typed.
_TAKE_GIVEN = Statement(Row.update(taken_at=given.now).where(_HERE, Row.typed == 0, _OPEN))
_SETTLE = Statement(Row.update(typed=1).where(_THIS).returning(Row.taken_at, Row.finished))
_FINISH = Statement(Row.update(finished=1).where(_THIS).returning(Row.typed))
_DROP = Statement(Row.delete().where(_THIS))
_DROP_ALL = Statement(Row.delete().where(_HERE))


class Prompts:
    """Rows of texts. Each method is one transaction; its future resolves after the fsync."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def take(self, session_id: str, heard: str, turn: str, *, joined: bool, now: float) -> "Future[str]":
        """The program in a session took a text: the id of the command that typed it; empty when it was not ours."""
        name = bare_id(session_id)
        return self._outbox.write(lambda tx: _take(tx, name, heard, turn, joined=joined, now=now))

    def took(self, session_id: str, now: float) -> "Future[None]":
        """The program in a session took the text that it is being given."""
        return self._outbox.write(lambda tx: _took(tx, bare_id(session_id), now))

    def end_turn(self, session_id: str, turn: str) -> "Future[None]":
        """A turn ended."""
        return self._outbox.write(lambda tx: _end_turn(tx, bare_id(session_id), turn))

    def rest(self, session_id: str) -> "Future[None]":
        """The program is at rest: whatever it took is done with."""
        return self._outbox.write(lambda tx: _rest(tx, bare_id(session_id)))

    def overdue(self, command_id: str, shown: str) -> "Future[bool]":
        """Say that a text was not taken, and what the screen shows. False when it was taken after all."""
        return self._outbox.write(lambda tx: _overdue(tx, command_id, shown))


def expect(tx: Transaction, command_id: str) -> None:
    """A text is about to be typed into a program that will say when it takes it."""
    _EXPECT.run(tx, command_id=command_id)


def settle(tx: Transaction, result: CommandResult) -> None:
    """A command ended, and its result is in the outbox: now the router may hear what its program said."""
    if result.outcome.ending is not Ending.DONE:  # not typed, or nobody knows: nothing more is to be said of it
        _DROP.run(tx, command_id=result.command_id)
        return
    row = _SETTLE.row(tx, command_id=result.command_id)
    if row is not None and row["taken_at"] is not None:
        append(tx, CommandMark(result.command_id, Mark.TAKEN))
        if row["finished"]:
            _finish(tx, result.command_id)


def forget(tx: Transaction, name: str) -> None:
    """No program in a session (by its bare id) will say more."""
    _DROP_ALL.run(tx, bare_id=name)


def was_taken(tx: Transaction, command_id: str) -> bool:
    """Whether the program has said that it took a text that was being typed."""
    return _FIND_TAKEN.value(tx, command_id=command_id) is not None


def _take(tx: Transaction, name: str, heard: str, turn: str, *, joined: bool, now: float) -> str:
    prompt = taken_by(heard, _prompts(tx, _WAITING, name))
    if prompt is None:
        return ""
    # One that is not typed yet is told of when it is: the router hears first that it was typed.
    if _TAKE.value(tx, command_id=prompt.command_id, now=now, turn=turn, joined=joined):
        append(tx, CommandMark(prompt.command_id, Mark.TAKEN))
    return prompt.command_id


def _took(tx: Transaction, name: str, now: float) -> None:
    _TAKE_GIVEN.run(tx, bare_id=name, now=now)


def _end_turn(tx: Transaction, name: str, turn: str) -> None:
    for prompt in ended_by(turn, _prompts(tx, _TAKEN, name)):
        _finish(tx, prompt.command_id)


def _rest(tx: Transaction, name: str) -> None:
    for prompt in _prompts(tx, _TAKEN, name):
        _finish(tx, prompt.command_id)


def _finish(tx: Transaction, command_id: str) -> None:
    """The work is done; where the router does not know yet that it was typed, that is remembered for then."""
    if _FINISH.value(tx, command_id=command_id):
        append(tx, CommandMark(command_id, Mark.FINISHED))
        _DROP.run(tx, command_id=command_id)


def _overdue(tx: Transaction, command_id: str, shown: str) -> bool:
    if _FIND_OPEN.value(tx, command_id=command_id) is None:
        return False
    append(tx, CommandMark(command_id, Mark.NOT_TAKEN, shown))
    return True


def _prompts(tx: Transaction, query: Statement, name: str) -> list[Prompt]:
    rows = query.rows(tx, bare_id=name)
    return [Prompt(row["command_id"], row["text"], row["turn"], bool(row["joined"])) for row in rows]
