"""A router's database with a past of any size, written by the router's own store layer: all that its traffic leaves.

One command in ten is of one session, one in twenty goes with a question, one in a hundred has a file, and one in five
hundred is given up.
"""

import random
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from router.domain.action import Input, Lane
from router.domain.audit import AuditEvent
from router.domain.clock_steps import DAY
from router.domain.command import ChatRef, Command, CommandState, Ended, GivenUp, Origin, Sent, Taken, apply
from router.domain.errors import Reason
from router.domain.identity import ROUTER
from router.domain.machine import Machine
from router.domain.notification import Delivered, Kind, Leased, Notification
from router.domain.permission import Closed, Option, Permission, PermissionKind, PermissionState, Verdict
from router.domain.session import Session, SessionState
from router.store import (
    audit,
    commands,
    files,
    idempotency,
    machines,
    messages,
    notifications,
    permissions,
    sessions,
)
from router.store.database import PRAGMAS, Transaction
from router.store.migrations import migrate

BATCH = 500  # commands in a transaction
REMEMBERED_UPDATES = idempotency.KEPT
TEXT = "Please look at the failing test in the parser, and say what you would change before you change it."
WORDS = "The test fails since the parser takes an empty list for a missing one; I would let it tell the two apart."
OPTIONS = (Option("allow", "Allow", Verdict.ALLOW), Option("deny", "Deny", Verdict.DENY))

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Size:
    """How much a router has behind it."""

    commands: int
    machines: int = 1
    sessions: int = 1
    days: float = 29.0  # that it goes back; what is older than 30 is removed

    def __str__(self) -> str:
        return f"{self.commands} commands, {self.machines} machines, {self.sessions} sessions"


def write(path: Path, size: Size, *, seed: int = 1, now: float | None = None, tell: Tell = lambda _: None) -> None:
    """Make a database with a past that ends at `now`, or at this moment."""
    path.touch(mode=0o600)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for name in ("page_size", "journal_mode", "cache_size"):
            connection.execute(f"PRAGMA {name} = {PRAGMAS[name]}")
        connection.execute("PRAGMA synchronous = off")  # whoever is cut off makes it anew
        migrate(connection)
        past = _Past(connection, size, random.Random(seed), time.time() if now is None else now)
        past.begin()
        for first in range(0, size.commands, BATCH):
            past.go_on(range(first, min(first + BATCH, size.commands)))
            if first % (20 * BATCH) == 0:
                tell(f"{first} of {size.commands} commands written")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


