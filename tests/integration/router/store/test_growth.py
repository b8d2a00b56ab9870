"""What the router asks its database costs the same however much there is: counted in steps of SQLite's machine.

Unlike a plan, this also sees an index that finds too much, such as all that a session ever was sent.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from router.domain.clock_steps import HISTORY
from router.domain.command import CommandState
from router.domain.router_buttons import key_of
from router.services.chat import buttons
from router.services.upkeep.stats import counts
from router.store import (
    audit,
    commands,
    files,
    machines,
    messages,
    notification_pages,
    notifications,
    permissions,
    session_topics,
    sessions,
    trace,
)
from router.store.database import Transaction
from router.store.registry import STORES
from tests.rigs import history

SMALL, LONG, WIDE = history.Size(1000), history.Size(5000), history.Size(1000, machines=20, sessions=200)
NOW = 1_800_000_000.0
SESSION, MACHINE = history.session_id(0), history.machine_id_of(0)
MORE = 1.05  # times the steps: some pages have other rows on them
FEW = 2  # rows in a batch of retention, fewer than there are of anything


class Past:
    """A database with a past, and the newest command in it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.tx, self.on = Transaction(connection), connection
        self.command = commands.page(connection, session_id=SESSION, states=[], limit=1, before="")[0]
        chat = self.command.origin.chat
        assert chat
        self.chat = chat

    def steps(self, question: "Question") -> int:
        """How many steps SQLite takes to answer; what it writes is undone."""
        taken = 0

        def count() -> int:
            nonlocal taken
            taken += 1
            return 0

        self.on.execute("BEGIN")
        self.on.set_progress_handler(count, 1)
        question(self)
        self.tx.flush()
        self.on.set_progress_handler(None, 1)
        self.tx.undo()
        self.on.execute("ROLLBACK")
        return taken


Question = Callable[[Past], object]


def page_of_commands(past: Past, *states: CommandState, before: str = "") -> object:
    return commands.page(past.on, session_id="", states=states, limit=2, before=before)


def page_of_questions(past: Past, session_id: str, *, closed: bool = False) -> object:
    return permissions.page(past.on, session_id=session_id, permission_id="", closed=closed, limit=2)


FLAT: dict[str, Question] = {
    "a command comes": lambda past: commands.insert(past.tx, [replace(past.command, command_id="new")]),
    "what waits for a session": lambda past: commands.queued_of_session(past.tx, SESSION),
    "a session tells of itself": lambda past: commands.move_queued(past.tx, SESSION, "another"),
    "for whom something of a session waits": lambda past: commands.machines_of_queued(past.tx, SESSION),
    "what is live in a session": lambda past: commands.live_of_session(past.tx, MACHINE, SESSION),
    "what is live on a machine": lambda past: commands.live_of_machine(past.tx, MACHINE),
    "what waits for a machine": lambda past: commands.queued(past.tx, MACHINE, 10, [SESSION]),
    "who was sent something": lambda past: commands.sent_to(past.tx),
    "what a session asks": lambda past: permissions.open_of_session(past.tx, SESSION),
    "how many questions a machine has": lambda past: permissions.asking(past.tx, MACHINE),
    "a message": lambda past: messages.session_of(past.tx, past.chat, past.chat.message_id),
    "the topics of a session": lambda past: session_topics.of_session(past.tx, SESSION),
    "the next of each chat": lambda past: notifications.heads(past.tx, "telegram"),
    "what was never brought": lambda past: notifications.expired(past.tx, NOW),
    "what is leased": lambda past: notifications.leased(past.tx, ""),
    "a key that is over": lambda past: machines.is_over(past.tx, b"k" * 32),
    "the first sessions": lambda past: sessions.page(past.tx, limit=1),
    "the session that a button names": lambda past: buttons._named(past.tx, key_of(sessions.get(past.tx, SESSION))),
    "who was not seen": lambda past: sessions.unseen(past.tx, NOW, 100),
    "the head of the audit": lambda past: audit.head(past.on),
    "bytes that nothing names": lambda past: files.held_with(past.tx, MACHINE, "f", 0, b"x"),
    "the figures": lambda past: counts(past.on),
    "a page of commands": page_of_commands,
    "what goes on": lambda past: page_of_commands(past, CommandState.QUEUED, CommandState.SENT),
    "what ended badly": lambda past: page_of_commands(past, CommandState.DEAD),
    "a page behind another": lambda past: page_of_commands(past, before=past.command.command_id),
    "the dead letters": lambda past: commands.dead_letters(past.on, 2),
    "what nobody got": lambda past: notifications.dead(past.on, 10),
    "the open questions": lambda past: page_of_questions(past, ""),
    "the questions of a session": lambda past: page_of_questions(past, SESSION, closed=True),
    "what a session said": lambda past: notification_pages.page(past.on, SESSION, "", 5, "", receipts=False),
    "a story": lambda past: trace.story(past.on, past.command.command_id),
    "what comes next of a session": lambda past: trace.after(past.on, trace.newest(past.on) - 50, "of nobody", 10),
} | {
    f"nothing is due of {store.model._meta.table_name}": (
        lambda past, store=store: store.purge(past.on, NOW - (store.kept or HISTORY), FEW)
    )
    for store in STORES
    if store.purge
} | {
    f"the clock was set by little: {store.model._meta.table_name}": (
        lambda past, store=store: store.shift(past.on, 0.01)
    )
    for store in STORES
    if store.shift and not store.patient
}  # fmt: skip


@pytest.fixture(scope="module")
def pasts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[history.Size, Past]]:
    with closing_all(tmp_path_factory.mktemp("pasts")) as made:
        yield made


@contextmanager
def closing_all(folder: Path) -> Iterator[dict[history.Size, Past]]:
    """A database for each size."""
    made: dict[history.Size, Past] = {}
    for size in (SMALL, LONG, WIDE):
        file = folder / f"{len(made)}.db"
        history.write(file, size, now=NOW)
        made[size] = Past(sqlite3.connect(file, isolation_level=None))
    yield made
    for past in made.values():
        past.on.close()


@pytest.mark.parametrize("question", FLAT.values(), ids=FLAT)
@pytest.mark.parametrize("larger", [LONG, WIDE], ids=["five times as many commands", "many sessions and machines"])
def test_it_costs_the_same_however_much_there_is(
    pasts: dict[history.Size, Past], question: Question, larger: history.Size
) -> None:
    assert pasts[larger].steps(question) <= pasts[SMALL].steps(question) * MORE + 10


def test_who_watches_a_quiet_session_looks_at_each_step_once(pasts: dict[history.Size, Past]) -> None:
    connection = pasts[SMALL].on
    _, behind = trace.after(connection, 0, "a quiet one", 10)
    full, in_between = trace.after(connection, 0, SESSION, 10)

    assert behind == trace.newest(connection)
    assert in_between == full[-1][0] < behind
