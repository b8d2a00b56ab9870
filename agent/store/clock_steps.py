"""What the file remembers of time, so that limits and processes hold whatever was done to the wall clock meanwhile."""

import json
from asyncio import Future
from dataclasses import astuple

from agent.domain.clock_steps import Moment, step_between
from agent.store import inbox, meta, questions, sessions, workspaces
from agent.store.database import Database
from agent.store.group_commit import Transaction

_MOMENT = "moment"


def resume(database: Database, moment: Moment) -> "Future[float]":
    """At start: move what is kept in wall time along with the wall clock; by how many seconds it was moved."""
    return database.write(lambda tx: _resume(tx, moment))


def mark(database: Database, moment: Moment) -> "Future[None]":
    """Remember this moment. Within one boot the first is enough; after a reboot the newest counts."""
    return database.write(lambda tx: _mark(tx, moment))


def _resume(tx: Transaction, moment: Moment) -> float:
    step = 0.0
    if (kept := meta.facts(tx).get(_MOMENT)) is not None:
        before = Moment(*json.loads(kept))
        step = step_between(before, moment)
        inbox.shift(tx, step)
        sessions.shift(tx, step)
        workspaces.shift(tx, step)
        questions.shift(tx, step)
        if moment.same_boot(before):  # a process of another boot is gone anyway
            sessions.shift_processes(tx, step)
    # In the same transaction: a process that dies here moves everything once, and never twice.
    _mark(tx, moment)
    return step


def _mark(tx: Transaction, moment: Moment) -> None:
    meta.put(tx, _MOMENT, json.dumps(astuple(moment)))
