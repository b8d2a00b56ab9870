"""What the database remembers of time, so that deadlines hold whatever was done to the wall clock meanwhile."""

import json
import logging
import sqlite3

from msgspec.structs import astuple

from router.clock import Clock
from router.domain.clock_steps import HISTORY, LONG_STEP, MUCH, Moment, step_between
from router.store import commands, meta
from router.store.database import Transaction
from router.store.registry import STORES

logger = logging.getLogger(__name__)


def resume(connection: sqlite3.Connection, clock: Clock) -> None:
    """At start: move every deadline by what the wall clock was moved since the last mark, in one transaction."""
    marked = meta.get(connection, "moment")
    step = step_between(Moment(*json.loads(marked)), _now(clock)) if marked else 0.0
    # Shifts and the new mark are one transaction: a crash between them would move every deadline twice. In plain
    # words, as no writer's thread runs yet, and Peewee's transactions want a connection of its own.
    connection.execute("BEGIN IMMEDIATE")
    if step:
        logger.warning("the wall clock moved by %.3f s beside the time that passed; deadlines moved along", step)
        _shift(connection, step)
        commands.accept_by(connection, now=clock.now())
        _hold_history(connection, step, clock.now())
    mark(connection, clock)
    connection.execute("COMMIT")


def _shift(connection: sqlite3.Connection, step: float) -> None:
    """Move the deadlines; those of large tables, which are days away, once there is a minute to move them by."""
    saved_up = float(meta.get(connection, "small_steps") or 0.0) + step
    is_much = abs(saved_up) >= MUCH
    for store in STORES:
        if store.shift and (is_much or not store.patient):
            store.shift(connection, saved_up if store.patient else step)
    meta.put(connection, "small_steps", str(0.0 if is_much else saved_up))


def history_is_held(tx: sqlite3.Connection | Transaction, now: float) -> bool:
    """Whether the clock was put forward of late, so that what has ended looks older than it is."""
    return now < _held_until(tx)


def _hold_history(connection: sqlite3.Connection, step: float, now: float) -> None:
    """After a long step forward nothing that has ended goes for as long as such things are kept."""
    # What was held moves along as every deadline does; a clock that is put right again lets it go.
    until = max(_held_until(connection) + step, now + HISTORY if step > LONG_STEP else 0.0)
    meta.put(connection, "history_held_until", str(until))


def _held_until(tx: sqlite3.Connection | Transaction) -> float:
    return float(meta.get(tx, "history_held_until") or 0.0)


def mark(tx: sqlite3.Connection | Transaction, clock: Clock) -> None:
    """Remember this moment. Within one boot the first is enough; after a reboot the newest counts."""
    meta.put(tx, "moment", json.dumps(astuple(_now(clock))))


def _now(clock: Clock) -> Moment:
    return Moment(clock.now(), clock.uptime(), clock.boot_id())