class _Past:
    """What has happened so far."""

    def __init__(self, connection: sqlite3.Connection, size: Size, chance: random.Random, now: float) -> None:
        self._connection, self._size, self._chance = connection, size, chance
        self._began, self._now = now - size.days * DAY, now
        self._next = [1] * size.sessions

    def begin(self) -> None:
        """Machines and sessions are there, half of which have ended."""
        self._connection.execute("BEGIN")
        tx = Transaction(self._connection)
        for number in range(self._size.machines):
            key = key_of(number).public_key().public_bytes_raw()
            machine = Machine(machine_id_of(number), key, self._began, epoch=3, inbox_id="in", outbox_id="out")
            machines.write(tx, machine)
        for number in range(self._size.sessions):
            # Seen until today: else those that live would end by themselves at the first look.
            state = SessionState.ENDED if number % 2 else SessionState.IDLE
            machine_id, folder = machine_id_of(number % self._size.machines), f"~/src/project-{number}"
            made = Session(
                session_id(number), machine_id, f"work-{number}", "tmux", folder, state, 1, self._began, self._now
            )
            sessions.write(tx, made)
        tx.flush()
        self._connection.execute("COMMIT")

    def go_on(self, numbers: range) -> None:
        """Some more happens, in one transaction."""
        self._connection.execute("BEGIN")
        tx = Transaction(self._connection)
        for number in numbers:
            at = self._began + (self._now - self._began) * number / self._size.commands
            command = self._command(tx, number, at)
            self._told(tx, command, number, at + 1.0)
            if number % 20 == 0:
                self._asked(tx, command, number, at + 2.0)
            if number % 1000 == 0:
                audit.record(tx, at, AuditEvent.MACHINE_ENROLLED, ROUTER, subject=command.machine_id)
            if number % 100 == 0 and at > self._now - files.KEPT:
                files.put(tx, self._id(at), 0, self._chance.randbytes(20_000), at, "")
        tx.flush()
        self._connection.execute("COMMIT")

    def _command(self, tx: Transaction, number: int, at: float) -> Command:
        chosen = self._chance.randrange(self._size.sessions) if number % 10 else 0  # the busiest one
        sequence, self._next[chosen] = self._next[chosen], self._next[chosen] + 1
        chat = ChatRef("telegram", str(chosen % 7), "", str(number))
        machine_id = machine_id_of(chosen % self._size.machines)
        queued = Command(
            self._id(at), session_id(chosen), machine_id, 1, sequence, Lane.NORMAL, Input(TEXT),
            Origin("telegram", "Ada", chat), at, at + DAY,
        )  # fmt: skip
        sent = apply(queued, Sent(3, "inbox"), at)
        commands.insert(tx, [sent], actor_detail=f"telegram:4711:{number}")
        if at > self._now - REMEMBERED_UPDATES:
            idempotency.remember(tx, f"telegram:4711:{number}", None, b"0" * 120, at)
        if number % 500 == 0:
            given_up = commands.change(tx, sent, GivenUp(Reason.TOO_OLD), at + DAY)
            if number:  # the first one waits for a person to this day
                commands.drop(tx, given_up, "Ada", at + DAY)
            return given_up
        commands.mark_received(tx, [sent.command_id], 3, at, machine_id)
        done = commands.change(tx, sent, Ended(CommandState.DONE, typed_at=at), at + 1.0, machine_id)
        return commands.change(tx, done, Taken(), at + 1.0, machine_id)

    def _told(self, tx: Transaction, command: Command, number: int, at: float) -> None:
        """A mark for its end, and at every other one what the session says."""
        assert command.origin.chat
        chat = command.origin.chat
        told = [Notification(
            self._id(at), command.session_id, chat, Kind.STATUS, "done", "", at, as_mark=True,
            command_id=command.command_id, command_state=command.state,
        )]  # fmt: skip
        if number % 2:
            told.append(Notification(self._id(at), command.session_id, chat, Kind.PROGRESS, WORDS, self._token(), at))
        for each in told:
            notifications.insert(tx, each, "router")
            leased = notifications.change(tx, each, Leased(), at, "telegram")
            message = f"1{number}"
            notifications.change(tx, leased, Delivered((message,)), at, "telegram")
            messages.remember(tx, chat, (message,), command.session_id, each.notification_id, at)

    def _asked(self, tx: Transaction, command: Command, number: int, at: float) -> None:
        asked = Permission(
            self._id(at), command.session_id, command.machine_id, PermissionKind.TOOL, "Bash", '{"command": "make"}',
            "0" * 64, OPTIONS, at, at + 600.0,
        )  # fmt: skip
        permissions.insert(tx, asked, command.machine_id)
        if number:  # the first one is open to this day
            permissions.change(tx, asked, Closed(PermissionState.EXPIRED), at + 600.0, "router")

    def _id(self, at: float) -> str:
        """As the router makes them: later ones sort behind earlier ones."""
        milliseconds, rest = int(at * 1000), self._chance.getrandbits(74)
        variant = rest & (1 << 62) - 1 | 2 << 62
        return str(UUID(int=milliseconds << 80 | 7 << 76 | rest >> 62 << 64 | variant))

    def _token(self) -> str:
        return f"{self._chance.getrandbits(80):020x}"


def machine_id_of(number: int) -> str:
    """What a machine of the past is called."""
    return f"past-{number}"


def key_of(number: int) -> Ed25519PrivateKey:
    """The key of a machine of the past, which can be linked with it."""
    return Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))


def session_id(number: int) -> str:
    """What a session of the past is called; even numbers live."""
    return f"past-session-{number}"
