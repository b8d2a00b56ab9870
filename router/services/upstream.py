"""What machines say: the hello that opens a link, and the durable frames that follow. One transaction each."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from router.clock import Clock
from router.domain.command import RECALLED, CommandState, Ended, Event, Taken, WorkFinished
from router.domain.errors import Reason, Refusal
from router.domain.frames import (
    Cancel,
    Durable,
    Hello,
    Notify,
    Result,
    ResultOutcome,
    SessionClosed,
    SessionReport,
    UpstreamAck,
    Welcome,
)
from router.domain.machine import Machine
from router.link.connection import HEARTBEAT_INTERVAL, HEARTBEATS_MISSED
from router.link.hub import Hub, Link
from router.services.delivery import Delivery
from router.services.notices import Notices
from router.services.sessions import SessionService
from router.store import commands, machines
from router.store.database import Transaction
from router.store.steps import Step, record

_ENDINGS = {
    ResultOutcome.DONE: CommandState.DONE,
    ResultOutcome.FAILED: CommandState.FAILED,
    ResultOutcome.UNCERTAIN: CommandState.UNCERTAIN,
    ResultOutcome.CANCELLED: CommandState.CANCELLED,
    ResultOutcome.EXPIRED: CommandState.EXPIRED,
}


class UpstreamService:
    """Opens links and takes what comes on them. Only the newest link of a machine is heard."""

    def __init__(
        self,
        hub: Hub,
        delivery: Delivery,
        session_service: SessionService,
        notices: Notices,
        clock: Clock,
        router_id: str,
    ) -> None:
        self._hub = hub
        self._delivery = delivery
        self._sessions = session_service
        self._notices = notices
        self._clock = clock
        self.router_id = router_id

    def open(self, tx: Transaction, link: Link, hello: Hello) -> Welcome:
        """Give a link its epoch, take back what an older one had, and send what waits. Raises Refusal."""
        machine = machines.find(tx, hello.machine_id)
        if machine is None or machine.revoked:
            raise Refusal(Reason.MACHINE_REVOKED, f"Machine {hello.machine_id} may not connect. Enrol it again.")
        if self._inbox_lost(tx, machine, hello):
            self._delivery.inbox_lost(tx, machine.machine_id)
        self._delivery.give_back(tx, machine.machine_id)
        opened = self._renewed(machine, hello)
        machines.write(tx, opened)
        link.epoch, link.inbox_id = opened.epoch, hello.inbox_id
        if older := self._hub.replace(tx, link):
            tx.after_commit(lambda: older.close(Reason.LINK_SUPERSEDED, "a newer link of this machine took over"))
        for report in hello.sessions:
            self._sessions.reported(tx, machine.machine_id, report)
        self._record(tx, opened)
        welcome = self._welcome(tx, opened, link)
        tx.after_commit(lambda: link.send(welcome, urgent=True))
        self._recall(tx, link, hello.unresolved)
        self._delivery.ask_first(tx, link.machine_id)
        self._delivery.claim(tx, link)
        return welcome

    def take(self, tx: Transaction, link: Link, frames: Sequence[Durable]) -> None:
        """Take durable frames in order, each once, and acknowledge them."""
        if not self._hub.is_current(link):
            return
        machine = machines.find(tx, link.machine_id)
        acked = machine.upstream_acked if machine else 0
        rejected: list[tuple[int, Reason]] = []
        for frame in frames:
            if frame.upstream_seq > acked:
                if reason := self._one(tx, link, frame):
                    rejected.append((frame.upstream_seq, reason))
                acked = frame.upstream_seq
        machines.acknowledge(tx, link.machine_id, acked, self._clock.now())
        ack = UpstreamAck(acked, tuple(rejected))
        tx.after_commit(lambda: link.send(ack, urgent=True))

    def _inbox_lost(self, tx: Transaction, machine: Machine, hello: Hello) -> bool:
        """Another inbox; or an epoch that we never gave; or one from before a command that it confirmed."""
        if machine.inbox_id not in ("", hello.inbox_id) or hello.last_link_epoch > machine.epoch:
            return True
        return hello.last_link_epoch < commands.newest_confirmed_epoch(tx, machine.machine_id)

    def _recall(self, tx: Transaction, link: Link, held: Sequence[str]) -> None:
        """Take back from a machine what is over here: cancelled, expired or given up after it was sent."""
        for command_id in held:
            command = commands.find(tx, command_id)
            if command and command.machine_id == link.machine_id and command.state in RECALLED:
                tx.after_commit(partial(link.send, Cancel(command_id, command.reason), urgent=True))

    def _one(self, tx: Transaction, link: Link, frame: Durable) -> Reason | None:
        match frame:
            case Result():
                self._result(tx, link, frame)
            case SessionReport():
                return self._sessions.reported(tx, link.machine_id, frame)
            case SessionClosed():
                self._sessions.closed(tx, link.machine_id, frame)
            case Notify():
                return self._notices.from_machine(tx, link.machine_id, frame)
        return None

    def _result(self, tx: Transaction, link: Link, result: Result) -> None:
        command = commands.find(tx, result.command_id)
        if command is None or command.machine_id != link.machine_id:
            return
        if result.outcome in _ENDINGS:
            event: Event = Ended(_ENDINGS[result.outcome], result.reason, result.detail, result.typed_at)
            self._delivery.end(tx, result.command_id, event, link.machine_id)
        else:
            seen = Taken() if result.outcome is ResultOutcome.TAKEN else WorkFinished()
            self._delivery.mark(tx, result.command_id, seen, link.machine_id)

    def _renewed(self, machine: Machine, hello: Hello) -> Machine:
        return replace(
            machine,
            epoch=max(machine.epoch, hello.last_link_epoch) + 1,
            instance_id=hello.instance_id,
            inbox_id=hello.inbox_id,
            outbox_id=hello.outbox_id,
            upstream_acked=machine.upstream_acked if machine.outbox_id == hello.outbox_id else 0,
            agent_version=hello.agent_version[:100],
            last_seen_at=self._clock.now(),
        )

    def _welcome(self, tx: Transaction, machine: Machine, link: Link) -> Welcome:
        return Welcome(
            machine.epoch, self.router_id, self._clock.now(), HEARTBEAT_INTERVAL,
            HEARTBEAT_INTERVAL * HEARTBEATS_MISSED, link.max_in_flight, machine.upstream_acked,
            tuple(commands.resend_floors(tx, machine.machine_id)),
        )  # fmt: skip

    def _record(self, tx: Transaction, machine: Machine) -> None:
        detail = f"epoch {machine.epoch}"
        record(tx, [Step(self._clock.now(), machine.machine_id, "", "Connected", "", "", machine.machine_id, detail)])
