"""Both ends of the delivery without loops, threads or streams: every call is done when it returns.

For models that decide each step themselves. The router's end and the agent's end are the real cores and stores; what
drivers do with them is done here by hand.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Any, TypeVar

from agentlink.v1 import agent_link_pb2 as link_pb
from agentlink.v1 import chat_link_pb2 as chat_pb
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.domain.command import Outcome
from agent.domain.frames import AgentFrame, Cancel, Commands, Hello, Receipts, UpstreamAck, Welcome
from agent.link import convert as agent_convert
from agent.link.protocol import Link as AgentLink
from agent.store import group_commit
from agent.store.inbox import Inbox, Start
from agent.store.outbox import Outbox
from router.api.convert.frames import agent_frame, router_frame
from router.api.convert.submissions import inbound
from router.app import Router
from router.domain.command import Command
from router.domain.identity import NOBODY
from router.domain.router_key import RouterKey
from router.link.connection import Close, Connection, Greet, Handle, Reply, Step
from router.link.hub import Link
from router.randomness import Randomness
from router.store.database import Transaction
from tests.sim.disks import Disk, StandIn
from tests.sim.loop import VirtualLoop

T = TypeVar("T")
MACHINE = "m0"
PUBLIC_KEY = b"k" * 32  # of each machine: credentials are not what is simulated

ROUTER_KEY = RouterKey("router", Ed25519PrivateKey.from_private_bytes(bytes(32)))


class NowLoop(VirtualLoop):
    """Never runs, and so is closed from the start: a place for futures, whose callbacks are called at once."""

    def __init__(self) -> None:
        super().__init__()
        self.close()

    def call_soon(self, callback: Callable[..., object], *values: Any, **_context: Any) -> Any:
        callback(*values)

    call_soon_threadsafe = call_soon


class Time:
    """The one clock of a model; `step` moves only what a process reads at its start."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.step = 0.0

    def now(self) -> float:
        return 1_800_000_000.0 + self.passed + self.step

    def wall(self) -> float:
        return self.now()

    def monotonic(self) -> float:
        return self.passed

    def uptime(self) -> float:
        return self.passed

    def boot_id(self) -> str:
        return "boot"


class RouterEnd:
    """A router process: dies with everything but its disk."""

    def __init__(self, disk: Disk, time: Time) -> None:
        self.disk = disk
        self.time = time
        self.database = StandIn(disk, NowLoop())
        numbers = random.Random(0)
        self._randomness = Randomness(self._new_id, lambda: 0.5, numbers.randbytes)
        self.router = Router(self.database, ROUTER_KEY, time, {}, randomness=self._randomness)
        outbox = self.router._outbox
        for recover in (outbox.load, self.router._delivery.recover, outbox.recover):
            self.write(recover)

    def write(self, operation: Callable[[Transaction], T]) -> T:
        """One operation, in a transaction of its own."""
        return self.database.write(operation).result()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.database.connection().execute(sql).fetchall()

    def _new_id(self) -> str:
        count = self.rows("SELECT COUNT(*) FROM commands")[0][0] + self.rows("SELECT COUNT(*) FROM notifications")[0][0]
        return f"{count + 1:04d}"

    def submit(self, key: str, session_id: str, text: str) -> chat_pb.SubmitResponse:
        request = chat_pb.SubmitRequest(update_key=key, text=text, session_id=session_id)
        request.chat.transport, request.chat.chat_id = "telegram", "c0"
        chats = self.router.servicers.chats
        return chat_pb.SubmitResponse.FromString(self.write(lambda tx: chats._submit(NOBODY, tx, inbound(request))))


class AgentEnd:
    """An agent process with its one link's core; its hands are the model's."""

    def __init__(self, disk: Disk, time: Time, instance: str) -> None:
        self.disk = disk
        self.time = time
        self.instance = instance
        self.connection = disk.opened()
        self._loop = NowLoop()
        self.outbox = Outbox(self)  # type: ignore[arg-type]
        self.inbox = Inbox(self, self.outbox)  # type: ignore[arg-type]
        self.started: list[str] = []
        self.held = {one.command.command_id for one in self.inbox.recover().result()}  # until the first welcome

    def write(self, function: Callable[[group_commit.Transaction], T], **_how: bool) -> "asyncio.Future[T]":
        """As agent.store.database.Database has it; a future that is done."""
        operation = group_commit.Operation(function, self._loop.create_future())
        group_commit.commit(self.connection, [operation])
        group_commit.resolve([operation])
        return operation.future

    read = write

    def hello(self) -> Hello:
        memory = self.inbox.memory().result()
        ids = (memory.inbox_id, memory.outbox_id, memory.last_link_epoch)
        return Hello(MACHINE, self.instance, *ids, "model", (), memory.unresolved, (), memory.upstream_acked_seq)

    def waiting(self) -> list[tuple[str, str, str]]:
        """The next command of each session that may start: id, session, text."""
        rows = self.connection.execute(
            "SELECT command_id, session_id, text, state FROM inbox WHERE state != 'finished' ORDER BY position"
        )
        first: dict[str, tuple[str, str, str, str]] = {}
        for row in rows:
            first.setdefault(row[1], row)
        return [row[:3] for row in first.values() if row[3] == "received" and row[0] not in self.held]

    def start(self, command_id: str) -> bool:
        """STARTED is on disk."""
        started = self.inbox.start(command_id).result() is not Start.FORBIDDEN
        if started:
            self.started.append(command_id)
        return started

    def finish(self) -> None:
        """What is being typed is done."""
        self.inbox.finish(self.started.pop(0), Outcome.done(), self.time.now()).result()


