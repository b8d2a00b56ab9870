"""What machines say: the hello that opens a link, and the durable frames that follow. One transaction each."""

import random
from collections.abc import Callable, Collection, Sequence
from functools import partial

from msgspec.structs import replace

from router.clock import Clock
from router.domain import machine_key
from router.domain.command import (
    MAX_LIVE_PER_MACHINE,
    CommandState,
    Ended,
    Event,
    NotTaken,
    Taken,
    WorkFinished,
)
from router.domain.errors import Reason, Refusal
from router.domain.frames import (
    Durable,
    FrameError,
    Hello,
    Notify,
    PermissionRequest,
    PermissionWithdrawn,
    Rejection,
    Result,
    ResultOutcome,
    SessionClosed,
    SessionReport,
    Unfit,
    UpstreamAck,
    Welcome,
    WorkspaceReport,
)
from router.domain.identity_clash import Arrivals, arrived
from router.domain.machine import Machine, named, sound, versions
from router.domain.start import MAX_START_FOLDERS, is_path
from router.domain.wording import alerts
from router.link.connection import agent_patience, heartbeat_interval
from router.link.flow import SLICE
from router.link.hub import Hub, Link
from router.services import starts
from router.services.delivery.engine import DeliveryEngine
from router.services.links.gates import LinkGates
from router.services.outbox.notifications import Notifications
from router.services.permissions import Permissions
from router.services.refusals import Refusals
from router.services.sessions import SessionService
from router.services.workspaces import Workspaces
from router.store import cancels, commands, machines, poison, sessions
from router.store.database import Transaction
from router.store.trace import TraceStep, record

MAX_WORDS = 1000  # characters of what a machine is told about a frame
_TAKEN_OVER = "a newer link of this machine took over"
_ENDINGS = {
    ResultOutcome.DONE: CommandState.DONE,
    ResultOutcome.FAILED: CommandState.FAILED,
    ResultOutcome.UNCERTAIN: CommandState.UNCERTAIN,
    ResultOutcome.CANCELLED: CommandState.CANCELLED,
    ResultOutcome.EXPIRED: CommandState.EXPIRED,
}
_NONE: frozenset[str] = frozenset()  # one for all links
_CARRIED_OUT = frozenset({CommandState.DONE, CommandState.FAILED})  # only the machine itself says so


def _process(machine: Machine) -> str:
    return f"epoch {machine.epoch}, process {machine.instance_id}, agent {machine.agent_version}"


