"""The delivery engine: accept, send, receive, end. Every public method is one step inside one transaction.

A command that finds its machine's link up and caught up is accepted and sent in the same commit. A command is sent
again only on a new link: so order survives pipelining, and duplicates happen only across links, where the agent's
inbox absorbs them.
"""

from collections.abc import Callable, Sequence
from functools import partial

from router.clock import Clock
from router.domain import backoff
from router.domain.action import OF_WORKSPACES, StartSession
from router.domain.command import (
    LIVE,
    Command,
    CommandState,
    Ended,
    Event,
    GivenUp,
    Hold,
    LateResult,
    Returned,
    Sent,
    TakenBack,
    apply,
)
from router.domain.errors import Reason, Refusal
from router.domain.frames import Cancel, Receipt, ReceiptOutcome
from router.domain.gates import Closed
from router.domain.machine import CLAUDE
from router.domain.quick import Daily
from router.domain.wording import status_lines
from router.link.hub import Hub, Link
from router.services.delivery.backoffs import Backoffs
from router.services.delivery.drafts import Draft, queued
from router.services.delivery.quick import QuickAnswers
from router.services.gates import Gates
from router.services.outbox.status_messages import StatusMessages
from router.services.wakeups import EXPIRY, Wakeups
from router.store import cancels, commands, machines, poison, sessions, workspaces
from router.store.database import Transaction
from router.store.trace import TraceStep, record

ASK_AFTER = 3600.0  # seconds; what waited longer for its machine may not be meant any more
_REFUSED = ReceiptOutcome.REFUSED  # looked up in its enum, for each receipt, it costs ten times as much
ACK_TIMEOUT = 30.0  # seconds; longer than an fsync on a sick disk, shorter than a person's patience


