"""Only the newest link of a machine acts: what an older one says or loses changes nothing, however late it comes.

Driven without streams, as no test on the wire can make an old link's frame come at the wrong moment every time.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
from msgspec.structs import replace

from router.clock import SteadyClock
from router.domain.action import Input
from router.domain.command import Command, CommandState, Origin
from router.domain.errors import Reason
from router.domain.frames import Hello, Receipt, ReceiptOutcome, Result, ResultOutcome, SessionReport
from router.domain.gates import NOTHING_ASKED
from router.domain.machine import Machine
from router.domain.quick import FEW
from router.domain.quotas import USUAL
from router.domain.session import SessionState
from router.link.hub import Hub, Link
from router.seal import Seal
from router.services.chat.topics import Topics
from router.services.deferral.deferrals import Deferrals
from router.services.deferral.limits import Limits
from router.services.delivery.drafts import Draft
from router.services.delivery.engine import DeliveryEngine
from router.services.gates import Gates
from router.services.links.enrolment import Enrolment
from router.services.links.gates import LinkGates
from router.services.links.upstream import UpstreamService
from router.services.outbox.leases import Outbox
from router.services.outbox.notifications import Notifications
from router.services.outbox.status_lines import StatusLines
from router.services.outbox.status_messages import StatusMessages
from router.services.people.passkeys import Passkeys
from router.services.people.second_factor import SecondFactors
from router.services.permissions import Permissions
from router.services.refusals import Refusals
from router.services.sessions import SessionService
from router.services.starts import Starts
from router.services.wakeups import Wakeups
from router.services.workspace_moves import WorkspaceMoves
from router.services.workspaces import Workspaces
from router.store import commands, machines, sessions, trace
from router.store.database import Database, Transaction
from router.store.migrations import migrate

T = TypeVar("T")
STORED = Receipt("c-1", ReceiptOutcome.STORED)
REFUSED = Receipt("c-1", ReceiptOutcome.REFUSED, Reason.UNSUPPORTED)
DONE = Result(1, "c-1", ResultOutcome.DONE, Reason.UNSPECIFIED, "", None)
TOLD = SessionReport(0, "s-1", 1, "api", "command", "", SessionState.IDLE)


@dataclass
class House:
    """The services that links meet, on a real database, with one machine and one session."""

    database: Database
    delivery: DeliveryEngine
    upstream: UpstreamService
    enrolment: Enrolment
    wakeups: Wakeups

    async def opened(self, max_in_flight: int = 8) -> Link:
        """A new link of the machine."""
        link = Link("devbox", b"k" * 32, batches=False, max_in_flight=max_in_flight)
        hello = Hello("devbox", "i", "inbox", "outbox", 0, "1", 1, 1, frozenset(), 0, (TOLD,))
        await self.database.write(lambda tx: self.upstream.open(tx, link, hello))
        return link

    async def accepted(self) -> Command:
        draft = Draft("s-1", Input("x"), Origin("test"))
        return await self.database.write(lambda tx: self.delivery.accept(tx, draft))

    async def command(self, command_id: str = "c-1") -> Command:
        """A command as it is now; the first one unless named."""
        return await self.database.write(lambda tx: commands.get(tx, command_id))


def built(database: Database) -> House:
    clock, numbers = SteadyClock(), itertools.count(1)
    hub, wakeups = Hub(), Wakeups()

    def new_id() -> str:
        return f"c-{next(numbers)}"

    lines = StatusLines(clock, new_id, new_id, hub.connected)
    outbox = Outbox(clock, lambda: 0.0, wakeups, lines, lambda _tx, _note: "")
    status_messages = StatusMessages(outbox, lines, clock, new_id, new_id, hub.connected)
    gates = Gates(NOTHING_ASKED, clock)
    delivery = DeliveryEngine(hub, status_messages, wakeups, gates, clock, new_id, lambda: 0.0, FEW, "UTC")
    permissions = Permissions(
        delivery,
        outbox,
        wakeups,
        clock,
        new_id,
        new_id,
        SecondFactors(Seal(database.path.with_name("seal")), clock, bytes, Passkeys(clock, bytes)),
    )
    topics = Topics(outbox, status_messages, clock, new_id)
    workspaces = Workspaces(delivery, WorkspaceMoves(delivery, clock, new_id), clock, new_id)
    starts = Starts(delivery, Gates(NOTHING_ASKED, clock), workspaces, clock, new_id)
    limits = Limits(Deferrals(starts, hub.connected, wakeups, clock, new_id), status_messages, clock)
    session_service = SessionService(delivery, permissions, topics, clock, hub.connected, wakeups, USUAL, limits)
    notifications = Notifications(outbox, clock, new_id, new_id, USUAL)
    upstream = UpstreamService(
        hub,
        delivery,
        session_service,
        notifications,
        permissions,
        workspaces,
        LinkGates(Gates(NOTHING_ASKED, clock), notifications, clock),
        Refusals(database, clock),
        clock,
        "router",
    )
    enrolment = Enrolment(hub, session_service, clock, bytes, "fingerprint")
    return House(database, delivery, upstream, enrolment, wakeups)


def play(folder: Path, story: Callable[[House], Awaitable[T]]) -> T:
    """Run a story in a new house."""

    async def played() -> T:
        database = Database(folder / "router.db", asyncio.get_running_loop())
        migrate(database.connection())
        database.peewee.close()
        database.start()
        try:
            await database.write(lambda tx: machines.write(tx, Machine("devbox", b"k" * 32, 0.0)))
            return await story(built(database))
        finally:
            await database.stop()

    return asyncio.run(played())


Late = Callable[[House, Transaction, Link], None]
LATE: dict[str, Late] = {
    "receipt": lambda house, tx, link: house.delivery.received(tx, link, [STORED]),
    "refusal": lambda house, tx, link: house.delivery.received(tx, link, [REFUSED]),
    "result": lambda house, tx, link: house.upstream.take(tx, link, [DONE]),
    "loss": lambda house, tx, link: house.delivery.lost(tx, link),
    "claim": lambda house, tx, link: house.delivery.claim(tx, link),
}


@pytest.mark.parametrize("late", LATE.values(), ids=LATE)
def test_what_an_older_link_does_late_changes_nothing(data_dir: Path, late: Late) -> None:
    async def story(house: House) -> tuple[Command, Command, int]:
        older = await house.opened()
        await house.accepted()
        newer = await house.opened()
        before = await house.command()
        sent = len(older.normal)
        await house.database.write(lambda tx: late(house, tx, older))
        assert len(older.normal) == sent
        return before, await house.command(), newer.epoch

    before, after, epoch = play(data_dir, story)

    assert (before.state, before.epoch) == (CommandState.SENT, epoch)
    assert after == before


def test_an_older_link_that_ends_late_leaves_the_newer_one_connected(data_dir: Path) -> None:
    async def story(house: House) -> tuple[Command, int]:
        older = await house.opened()
        newer = await house.opened()
        await house.database.write(lambda tx: house.delivery.lost(tx, older))
        return await house.accepted(), newer.epoch

    accepted, epoch = play(data_dir, story)

    assert (accepted.state, accepted.epoch) == (CommandState.SENT, epoch)


@pytest.mark.parametrize("outcome", [ReceiptOutcome.STORED, ReceiptOutcome.REFUSED])
def test_a_receipt_for_what_was_not_sent_changes_nothing(data_dir: Path, outcome: ReceiptOutcome) -> None:
    async def story(house: House) -> Command:
        link = await house.opened(max_in_flight=1)
        await house.accepted()
        behind = await house.accepted()
        receipt = Receipt(behind.command_id, outcome)
        await house.database.write(lambda tx: house.delivery.received(tx, link, [receipt]))
        return await house.command(behind.command_id)

    assert play(data_dir, story).state is CommandState.QUEUED


@pytest.mark.parametrize("again", [STORED, REFUSED], ids=["the same", "another"])
def test_of_two_words_about_a_command_in_one_frame_the_first_counts(data_dir: Path, again: Receipt) -> None:
    async def story(house: House) -> tuple[CommandState, list[str], int, int]:
        link = await house.opened()
        await house.accepted()
        await house.database.write(lambda tx: house.delivery.received(tx, link, [STORED, again]))
        steps = await house.database.read(lambda connection: trace.of(connection, ["c-1"]))
        return (await house.command()).state, [step.event for step in steps], link.room(), link.bytes_in_flight

    assert play(data_dir, story) == (CommandState.RECEIVED, ["Accepted", "Sent", "Stored"], 8, 0)


def test_a_result_wakes_whoever_waits_for_its_command_and_nobody_else(data_dir: Path) -> None:
    async def story(house: House) -> tuple[bool, bool]:
        link = await house.opened()
        await house.accepted()
        with house.wakeups.on("c-1") as waits, house.wakeups.on("c-2") as waits_for_another:
            await house.database.write(lambda tx: house.upstream.take(tx, link, [DONE]))
            return waits.is_set(), waits_for_another.is_set()

    assert play(data_dir, story) == (True, False)


def test_a_revoked_machine_is_not_heard_while_its_link_is_being_closed(data_dir: Path) -> None:
    async def story(house: House) -> SessionState | None:
        link = await house.opened()
        await house.database.write(lambda tx: house.enrolment.revoke_machine(tx, "devbox", "test"))
        told = replace(TOLD, upstream_seq=1)
        await house.database.write(lambda tx: house.upstream.take(tx, link, [told]))
        known = await house.database.read(lambda connection: sessions.find(connection, "s-1"))
        return known.state if known else None

    assert play(data_dir, story) is SessionState.ENDED


def test_what_was_undone_still_waits_and_is_not_overtaken(data_dir: Path) -> None:
    async def story(house: House) -> tuple[CommandState, CommandState]:
        link = await house.opened(max_in_flight=2)
        first, second, wakeups = [await house.accepted() for _ in range(3)]
        both = [Receipt(command.command_id, ReceiptOutcome.STORED) for command in (first, second)]

        def undone(tx: Transaction) -> None:
            house.delivery.received(tx, link, both)
            raise ValueError("undone")

        with pytest.raises(ValueError, match="undone"):
            await house.database.write(undone)
        await house.database.write(lambda tx: house.delivery.received(tx, link, both[:1]))
        later = await house.accepted()
        return (await house.command(wakeups.command_id)).state, later.state

    assert play(data_dir, story) == (CommandState.SENT, CommandState.QUEUED)
