"""No question that is asked all the time walks through what has ended: the plans of SQLite say so."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from router.domain.command import ChatRef, CommandState
from router.domain.notification import Kind, Notification
from router.store import (
    cancels,
    chat_lines,
    chats,
    command_groups,
    commands,
    files,
    idempotency,
    messages,
    notification_pages,
    notifications,
    permissions,
    poison,
    session_topics,
    sessions,
    trace,
)
from router.store.database import Transaction
from router.store.migrations import migrate

CHAT = ChatRef("telegram", "1")
NOTE = Notification("n", "s", CHAT, Kind.PROGRESS, "x", "", 1.0)
Question = Callable[[Transaction], object]

ASKED_ALL_THE_TIME: dict[str, Question] = {
    "a command": lambda tx: commands.find(tx, "c"),
    "what waits for a machine": lambda tx: commands.queued(tx, "m", 10),
    "what waits for a machine but for held sessions": lambda tx: commands.queued(tx, "m", 10, ["s"]),
    "what is live on a machine": lambda tx: commands.live_of_machine(tx, "m"),
    "what was sent to a machine": lambda tx: commands.live_of_machine(tx, "m", [CommandState.SENT]),
    "what is confirmed": lambda tx: commands.confirmed(tx, "m"),
    "where commands stand": lambda tx: commands.states(tx, "m", ["c1", "c2"]),
    "what waits for a session": lambda tx: commands.queued_of_session(tx, "s"),
    "what is live in a session": lambda tx: commands.live_of_session(tx, "m", "s"),
    "which starts wait for a machine": lambda tx: commands.starts_waiting(tx, "m"),
    "how a session was started": lambda tx: commands.start_of(tx, "s"),
    "what is over its time": lambda tx: commands.expired(tx, 1.0),
    "the next expiry": commands.next_expiry,
    "the resend floors": lambda tx: commands.resend_floors(tx, "m"),
    "the dead letters": lambda tx: commands.dead_letters(tx, 10),
    "a receipt": lambda tx: commands.mark_received(tx, ["c"], 1, 1.0, "m"),
    "many receipts": lambda tx: command_groups.receive(tx, ["c"], 1, 1.0, "m"),
    "what ended without a line": lambda tx: chat_lines.ended(tx, "telegram", 1.0, 10),
    "what lives and has one": chat_lines.told,
    "a session": lambda tx: sessions.find(tx, "s"),
    "what a session asks": lambda tx: permissions.open_of_session(tx, "s"),
    "what nobody answered": lambda tx: permissions.expired(tx, 1.0),
    "what shows a question": lambda tx: notifications.showing(tx, "q"),
    "a notification": lambda tx: notifications.find(tx, "n"),
    "a token": lambda tx: notifications.by_token(tx, CHAT, "t"),
    "the newest receipt": lambda tx: notifications.newest_status_message(tx, "c"),
    "the next of each chat": lambda tx: notifications.heads(tx, "telegram"),
    "what waits like the next": lambda tx: notifications.like(tx, NOTE, 10),
    "what is leased": lambda tx: notifications.leased(tx, "telegram"),
    "what was never brought": lambda tx: notifications.expired(tx, 1.0),
    "a message": lambda tx: messages.session_of(tx, CHAT, "1"),
    "what a chat chose": lambda tx: chats.chosen_session(tx, CHAT),
    "what a chat asked for": lambda tx: chats.settings(tx, CHAT),
    "the id a chat has now": lambda tx: chats.current(tx, CHAT),
    "what a chat has for a session": lambda tx: session_topics.find(tx, CHAT, "s"),
    "whose topic it is": lambda tx: session_topics.session_of(tx, ChatRef("telegram", "1", "7")),
    "which question ends next": permissions.next_expiry,
    "how much of a file is here": lambda tx: files.size(tx, "f", 1.0),
    "who is blamed": lambda tx: poison.blame(tx, ["c"], "m", 1),
    "who restarted": lambda tx: poison.restarted(tx, "m", 1, 3),
    "whether to send one by one": lambda tx: poison.any_waits(tx, "m"),
    "who is cleared": lambda tx: poison.forget(tx, "m"),
    "what is wanted back": lambda tx: cancels.asked(tx, "m"),
    "what need not be wanted any more": lambda tx: cancels.forget(tx, "m"),
    "an answer": lambda tx: idempotency.answered(tx, "k", b""),
}
ASKED_OF_READERS: dict[str, Callable[[sqlite3.Connection], object]] = {
    "a story": lambda connection: trace.story(connection, "c"),
    "what comes next": lambda connection: trace.after(connection, 5, "s", 10),
    "the newest step": trace.newest,
    "a page": lambda connection: commands.page(connection, session_id="s", states=[], limit=10, before=""),
    "the last words of each session": lambda connection: notification_pages.page(
        connection, "", "", 1000, "", last_words=True
    ),
    "what shows open questions": lambda connection: notification_pages.page(
        connection, "s", "", 10, "", open_questions=True
    ),
    "what a session said": lambda connection: notification_pages.page(connection, "s", "", 10, "", receipts=False),
}


@pytest.fixture
def asked(data_dir: Path) -> Iterator[tuple[sqlite3.Connection, list[str]]]:
    """An empty database, and every statement that is run on it."""
    statements: list[str] = []
    with closing(sqlite3.connect(data_dir / "plans.db", isolation_level=None)) as connection:
        migrate(connection)
        connection.set_trace_callback(statements.append)
        yield connection, statements


def scans(connection: sqlite3.Connection, statements: list[str]) -> list[str]:
    """Steps of the plans that read a whole table. Through a partial index only what is live is read.

    `waiting` is no table: a query makes it of the few rows it has found."""
    harmless = ("USING", "CONSTANT", "SCAN waiting", "SCAN json_each")
    plan = steps_of(connection, statements)
    return [step for step in plan if step.startswith("SCAN") and not any(word in step for word in harmless)]


def steps_of(connection: sqlite3.Connection, statements: list[str]) -> list[str]:
    """How SQLite answers them."""
    connection.set_trace_callback(None)
    return [row[3] for one in statements for row in connection.execute(f"EXPLAIN QUERY PLAN {one}")]


@pytest.mark.parametrize("question", ASKED_ALL_THE_TIME.values(), ids=ASKED_ALL_THE_TIME)
def test_the_writer_never_walks_a_whole_table(asked: tuple[sqlite3.Connection, list[str]], question: Question) -> None:
    connection, statements = asked

    question(Transaction(connection))

    assert statements
    assert scans(connection, statements) == []


@pytest.mark.parametrize("question", ASKED_OF_READERS.values(), ids=ASKED_OF_READERS)
def test_readers_never_walk_a_whole_table(
    asked: tuple[sqlite3.Connection, list[str]], question: Callable[[sqlite3.Connection], object]
) -> None:
    connection, statements = asked

    question(connection)

    assert statements
    assert scans(connection, statements) == []


@pytest.mark.parametrize(
    ("question", "indexes"),
    [
        ("the last words of each session", ["notifications_said (session_id=?)"]),
        ("what shows open questions", ["permissions_expiry", "notifications_permission (permission_id=?)"]),
    ],
)
def test_what_the_console_asks_again_and_again_is_found_however_much_was_said(
    asked: tuple[sqlite3.Connection, list[str]], question: str, indexes: list[str]
) -> None:
    connection, statements = asked

    ASKED_OF_READERS[question](connection)

    plan = steps_of(connection, statements)
    walked = [step for step in plan if step.startswith("SCAN") and "sessions" not in step and "permissions" not in step]
    assert walked == []
    assert [index for index in indexes if not any(index in step for step in plan)] == []
