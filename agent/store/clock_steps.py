"""What the file remembers of time, so that limits and processes hold whatever was done to the wall clock meanwhile."""

import json
import sqlite3
from asyncio import Future
from dataclasses import astuple

from agent.domain.clock_steps import Moment, step_between
from agent.store.database import Database


def resume(database: Database, moment: Moment) -> "Future[float]":
    """At start: move what is kept in wall time along with the wall clock; by how many seconds it was moved."""
    return database.run(lambda connection: _resume(connection, moment))


def mark(database: Database, moment: Moment) -> "Future[None]":
    """Remember this moment. Within one boot the first is enough; after a reboot the newest counts."""
    return database.run(lambda connection: _mark(connection, moment))


def _resume(connection: sqlite3.Connection, moment: Moment) -> float:
    row = connection.execute("SELECT value FROM meta WHERE key = 'moment'").fetchone()
    step = 0.0
    if row is not None:
        before = Moment(*json.loads(row[0]))
        step = step_between(before, moment)
        connection.execute("UPDATE inbox SET received_at = received_at + ? WHERE state = 'received'", (step,))
        moved = "UPDATE sessions SET ends_at = ends_at + ?, waits_since = waits_since + ?"
        connection.execute(moved, (step, step))
        if moment.same_boot(before):  # the kernel tells when a process began by the wall clock, too
            connection.execute("UPDATE sessions SET pid_started = pid_started + ? WHERE pid IS NOT NULL", (step,))
    _mark(connection, moment)
    return step


def _mark(connection: sqlite3.Connection, moment: Moment) -> None:
    value = json.dumps(astuple(moment))
    connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('moment', ?)", (value,))
