"""Every statement of the router, as SQLite answers it: none walks through what grows, and every index is used.

Without statistics (nothing runs ANALYZE) a plan depends on the schema alone: what holds of an empty database holds of
one of any size.
"""

import gc
import itertools
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from router.app import Router
from router.domain.command import CommandState
from router.store import commands, notification_pages, permissions, sessions
from router.store.mapper import Reads, Writes
from router.store.migrations import migrate
from router.store.registry import STORES
from router.store.statements import Statement

# By what it has behind it: the rest has some rows for each person, chat or key.
GROWS = {
    "commands", "steps", "notifications", "messages", "requests", "permissions", "file_parts", "audit_entries",
    "sessions", "machines", "places",
}  # fmt: skip
# Partial: what is in them is under way, or waits for a person.
OF_WHAT_LIVES = {
    "commands_live", "commands_queued", "commands_dead", "commands_badly", "notifications_queued", "notifications_sent",
    "notifications_missed", "permissions_expiry", "permissions_open", "sessions_begun", "sessions_live",
    "sessions_seen", "file_parts_owner", "commands_expiry", "permissions_asking", "notifications_sender",
}  # fmt: skip
# A whole table is walked through, and why that may be: what stands in the statement -> the reason.
WALKS = {
    'AS "newest"': "an id by its end, among the newest",
    'AS "oldest"': "a batch from the oldest end; the look ends with it",
    '"position" DESC LIMIT ?': "a page from the newest end",
    '"number" DESC LIMIT 1': "the newest entry",
    '"number" LIMIT 1': "the oldest entry that is kept",
    '"number" > ?': "a page of the audit",
    '"audit_entries" AS "t1" ORDER BY': "the whole audit is verified",
    '"machines" AS "t1" ORDER BY': "the list of all machines",
    '"machines" AS "t1" WHERE NOT "t1"."revoked"': "their names, where a session is started from a chat",
    '"sessions" AS "t1"': "the list of all sessions",
    'FROM "sessions" AS "sessions"': "what each session said last",
    "DELETE FROM \"places\"": "what chats have for sessions that are gone, once an hour",
    'UPDATE "file_parts" SET "created_at"': "the clock was set by more than a minute, at a start",
    'UPDATE "requests" SET "created_at"': "the same",
    'UPDATE "notifications" SET "chat_id"': "a chat has got another id, once in its life",
}  # fmt: skip


def some_pages() -> None:
    """Statements that are made when they are first asked for: now."""
    states = [[], [CommandState.QUEUED], [CommandState.DEAD], [CommandState.DONE, CommandState.DEAD]]
    for three in itertools.product([True, False], repeat=3):
        permissions._page(of_session=three[0], closed=three[1], limited=three[2])
        sessions._page(of_machine=three[0], ended=three[1])
        for some in states:
            commands._page(frozenset(some), of_session=three[0], behind=three[1], limited=three[2])
    for wanted in itertools.product([True, False], repeat=len(notification_pages._CONDITIONS)):
        notification_pages._page(notification_pages._WHOLE, wanted)
        notification_pages._page(notification_pages._BEGINNINGS, wanted)


@pytest.fixture(scope="module")
def statements() -> list[str]:
    """The text of each; whoever imports the router has made them."""
    assert Router
    some_pages()
    gc.unfreeze()  # what is frozen is not among the objects
    made = [each for each in gc.get_objects() if isinstance(each, Statement | Reads | Writes)]
    gc.freeze()
    texts = {each.text if isinstance(each, Statement) else each._text for each in made}
    # Other tests have statements of their own, about other tables.
    tables = {store.model._meta.table_name for store in STORES}
    return sorted(text for text in texts if set(re.findall(r'(?:FROM|INTO|^UPDATE) "(\w+)"', text)) & tables)


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection)
        yield connection


def plan(connection: sqlite3.Connection, statement: str) -> list[str]:
    """The steps of it, with the names of tables where it has others for them."""
    aliases = {alias: table for table, alias in re.findall(r'"(\w+)" AS "(\w+)"', statement)}
    asked = f"EXPLAIN QUERY PLAN {statement}"
    rows = connection.execute(asked, [None] * statement.count("?")).fetchall()
    return [re.sub(r"^(SCAN|SEARCH) (\w+)", lambda m: f"{m[1]} {aliases.get(m[2], m[2])}", row[3]) for row in rows]


def walks(connection: sqlite3.Connection, statement: str) -> list[str]:
    """Steps that go through all of a table that grows, without a reason."""
    reasons = [why for words, why in WALKS.items() if words in statement]
    steps = [step for step in plan(connection, statement) if step.split()[0] == "SCAN" and step.split()[1] in GROWS]
    return [step for step in steps if step.split()[-1] not in OF_WHAT_LIVES and not reasons]


def indexes(connection: sqlite3.Connection) -> set[str]:
    """All but those that SQLite makes for keys."""
    made = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    return {name for (name,) in connection.execute(made).fetchall()}


def test_nothing_walks_through_a_table_that_grows(connection: sqlite3.Connection, statements: list[str]) -> None:
    found = {statement: steps for statement in statements if (steps := walks(connection, statement))}

    assert len(statements) > 300
    assert found == {}


def test_nothing_makes_a_table_to_write_a_row(connection: sqlite3.Connection, statements: list[str]) -> None:
    """As a list of states in an index would, for each row that is written."""
    one = [
        each
        for each in statements
        if re.match(r'INSERT(?!.*(RETURNING|SELECT))|UPDATE.* WHERE \([^()]*_id" = \?\)$', each)
    ]
    steps = {each: connection.execute(f"EXPLAIN {each}", [None] * each.count("?")).fetchall() for each in one}

    assert len([each for each in one if each.startswith('UPDATE "commands"')]) > 3
    assert [each for each, made in steps.items() if "OpenEphemeral" in {step[1] for step in made}] == []


def test_every_reason_to_walk_is_one(statements: list[str]) -> None:
    assert [words for words in WALKS if not any(words in statement for statement in statements)] == []


def test_every_index_is_used(connection: sqlite3.Connection, statements: list[str]) -> None:
    named = {word for statement in statements for step in plan(connection, statement) for word in step.split()}

    assert indexes(connection) - named == set()


@pytest.mark.parametrize(
    "index", ["commands_waiting", "commands_queued", "permissions_open", "sessions_over", "notifications_queued"]
)
def test_without_an_index_it_is_noticed(connection: sqlite3.Connection, statements: list[str], index: str) -> None:
    before = {statement: plan(connection, statement) for statement in statements}
    connection.execute(f"DROP INDEX {index}")

    assert {statement: plan(connection, statement) for statement in statements} != before
