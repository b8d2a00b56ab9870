"""What the link finds on this machine: the disk and the hands behind the frames."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from agent.clock import Clock
from agent.domain.command import MAX_ID_BYTES, Command, InboxState, objection
from agent.domain.frames import (
    Condition,
    DeltasWanted,
    Durable,
    EventsAck,
    Hello,
    OfSessions,
    Receipt,
    ReceiptOutcome,
    ScreenQuery,
    SessionChanged,
    Up,
    Welcome,
)
from agent.services.deltas import DeltaTeller
from agent.services.events import EventTeller
from agent.services.executor import Executor
from agent.services.screens import ScreenTeller
from agent.services.sessions import Sessions
from agent.store.inbox import Inbox
from agent.store.outbox import Outbox

MOST_TYPED = 100  # sessions named in one heartbeat
MAX_IN_HELLO = 500  # sessions: far from the size that a frame may have; those behind them follow one by one
CAPABILITIES = ("command_batch", "control", "deltas", "files", "keys", "permissions", "screen", "text")


async def _unknown() -> Condition:
    return Condition()


@dataclass(slots=True)
class LinkHandler:
    """The agent as its link sees it; one per process, which is what `instance_id` says."""

    machine_id: str
    version: str
    inbox: Inbox
    outbox: Outbox
    sessions: Sessions
    executor: Executor
    clock: Clock
    start_folders: tuple[str, ...] = ()  # as people name them
    can_start: Callable[[], bool] = lambda: False  # whether sessions may be started from afar now
    can_answer: Callable[[], bool] = lambda: False  # whether there is a model that is asked without a program
    condition: Callable[[], Awaitable[Condition]] = _unknown
    events: EventTeller | None = None
    screens: ScreenTeller | None = None
    deltas: DeltaTeller | None = None
    at_desk: set[str] = field(default_factory=set)  # sessions at whose terminal somebody typed, to be told
    instance_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    has_workspaces: bool = False
    _told: int = 0  # number of the last session in the outbox that hello had no room for
    _held: list[tuple[Command, float]] = field(default_factory=list)  # with the monotonic time of receipt

    @property
    def news(self) -> asyncio.Event:
        """Set when the outbox has grown."""
        return self.outbox.news

    async def recover(self) -> None:
        """At start-up: end what an earlier process left in doubt; hold what it had not begun until the first welcome.

        This disk may be an old copy, on which it has long been typed. Only the router can know.
        """
        now, monotonic = self.clock.now(), self.clock.monotonic()
        for waiting in await self.inbox.recover():
            age = max(0.0, now - waiting.received_at)
            self._held.append((waiting.command, monotonic - age))

    async def probe(self) -> None:
        """Raises StoreUnavailable while the disk is full."""
        await self.inbox.probe()

    async def greeting(self) -> Hello:
        memory = await self.inbox.memory()
        return Hello(
            self.machine_id,
            self.instance_id,
            memory.inbox_id,
            memory.outbox_id,
            memory.last_link_epoch,
            self.version,
            self.sessions.live()[:MAX_IN_HELLO],
            memory.unresolved,
            self.start_folders,
            memory.upstream_acked_seq,
            self._capabilities(),
            await self.condition(),
        )

    def _capabilities(self) -> tuple[str, ...]:
        """What this machine can do."""
        answers = ("quick",) if self.can_answer() else ()
        if not self.can_start():
            return (*CAPABILITIES, *answers, *(("start",) if answers else ()))
        return (*CAPABILITIES, *answers, "start", *(("workspaces", "moves") if self.has_workspaces else ()))

    async def welcomed(self, welcome: Welcome) -> None:
        await self.inbox.welcomed(welcome, self.clock.now())
        self.outbox.held_news.set()  # it may hold what the router had no room for, and nobody here heard so
        # Once more only when the router has what it was told the last time: else each link would add to the outbox.
        if (more := self.sessions.live()[MAX_IN_HELLO:]) and welcome.upstream_acked_seq >= self._told:
            self._told = (await self.outbox.append_all([SessionChanged(session) for session in more]))[-1]
        held, self._held = self._held, []  # only now: the welcome may have ended some of them
        for command, received in held:
            self.executor.submit(command, received)

    async def store(self, commands: tuple[Command, ...]) -> tuple[Receipt, ...]:
        """Receipts in the order of the commands; what is new goes to the workers."""
        refused = {command.command_id: reason for command in commands if (reason := objection(command))}
        fit = tuple(command for command in commands if command.command_id not in refused)
        received = self.clock.monotonic()  # before the disk: the time to live runs from here
        at_once = await self.executor.at_once(fit, received)
        stored = iter(await self.inbox.store(fit, self.clock.now(), at_once) if fit else ())
        receipts = []
        for command in commands:
            if reason := refused.get(command.command_id):
                receipts.append(Receipt(command.command_id, ReceiptOutcome.REFUSED, reason=reason))
                continue
            receipt = next(stored)
            receipts.append(receipt)
            is_new = receipt.outcome is ReceiptOutcome.STORED and command.command_id not in at_once
            # A duplicate still RECEIVED may have come with a commit that seemed to fail: nobody would run it.
            if is_new or receipt.state is InboxState.RECEIVED:
                self.executor.submit(command, received)
        return tuple(receipts)

    async def cancel(self, command_id: str) -> None:
        if 0 < len(command_id) <= MAX_ID_BYTES:
            await self.inbox.cancel(command_id, self.clock.now())

    def acknowledge(self, seq: int, refused_for_now: frozenset[int]) -> None:
        self.outbox.acknowledge(seq, refused_for_now)

    async def pending(self, after: int, limit: int) -> tuple[Durable, ...]:
        # Nearly always the router has all but the newest, and these need not be read again.
        return self.outbox.newest(after, limit) or await self.outbox.after(after, limit)

    def depth(self) -> int:
        return self.executor.depth + len(self._held)

    def typed(self) -> tuple[str, ...]:
        named = tuple(sorted(self.at_desk))[:MOST_TYPED]
        self.at_desk.difference_update(named)
        return named

    async def tell(self, send: Callable[[Up], None]) -> None:
        async with asyncio.TaskGroup() as loops:
            if self.events is not None:
                loops.create_task(self.events.tell(send))
            if self.screens is not None:
                loops.create_task(self.screens.tell(send))
            if self.deltas is not None:
                loops.create_task(self.deltas.tell(send))

    def told(self, frame: OfSessions) -> None:
        if isinstance(frame, EventsAck) and self.events is not None:
            self.events.heard(frame)
        if isinstance(frame, ScreenQuery) and self.screens is not None:
            self.screens.asked(frame)
        if isinstance(frame, DeltasWanted) and self.deltas is not None:
            self.deltas.asked(frame)
