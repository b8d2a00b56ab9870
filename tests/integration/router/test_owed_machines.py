"""A machine to which nothing is owed gets its link with a few statements: in a storm nearly all are such."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from agentlink.v1 import control_pb2 as pb

from router.store import cancels, machines, poison
from router.store.database import Transaction
from tests.integration.router.harness import RouterUnderTest
from tests.rigs.thin_agent import ThinAgent

FEW = 8  # the row of the machine read and written, one look, its floors, its trace; begin and commit


def is_owed(router: RouterUnderTest, agent: ThinAgent) -> bool:
    return router.write(lambda tx: machines.is_owed(tx, agent.machine_id))


@contextmanager
def listened(router: RouterUnderTest) -> Iterator[list[str]]:
    """The statements that the writer runs meanwhile."""
    statements: list[str] = []

    def trace(tx: Transaction, callback: object) -> None:
        connection = tx.on_disk.__self__
        assert isinstance(connection, sqlite3.Connection)
        connection.set_trace_callback(callback)  # type: ignore[arg-type]

    router.write(lambda tx: trace(tx, statements.append))
    try:
        yield statements
    finally:
        router.write(lambda tx: trace(tx, None))


def test_the_link_of_one_that_is_owed_nothing_takes_few_statements(router: RouterUnderTest, agent: ThinAgent) -> None:
    with agent.connected():
        pass

    with listened(router) as statements, agent.connected():
        hello = [each for each in statements if "last_seen_at" not in each or each.startswith("INSERT")]

    assert any('INSERT INTO "machines"' in each for each in hello)
    assert len(hello) <= FEW


def test_what_waits_is_owed_until_it_has_ended(router: RouterUnderTest, agent: ThinAgent) -> None:
    session_id = router.session(agent)
    before = is_owed(router, agent)
    command = router.send(session_id)
    meanwhile = is_owed(router, agent)
    router.control.CancelCommand(pb.CancelCommandRequest(command_id=command.command_id))

    assert (before, meanwhile, is_owed(router, agent)) == (False, True, False)


@pytest.mark.parametrize(
    "note",
    [
        lambda tx, machine_id: cancels.ask(tx, "c-1", machine_id, "somebody"),
        lambda tx, machine_id: poison.blame(tx, ["c-1"], machine_id, 1),
    ],
    ids=["a wish", "a suspicion"],
)
def test_a_wish_and_a_suspicion_are_looked_at(router: RouterUnderTest, agent: ThinAgent, note: object) -> None:
    router.write(lambda tx: note(tx, agent.machine_id))  # type: ignore[operator]

    assert is_owed(router, agent)
    with agent.connected():  # both are of a command that nobody knows
        assert not is_owed(router, agent)