class UpstreamService:
    """Opens links and takes what comes on them. Only the newest link of a machine is heard."""

    def __init__(
        self,
        hub: Hub,
        delivery: DeliveryEngine,
        session_service: SessionService,
        notifications: Notifications,
        permissions: Permissions,
        workspaces: Workspaces,
        link_gates: LinkGates,
        refusals: Refusals,
        clock: Clock,
        router_id: str,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._hub = hub
        self._delivery = delivery
        self._sessions = session_service
        self._notifications = notifications
        self._permissions = permissions
        self._workspaces = workspaces
        self._link_gates = link_gates
        self._refusals = refusals
        self._clock = clock
        self.router_id = router_id
        self._jitter = jitter
        self._arrivals: dict[str, Arrivals] = {}

    def open(self, tx: Transaction, link: Link, hello: Hello) -> Welcome | Refusal:
        """Give a link its epoch, take back what an older one had, and send what waits.

        Returns the refusal of one of two daemons with one identity, as holding them off is written down; raises others.
        """
        machine = machines.find(tx, hello.machine_id)
        if machine is None or machine.revoked:
            raise Refusal(Reason.MACHINE_REVOKED, f"Machine {hello.machine_id} may not connect. Enrol it again.")
        # It was let in before another key took the place of that: whoever stole the old one would have a link.
        if machine.public_key != link.public_key:
            raise Refusal(Reason.KEY_REPLACED, machine_key.OVER)
        machine = _told(machine, hello)
        if refusal := self._link_gates.look(tx, machine):
            return refusal
        # Before anything is taken back: of two that take turns, neither may touch what the other has.
        if clash := self._clash(tx, machine, hello.instance_id):
            return clash
        owed = machines.is_owed(tx, machine.machine_id)
        lost = self._inbox_lost(tx, machine, hello, owed=owed)
        self._take_back(tx, machine, hello, lost, owed=owed)
        # A new inbox has heard nothing: its epochs are counted from here.
        opened = self._renewed(machine, hello, heard_epoch=0 if lost else machine.heard_epoch)
        machines.write(tx, opened)
        link.epoch, link.inbox_id, link.unresolved = opened.epoch, hello.inbox_id, frozenset(hello.unresolved) or _NONE
        link.probing = owed and poison.any_waits(tx, hello.machine_id)
        # In the table now, so that what is accepted after this commit is sent here; the older one is closed after it.
        if older := self._hub.replace(tx, link):
            tx.after_commit(lambda: older.close(Reason.LINK_SUPERSEDED, _TAKEN_OVER))
        self._delivery.came(tx, link.machine_id)
        # The machine counts anew: by the old count all its reports would be too old.
        if lost is Reason.INBOX_LOST:
            sessions.forget_generations(tx, machine.machine_id)
        self._record(tx, opened, "Connected", _process(opened))
        welcome = replace(
            self._welcome(tx, opened, link),
            recalled=self._recalled(tx, hello, unknown_too=lost is not Reason.ROUTER_RESTORED) if hello.waiting else (),
            inbox_outdated=lost is Reason.INBOX_LOST,
        )
        # The welcome first: an agent hears nothing before it.
        tx.after_commit(partial(link.send, welcome, urgent=True))
        self.greeted(tx, link, hello.sessions[:SLICE])
        if owed or hello.sessions:  # which may have brought what waited for them elsewhere
            self._send_what_waits(tx, link, may_start=opened.may_start)
        else:
            tx.set(link, caught_up=True)
        return welcome

    def _send_what_waits(self, tx: Transaction, link: Link, *, may_start: bool) -> None:
        if not may_start:
            starts.give_up(tx, self._delivery, link.machine_id)
        # Before the claim, which would send what should be asked about.
        self._delivery.ask_first(tx, link.machine_id)
        self._delivery.claim(tx, link)

    def greeted(self, tx: Transaction, link: Link, reports: Sequence[SessionReport]) -> None:
        """Take some of hello's sessions; what is refused there has no number, and is told by its id."""
        if not self._hub.is_current(link):
            return
        for report in reports:
            try:
                self._sessions.reported(tx, link.machine_id, report)
            except Refusal as refusal:
                self._refusals.of_machine(tx, link.machine_id, refusal)
                is_full = refusal.reason is Reason.QUOTA_SESSIONS
                # Of thousands that are too many one is named: the text says what to do for all.
                if not (is_full and link.is_full):
                    error = FrameError(report.session_id[:MAX_WORDS], refusal.reason, refusal.text)
                    tx.after_commit(partial(link.send, error, urgent=True))
                tx.set(link, is_full=link.is_full or is_full)

    def take(self, tx: Transaction, link: Link, frames: Sequence[Durable]) -> None:
        """Take durable frames in the order of their numbers, each once, and acknowledge them.

        Where the one before them is not on disk, as the disk refused it, these are not taken either: their
        acknowledgement would say that it is.
        """
        if not self._hub.is_current(link):
            return
        machine = machines.find(tx, link.machine_id)
        acked = machine.upstream_acked if machine else 0
        rejected: list[Rejection] = []
        for frame in frames:
            if frame.upstream_seq > acked + 1:
                return
            if frame.upstream_seq == acked + 1:
                try:
                    self._one(tx, link, frame)
                except Refusal as refusal:
                    # Refused for good, and acknowledged: else the agent would send it for ever, and nothing behind it.
                    rejected.append(Rejection(frame.upstream_seq, refusal.reason, refusal.text[:MAX_WORDS]))
                    self._refusals.of_machine(tx, link.machine_id, refusal)
                acked = frame.upstream_seq
        # In the transaction of the frames: after a crash both are there, or the agent sends them again.
        machines.acknowledge(tx, link.machine_id, acked, self._clock.now())
        self._delivery.wake(tx, [frame.command_id for frame in frames if isinstance(frame, Result)])
        tx.after_commit(partial(link.send, UpstreamAck(acked, tuple(rejected)), urgent=True))

    def _clash(self, tx: Transaction, machine: Machine, instance_id: str) -> Refusal | None:
        """Hold two processes off that take turns with one identity, until another one comes in place of either."""
        refusal = Refusal(Reason.DUPLICATE_MACHINE, alerts.TWO_OF_ONE.format(machine=machine.machine_id))
        # Held off on disk: after a restart the two would begin anew.
        if instance_id in machine.barred:
            return refusal
        known = self._arrivals.get(machine.machine_id, Arrivals())
        self._arrivals[machine.machine_id] = lately = arrived(known, instance_id, self._clock.monotonic())
        if not lately.clash:
            return None
        # From here on the disk remembers.
        del self._arrivals[machine.machine_id]
        machines.write(tx, replace(machine, quarantined=True, barred=lately.clash))
        self._record(tx, machine, "Quarantined", " and ".join(lately.clash))
        if link := self._hub.get(machine.machine_id):
            self._delivery.lost(tx, link, on_purpose=True)
            tx.after_commit(lambda: link.close(refusal.reason, refusal.text))
        self._notifications.to_operators(tx, refusal.text)
        return refusal

    def _take_back(self, tx: Transaction, machine: Machine, hello: Hello, lost: Reason | None, *, owed: bool) -> None:
        """What an earlier link of the machine had not settled."""
        if lost:
            self._delivery.inbox_lost(tx, machine.machine_id, lost)
        restarted = hello.instance_id != machine.instance_id
        if restarted and (older := self._hub.get(machine.machine_id)):
            self._delivery.lost(tx, older)  # its process died, and the newer one was faster than the news
            tx.after_commit(lambda: older.close(Reason.LINK_SUPERSEDED, _TAKEN_OVER))
        if not owed:
            return
        self._delivery.give_back(tx, machine.machine_id)
        if restarted:
            self._delivery.process_changed(tx, machine.machine_id, machine.epoch)

    def _inbox_lost(self, tx: Transaction, machine: Machine, hello: Hello, *, owed: bool) -> Reason | None:
        """An epoch that we never gave; another inbox; one from before something that it said; or its twin."""
        # It has been welcomed under an epoch of which we know nothing: we are older than we were.
        if hello.last_link_epoch > machine.epoch:
            return Reason.ROUTER_RESTORED if machine.inbox_id == hello.inbox_id else Reason.INBOX_LOST
        confirmed = commands.confirmed(tx, machine.machine_id) if owed else {}
        # It said something under that epoch, so its disk knew it: a disk that does not is an older copy.
        heard = max([machine.heard_epoch, *confirmed.values()])
        lost = machine.inbox_id not in ("", hello.inbox_id) or hello.last_link_epoch < heard
        lost = lost or _is_outdated(tx, hello, confirmed.keys())
        return Reason.INBOX_LOST if lost or self._is_twin(machine, hello) else None

    def _is_twin(self, machine: Machine, hello: Hello) -> bool:
        """Whether another process has the machine's link, of which this one knows nothing: each has its own inbox."""
        other = self._hub.get(machine.machine_id)
        return other is not None and hello.instance_id != machine.instance_id and hello.last_link_epoch < other.epoch

    def _recalled(self, tx: Transaction, hello: Hello, *, unknown_too: bool) -> tuple[str, ...]:
        """What a machine has not started and must not: what somebody wants back, what is over here, what nobody knows.

        But for a router that was put back from a backup: what it does not know was accepted all the same.
        """
        wishes = cancels.asked(tx, hello.machine_id)
        states = commands.states(tx, hello.machine_id, hello.waiting)
        return tuple(
            command_id
            for command_id in hello.waiting
            if command_id in wishes or not (states[command_id].live if command_id in states else not unknown_too)
        )

    def _one(self, tx: Transaction, link: Link, frame: Durable) -> None:
        """Raises Refusal, having written nothing."""
        match frame:
            case Result():
                self._result(tx, link, frame)
            case SessionReport():
                self._sessions.reported(tx, link.machine_id, frame)
            case SessionClosed():
                self._sessions.closed(tx, link.machine_id, frame)
            case Notify():
                self._notifications.from_machine(tx, link.machine_id, frame)
            case PermissionRequest():
                self._permissions.asked(tx, link.machine_id, frame)
            case PermissionWithdrawn():
                self._permissions.withdrawn(tx, link.machine_id, frame)
            case WorkspaceReport():
                self._workspaces.told(tx, link.machine_id, frame)
            case Unfit(_, reason, text):
                raise Refusal(reason, text)

    def _result(self, tx: Transaction, link: Link, result: Result) -> None:
        command = commands.find(tx, result.command_id)
        # Of another machine's command it cannot know; one that we have forgotten ended long ago.
        if command is None or command.machine_id != link.machine_id:
            return
        if result.outcome is ResultOutcome.DONE:
            sessions.seen(tx, command.session_id, self._clock.now())
        if result.outcome in _ENDINGS:
            event: Event = Ended(_ENDINGS[result.outcome], result.reason, result.detail, result.typed_at)
            self._delivery.finish(tx, command, event, link.machine_id)
        else:
            self._delivery.mark(tx, command, _mark(result), link.machine_id)

    def _renewed(self, machine: Machine, hello: Hello, heard_epoch: int) -> Machine:
        same_outbox = machine.outbox_id == hello.outbox_id
        return replace(
            machine,
            # Above both: after a restore, ours may be the lower one, and an epoch is never given twice.
            epoch=max(machine.epoch, hello.last_link_epoch) + 1,
            instance_id=hello.instance_id,
            inbox_id=hello.inbox_id,
            outbox_id=hello.outbox_id,
            # Above both for the same reason; a new outbox counts anew.
            upstream_acked=max(hello.upstream_acked, machine.upstream_acked if same_outbox else 0),
            last_seen_at=self._clock.now(),
            quarantined=False,
            heard_epoch=heard_epoch,
            gate="",
        )

    def _welcome(self, tx: Transaction, machine: Machine, link: Link) -> Welcome:
        interval = heartbeat_interval(len(self._hub.all()), self._jitter())
        return Welcome(
            machine.epoch, self.router_id, self._clock.now(), interval, agent_patience(interval),
            link.max_in_flight, machine.upstream_acked, tuple(commands.resend_floors(tx, machine.machine_id)),
            key_wanted=self._link_gates.key_due(machine),
        )  # fmt: skip

    def _record(self, tx: Transaction, machine: Machine, event: str, detail: str) -> None:
        record(tx, [TraceStep(self._clock.now(), machine.machine_id, "", event, "", "", machine.machine_id, detail)])


def _told(machine: Machine, hello: Hello) -> Machine:
    """With what its agent says of itself."""
    told = sound(hello.programs)
    return replace(
        machine, agent_version=hello.agent_version[:100], capabilities=named(hello.capabilities),
        start_folders=tuple(filter(is_path, hello.start_folders[:MAX_START_FOLDERS])), programs=versions(told),
        told=told, free_bytes=hello.free_bytes,
    )  # fmt: skip


def _is_outdated(tx: Transaction, hello: Hello, confirmed: Collection[str]) -> bool:
    """Whether an inbox lacks what it confirmed, or has not begun what it has carried out: it is an old copy."""
    # A full list may have been cut: what is missing in it proves nothing.
    tells_all = len(hello.unresolved) < MAX_LIVE_PER_MACHINE
    if tells_all and not set(hello.unresolved).issuperset(confirmed):
        return True
    states = commands.states(tx, hello.machine_id, hello.waiting)
    return not _CARRIED_OUT.isdisjoint(states.values())


def _mark(result: Result) -> NotTaken | Taken | WorkFinished:
    if result.outcome is ResultOutcome.NOT_TAKEN:
        return NotTaken(result.detail)
    return Taken() if result.outcome is ResultOutcome.TAKEN else WorkFinished()
