"""Texts typed into coding agents whose end is not known yet; each step with the word about it to the router.

A row is there from before the first key, so that a hook which is quicker than our own disk finds it. The router hears
of it only after it has heard that the command was typed.
"""

import sqlite3
from asyncio import Future

from agent.domain.command import Ending
from agent.domain.frames import CommandMark, CommandResult, Mark
from agent.domain.prompt import Prompt, ended_by, taken_by
from agent.domain.session import bare_id
from agent.store.outbox import Outbox, append

_EXPECT = """
INSERT OR IGNORE INTO prompts (command_id, bare_id, text, typed, turn, joined, taken_at, finished)
SELECT command_id, session_id, text, 0, '', 0, NULL, 0 FROM inbox WHERE command_id = ?
"""
_SELECT = "SELECT command_id, text, turn, joined FROM prompts WHERE bare_id = ?"
_ORDER = "ORDER BY position"
_TAKE = "UPDATE prompts SET taken_at = ?, turn = ?, joined = ? WHERE command_id = ? RETURNING typed"
_SETTLE = "UPDATE prompts SET typed = 1 WHERE command_id = ? RETURNING taken_at, finished"


class Prompts:
    """Rows of texts. Each method is one transaction; its future resolves after the fsync."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def take(self, session_id: str, heard: str, turn: str, *, joined: bool, now: float) -> "Future[str]":
        """The program in a session took a text: the id of the command that typed it; empty when it was not ours."""
        name = bare_id(session_id)
        return self._outbox.run(lambda connection: _take(connection, name, heard, turn, joined=joined, now=now))

    def took(self, session_id: str, now: float) -> "Future[None]":
        """The program in a session took the text that it is being given."""
        return self._outbox.run(lambda connection: _took(connection, bare_id(session_id), now))

    def end_turn(self, session_id: str, turn: str) -> "Future[None]":
        """A turn ended."""
        return self._outbox.run(lambda connection: _end_turn(connection, bare_id(session_id), turn))

    def rest(self, session_id: str) -> "Future[None]":
        """The program is at rest: whatever it took is done with."""
        return self._outbox.run(lambda connection: _rest(connection, bare_id(session_id)))

    def overdue(self, command_id: str, shown: str) -> "Future[bool]":
        """Say that a text was not taken, and what the screen shows. False when it was taken after all."""
        return self._outbox.run(lambda connection: _overdue(connection, command_id, shown))


def expect(connection: sqlite3.Connection, command_id: str) -> None:
    """A text is about to be typed into a program that will say when it takes it."""
    connection.execute(_EXPECT, (command_id,))


def settle(connection: sqlite3.Connection, result: CommandResult) -> None:
    """A command ended, and its result is in the outbox: now the router may hear what its program said."""
    if result.outcome.ending is not Ending.DONE:
        connection.execute("DELETE FROM prompts WHERE command_id = ?", (result.command_id,))
        return
    row = connection.execute(_SETTLE, (result.command_id,)).fetchone()
    if row is not None and row[0] is not None:
        append(connection, CommandMark(result.command_id, Mark.TAKEN))
        if row[1]:
            _finish(connection, result.command_id)


def forget(connection: sqlite3.Connection, name: str) -> None:
    """No program in a session (by its bare id) will say more."""
    connection.execute("DELETE FROM prompts WHERE bare_id = ?", (name,))


def _take(connection: sqlite3.Connection, name: str, heard: str, turn: str, *, joined: bool, now: float) -> str:
    waiting = [_prompt(row) for row in connection.execute(f"{_SELECT} AND taken_at IS NULL {_ORDER}", (name,))]
    prompt = taken_by(heard, waiting)
    if prompt is None:
        return ""
    typed = connection.execute(_TAKE, (now, turn, joined, prompt.command_id)).fetchone()[0]
    if typed:
        append(connection, CommandMark(prompt.command_id, Mark.TAKEN))
    return prompt.command_id


def _took(connection: sqlite3.Connection, name: str, now: float) -> None:
    """There is one at most: the next is not begun before this one has ended on disk, and then it is typed."""
    given = "UPDATE prompts SET taken_at = ? WHERE bare_id = ? AND typed = 0 AND taken_at IS NULL"
    connection.execute(given, (now, name))


def was_taken(connection: sqlite3.Connection, command_id: str) -> bool:
    """Whether the program has said that it took a text that was being typed."""
    sql = "SELECT 1 FROM prompts WHERE command_id = ? AND taken_at IS NOT NULL"
    return connection.execute(sql, (command_id,)).fetchone() is not None


def _end_turn(connection: sqlite3.Connection, name: str, turn: str) -> None:
    taken = [_prompt(row) for row in connection.execute(f"{_SELECT} AND taken_at IS NOT NULL {_ORDER}", (name,))]
    for prompt in ended_by(turn, taken):
        _finish(connection, prompt.command_id)


def _rest(connection: sqlite3.Connection, name: str) -> None:
    for row in connection.execute(f"{_SELECT} AND taken_at IS NOT NULL {_ORDER}", (name,)).fetchall():
        _finish(connection, row[0])


def _finish(connection: sqlite3.Connection, command_id: str) -> None:
    """The work is done; where the router does not know yet that it was typed, that is remembered for then."""
    typed = connection.execute("UPDATE prompts SET finished = 1 WHERE command_id = ? RETURNING typed", (command_id,))
    if typed.fetchone()[0]:
        append(connection, CommandMark(command_id, Mark.FINISHED))
        connection.execute("DELETE FROM prompts WHERE command_id = ?", (command_id,))


def _overdue(connection: sqlite3.Connection, command_id: str, shown: str) -> bool:
    sql = "SELECT 1 FROM prompts WHERE command_id = ? AND taken_at IS NULL"
    if connection.execute(sql, (command_id,)).fetchone() is None:
        return False
    append(connection, CommandMark(command_id, Mark.NOT_TAKEN, shown))
    return True


def _prompt(row: tuple[str, str, str, int]) -> Prompt:
    command_id, text, turn, joined = row
    return Prompt(command_id, text, turn, bool(joined))