class Wire:
    """One stream: both cores, and what is on its way."""

    def __init__(self, router: RouterEnd, agent: AgentEnd) -> None:
        now = router.time.monotonic()
        self.router, self.agent = router, agent
        self.server, self.client = Connection(MACHINE, now), AgentLink(now)
        self.link: Link | None = None
        self.up: list[bytes] = [agent_convert.agent_frame(self.client.frame(agent.hello()))]
        self.down: list[bytes] = []
        self.sent: list[str] = []  # commands, in the order in which the router sent them here
        self.closed = False

    def bring_up(self, *, again: bool = False) -> None:
        """The router reads one frame; with `again` it stays on the way, to come twice."""
        raw = self.up[0] if again else self.up.pop(0)
        frame = link_pb.AgentFrame.FromString(raw)
        now = self.router.time.monotonic()
        for step in self.server.receive(frame.link_epoch, agent_frame(frame), now):
            self._perform(step)
        self.collect()

    def bring_down(self, *, again: bool = False) -> None:
        """The agent reads one frame."""
        raw = self.down[0] if again else self.down.pop(0)
        event = self.client.receive(agent_convert.router_frame(raw), self.agent.time.monotonic())
        match event:
            case Welcome():
                self.agent.inbox.welcomed(event, self.agent.time.now()).result()
                self.agent.held.clear()
            case Commands(several):
                receipts = self.agent.inbox.store(several, self.agent.time.now()).result()
                self._say(self.client.frame(Receipts(receipts)))
            case Cancel(command_id):
                self.agent.inbox.cancel(command_id, self.agent.time.now()).result()
            case UpstreamAck():
                self.agent.outbox.acknowledge(self.client.acked)

    def report(self) -> None:
        """The agent sends what its outbox and window allow."""
        if room := self.client.room():
            outbox, sent = self.agent.outbox, self.client.sent
            rows = outbox.newest(sent, room) or outbox.after(sent, room).result()
            for frame in self.client.upstream(rows):
                self._say(frame)

    def lose(self, *, ack_timeout: bool = False) -> None:
        """The router learns that the stream is over."""
        self.closed = True
        if (link := self.link) is not None:
            self.router.write(lambda tx: self.router.router._delivery.lost(tx, link, ack_timeout=ack_timeout))
            self.link = None

    def collect(self) -> None:
        """What the router wants to send goes on its way."""
        link = self.link
        while link is not None and (link.urgent or link.normal):
            frame = (link.urgent or link.normal).pop(0)
            if isinstance(frame, Command):
                self.sent.append(frame.command_id)
            self.down.append(router_frame(frame, link.epoch).SerializeToString())

    def _say(self, frame: AgentFrame) -> None:
        self.up.append(agent_convert.agent_frame(frame))

    def _perform(self, step: Step) -> None:
        services = self.router.router.servicers.links._services
        match step:
            case Greet(hello):
                link = Link(MACHINE, PUBLIC_KEY, batches=False, max_in_flight=4)
                self.link = link
                welcome = self.router.write(lambda tx: services.upstream.open(tx, link, hello))
                self.server.welcomed(welcome.link_epoch, upstream_acked=welcome.upstream_acked)
            case Handle(frame) if self.link is not None:
                link = self.link
                if hasattr(frame.items[0], "outcome") and not hasattr(frame.items[0], "upstream_seq"):
                    self.router.write(lambda tx: services.delivery.received(tx, link, frame.items))
                else:
                    self.router.write(lambda tx: services.upstream.take(tx, link, frame.items))
            case Reply(frame) if self.link is not None:
                self.link.send(frame, urgent=True)
            case Close():
                self.lose()