class DeliveryEngine:
    """Owns the life of commands. Runs in the writer thread, except `poke`, which the event loop sets."""

    def __init__(
        self, hub: Hub, status_messages: StatusMessages, wakeups: Wakeups, gates: Gates, clock: Clock,
        new_id: Callable[[], str], jitter: Callable[[], float], daily: Daily, zone: str,
    ) -> None:  # fmt: skip
        self._hub, self.quick = hub, QuickAnswers(clock, daily, zone)
        self._wakeups, self._gates = wakeups, gates
        self._clock, self._new_id, self._jitter = clock, new_id, jitter
        self._backoffs: Backoffs[str] = Backoffs(clock, wakeups)
        self._status_messages, self._started = status_messages, clock.now()
        self.resends = 0
        self.on_workspace: Callable[[Transaction, Command], None] | None = None  # hears of the ends of such commands

    def recover(self, tx: Transaction) -> None:
        """After a start no link is open: what was sent and not confirmed waits for the next one."""
        for machine_id in sorted({*commands.sent_to(tx), *cancels.machines(tx)}):
            self.give_back(tx, machine_id)

    def accept(self, tx: Transaction, draft: Draft) -> Command:
        """Put a command on disk. Raises Refusal, having written nothing, when it may not be."""
        # Written as sent where it can be: one commit for both, and a crash before it leaves neither.
        now = self._clock.now()
        self.quick.count(tx, draft)
        command = self._send_at_once(tx, queued(tx, draft, self._new_id(), now), now)
        commands.insert(tx, [command], actor_detail=draft.note)
        self._status_messages.accepted(tx, command)
        if draft.ttl is not None:
            tx.after_commit(partial(self._wakeups.wake, EXPIRY))
        return command

    def came(self, tx: Transaction, machine_id: str) -> None:
        """A machine is back: who waits for that is told."""
        self._status_messages.machine_came(tx, machine_id)
        tx.after_commit(partial(self._wakeups.wake, machine_id))

    def ask_first(self, tx: Transaction, machine_id: str) -> None:
        """A machine is back: hold what waited long for it and comes from a chat that wants to be asked."""
        now = self._clock.now()
        for command in commands.waited(tx, machine_id, now - ASK_AFTER):
            self._status_messages.ask(tx, commands.set_hold(tx, command, Hold.ASKED, "router", now))

    def allow(self, tx: Transaction, held: Command, actor: str) -> None:
        """A person says that a held command is still meant."""
        allowed = commands.set_hold(tx, held, Hold.ALLOWED, actor, self._clock.now())
        self._status_messages.progressed(tx, allowed)
        if (link := self._hub.get(held.machine_id)) and link.caught_up:  # else its next receipt looks for what waits
            self.claim(tx, link)

    def claim(self, tx: Transaction, link: Link) -> None:
        """Send what waits for a machine, as far as its window goes."""
        # What an older link would claim, the newer one has been given.
        if not self._hub.is_current(link):
            return
        if link.probing:
            tx.set(link, probing=poison.any_waits(tx, link.machine_id))
        if (room := link.room()) <= 0:
            tx.set(link, caught_up=False)  # a receipt will make room, and has to look for what waits
            return
        now = self._clock.now()
        found = self._allowed(tx, link.machine_id, room)
        waiting = link.fitting(found)
        # Fewer than there was room for: nothing else waits, and the next one may be sent as it is accepted.
        tx.set(link, caught_up=len(waiting) == len(found) < room)
        if not waiting:
            return
        event = Sent(link.epoch, link.inbox_id)
        sent = [apply(command, event, now) for command in waiting]
        commands.mark_sent(tx, waiting, sent, now)
        tx.set(self, resends=self.resends + sum(command.attempt > 1 for command in sent))
        self._send(tx, link, sent)
        self._progress(tx, [command.command_id for command in sent])

    def received(self, tx: Transaction, link: Link, items: Sequence[Receipt]) -> None:
        """The machine confirmed commands, or refused them for good."""
        if not self._hub.is_current(link):
            return
        # Only what was sent on this link, and of each the first word.
        told = {item.command_id: item for item in reversed(items)}
        items = [told[command_id] for command_id in link.release(tx, *(item.command_id for item in items))]
        stored = [item.command_id for item in items if item.outcome is not _REFUSED]
        commands.mark_received(tx, stored, link.epoch, self._clock.now(), link.machine_id)
        for item in items:
            if item.outcome is _REFUSED:
                self.end(tx, item.command_id, Ended(CommandState.FAILED, item.reason), link.machine_id)
            # Its inbox has ended what we think is new: no result will come again, so a person must look.
            elif item.has_ended and self._forgot(tx, link, item.command_id):
                self.end(tx, item.command_id, Ended(CommandState.UNCERTAIN, Reason.ROUTER_RESTORED), "router")
        self._progress(tx, stored)
        if not link.caught_up:
            self.claim(tx, link)

    def end(self, tx: Transaction, command_id: str, event: Event, actor: str) -> Command | None:
        """Bring a command to its end and tell whoever sent it. A late word is kept beside the state. None: unknown."""
        command = commands.find(tx, command_id)
        if command is None:
            return None
        self.wake(tx, [command_id])
        return self.finish(tx, command, event, actor)

    def finish(self, tx: Transaction, command: Command, event: Event, actor: str) -> Command:
        """The same for a command that was just read; its caller wakes whoever waits for it."""
        # The first end stands: people have been told, and may have sent it again.
        if not command.state.live:
            return self._late(tx, command, event, actor)
        ended = commands.change(tx, command, event, self._clock.now(), actor)
        if link := self._hub.get(command.machine_id):
            link.release(tx, command.command_id)
        if isinstance(ended.action, StartSession):
            self._start_ended(tx, ended)
        self._status_messages.ended(tx, ended)  # before what follows from it
        if self.on_workspace and type(ended.action) in OF_WORKSPACES:
            self.on_workspace(tx, ended)
        return ended

    def mark(self, tx: Transaction, command: Command, event: Event, actor: str) -> None:
        """Note on a DONE command what the agent program did with it, and tell whoever sent it; its caller wakes."""
        if command.state is CommandState.DONE:
            marked = commands.change(tx, command, event, self._clock.now(), actor)
            self._status_messages.marked(tx, marked)

    def wake(self, tx: Transaction, command_ids: Sequence[str]) -> None:
        """Something happened to commands: whoever waits for one of them looks at it."""
        if command_ids:
            tx.after_commit(partial(self._wakeups.wake_each, command_ids))

    def lost(self, tx: Transaction, link: Link, *, ack_timeout: bool = False, on_purpose: bool = False) -> None:
        """A link is gone: what it had not confirmed waits for the next one. One left on purpose blames no command."""
        if not self._hub.is_current(link):
            return
        # First, so that what is given back is not claimed by this very link.
        self._hub.remove(tx, link)
        ages = {command_id: self._clock.monotonic() - flight.sent for command_id, flight in link.in_flight.items()}
        # Shortly before the end: one of these may have brought the agent down.
        died = [command_id for command_id, age in ages.items() if age < backoff.CHARGE_WINDOW]
        late = [command_id for command_id, age in ages.items() if age >= ACK_TIMEOUT]
        # A disk that is slow is no crash, and who says goodbye has not crashed.
        if not (ack_timeout or on_purpose):
            poison.blame(tx, died, link.machine_id, link.epoch)
        self.give_back(tx, link.machine_id, charged=[] if on_purpose else late if ack_timeout else died)

    def give_back(self, tx: Transaction, machine_id: str, charged: Sequence[str] = ()) -> None:
        """Queue again what an ended link of a machine had not confirmed; what is wanted back is taken back now."""
        wishes = cancels.asked(tx, machine_id)
        for command in commands.live_of_machine(tx, machine_id, [CommandState.SENT]):
            self._return(tx, command, charged=command.command_id in charged)
            if command.command_id in wishes:
                event = TakenBack(CommandState.CANCELLED, Reason.CANCELLED, command.doubt)
                self.end(tx, command.command_id, event, wishes[command.command_id])
        # Those of what it has confirmed stay: the machine is told again on its next link.
        cancels.forget(tx, machine_id)

    def process_changed(self, tx: Transaction, machine_id: str, epoch: int) -> None:
        """The agent that had the link of that epoch was restarted: what did so three times is given up."""
        for command_id in poison.restarted(tx, machine_id, epoch, backoff.MAX_CRASHES):
            command = commands.get(tx, command_id)
            self.end(tx, command_id, GivenUp(Reason.POISON_SUSPECT, command.doubt), "router")
        # Those alone that have ended, or were confirmed: the others go on being counted.
        poison.forget(tx, machine_id)

    def inbox_lost(self, tx: Transaction, machine_id: str, reason: Reason) -> None:
        """The machine's inbox and our queue are of different times: what was ever sent there cannot be known.

        Where it is we who went back in time, that may be anything that was queued before this process began.
        """
        restored = reason is Reason.ROUTER_RESTORED
        for command in commands.live_of_machine(tx, machine_id):
            if command.attempt or (restored and command.created_at < self._started):
                self.end(tx, command.command_id, Ended(CommandState.UNCERTAIN, reason), "router")

    def cancel(self, tx: Transaction, command_id: str, actor: str) -> Command:
        """Take a command back: at once while it waits here, else the machine decides. Raises Refusal."""
        command = commands.get(tx, command_id)
        if command.state is CommandState.QUEUED:
            event = TakenBack(CommandState.CANCELLED, Reason.CANCELLED, command.doubt)
            return self.end(tx, command_id, event, actor) or command
        if command.state not in LIVE:
            raise Refusal(Reason.ILLEGAL_STATE, f"It is already {command.state.value}; nothing is left to cancel.")
        # On disk before it is said: a link that dies meanwhile must not lose the wish.
        cancels.ask(tx, command_id, command.machine_id, actor)
        commands.note(tx, command, "CancelAsked", actor, self._clock.now())
        if link := self._hub.get(command.machine_id):
            tx.after_commit(lambda: link.send(Cancel(command_id, Reason.CANCELLED), urgent=True))
        return command

    def give_up_session(self, tx: Transaction, session_id: str, reason: Reason) -> int:
        """What waits for a session that is over becomes dead letters. Returns how many."""
        waiting = commands.queued_of_session(tx, session_id)
        for command in waiting:
            self.end(tx, command.command_id, GivenUp(reason, command.doubt), "router")
        return len(waiting)

    def give_up_machine(self, tx: Transaction, machine_id: str, reason: Reason) -> int:
        """A machine is out: what it holds is uncertain, the rest becomes dead letters. Returns how many."""
        live = commands.live_of_machine(tx, machine_id)
        for command in live:
            held = command.state is CommandState.RECEIVED
            event: Event = Ended(CommandState.UNCERTAIN, reason) if held else GivenUp(reason, command.doubt)
            self.end(tx, command.command_id, event, "router")
        return len(live)

    def move(self, tx: Transaction, session_id: str, machine_id: str) -> None:
        """A session has another machine: what was never sent to the old one goes there, in order."""
        moved, link = commands.move_queued(tx, session_id, machine_id), self._hub.get(machine_id)
        if moved and link and link.caught_up:  # else its next receipt, or its opening, looks for what waits
            self.claim(tx, link)

    def expire(self, tx: Transaction) -> float | None:
        """End what is over its time; returns when the next one is (steady seconds since the epoch)."""
        now = self._clock.now()
        for link in self._hub.all():
            if link.gone:  # when it went, that could not be stored
                self.lost(tx, link, on_purpose=True)
        for command in commands.expired(tx, now):
            if command.has_ttl:
                event: Event = TakenBack(CommandState.EXPIRED, Reason.TTL_EXPIRED, command.doubt)
            else:
                event = GivenUp(Reason.TOO_OLD, command.doubt)
            self.end(tx, command.command_id, event, "router")
        return commands.next_expiry(tx)

    def release_held(self, tx: Transaction) -> float | None:
        """Send what waited out its backoff; returns seconds until the next session has."""
        # Of these sessions alone: of thousands of machines one waits for them.
        released = self._backoffs.release(tx)
        waiting = {each for session_id in released for each in commands.machines_of_queued(tx, session_id)}
        for machine_id in sorted(waiting):
            if link := self._hub.get(machine_id):
                self.claim(tx, link)
        return self._backoffs.next()

    def _allowed(self, tx: Transaction, machine_id: str, room: int) -> list[Command]:
        """What waits for a machine; a start that was accepted and may not be any more ends here."""
        while True:
            found = commands.queued(tx, machine_id, room, self._backoffs.now())
            shut = [(command, closed) for command in found if (closed := self._shut(tx, command))]
            for command, closed in shut:
                failed = Ended(CommandState.FAILED, closed.gate.reason, closed.text)
                self.end(tx, command.command_id, failed, "router")
            if not shut:  # else what waited behind a start has ended with it
                return found

    def _shut(self, tx: Transaction, command: Command) -> Closed | None:
        # One that was sent before may have begun: its machine alone knows.
        if not isinstance(command.action, StartSession) or command.attempt:
            return None
        machine = machines.find(tx, command.machine_id)
        program = command.action.agent or CLAUDE
        return self._gates.before_start(machine, command.action.place, program) if machine else None

    def _send_at_once(self, tx: Transaction, command: Command, now: float) -> Command:
        link = self._hub.get(command.machine_id)
        if link is None:
            return command
        if command.session_id in self._backoffs:
            return command  # release_held looks for it
        if not link.caught_up or not link.fitting((command,)):
            tx.set(link, caught_up=False)
            return command
        sent = apply(command, Sent(link.epoch, link.inbox_id), now)
        self._send(tx, link, (sent,))
        return sent

    def _send(self, tx: Transaction, link: Link, commands: Sequence[Command]) -> None:
        link.reserve(tx, commands, self._clock.monotonic())
        # Never before the commit: what a machine has must be what we know of.
        tx.after_commit(partial(link.deliver, commands))

    def _start_ended(self, tx: Transaction, start: Command) -> None:
        session_id, now, began = start.session_id, self._clock.now(), start.state is CommandState.DONE
        # Not where its machine has told of it since: then it lives, and its own word ends it.
        if sessions.start_ended(tx, session_id, began=began, now=now):
            record(tx, [TraceStep(now, session_id, session_id, "Ended", "", "", "router", start.machine_id)])
            self.give_up_session(tx, session_id, Reason.SESSION_ENDED)
        workspaces.start_ended(tx, start, now)

    def _forgot(self, tx: Transaction, link: Link, command_id: str) -> bool:
        """Whether the end of what hello did not name was acknowledged: by us, before we were put back from a backup."""
        return command_id not in link.unresolved and command_id not in cancels.asked(tx, link.machine_id)

    def _late(self, tx: Transaction, command: Command, event: Event, actor: str) -> Command:
        words = status_lines.late(command.state, event.state) if isinstance(event, Ended) else ""
        changed = commands.change(tx, command, LateResult(words), self._clock.now(), actor)
        if changed != command:
            self._status_messages.ended_otherwise(tx, changed)
        return changed

    def _progress(self, tx: Transaction, command_ids: Sequence[str]) -> None:
        for command_id in filter(self._status_messages.has_line, command_ids):
            self._status_messages.progressed(tx, commands.get(tx, command_id))

    def _return(self, tx: Transaction, command: Command, *, charged: bool) -> None:
        returned = commands.change(tx, command, Returned(charged), self._clock.now())
        # A link that ends on purpose, or long after it was sent, is not the command's fault.
        if not charged:
            return
        if backoff.exhausted(returned.charged):
            self.end(tx, command.command_id, GivenUp(Reason.TOO_MANY_ATTEMPTS, command.doubt), "router")
            return
        self._backoffs.add(tx, command.session_id, backoff.backoff(returned.charged, self._jitter()))
