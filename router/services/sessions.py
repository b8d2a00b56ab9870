"""Sessions: registered by people and programs, reported by agents, ended by either."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from msgspec.structs import replace

from router.clock import Clock
from router.domain.errors import Reason, Refusal
from router.domain.frames import SessionClosed, SessionReport
from router.domain.quotas import Quotas
from router.domain.session import Session, SessionState, checked_id, checked_label
from router.domain.unicode_escapes import visible
from router.services import scopes
from router.services.chat.topics import Topics
from router.services.deferral.limits import Limits
from router.services.delivery.engine import DeliveryEngine
from router.services.permissions import Permissions
from router.services.wakeups import Wakeups
from router.store import callbacks, machines, sessions
from router.store.database import Transaction
from router.store.trace import TraceStep, record


@dataclass(frozen=True, slots=True)
class SessionService:
    """Who owns which session. A session moves only when its machine gave it up, or an operator says so."""

    _delivery: DeliveryEngine
    _permissions: Permissions
    _topics: Topics
    _clock: Clock
    _connected: Callable[[str], bool]
    _wakeups: Wakeups
    _quotas: Quotas
    _limits: Limits
    on_ended: list[Callable[[Transaction, Session], None]] = field(default_factory=list)

    def register(self, tx: Transaction, session_id: str, machine_id: str, label: str, actor: str) -> Session:
        """Make a session known, or move and refresh it, because an operator says so. Raises Refusal."""
        checked_id(session_id, "session_id")
        machine = machines.find(tx, checked_id(machine_id, "machine_id"))
        if machine is None or machine.revoked or not scopes.machines_in(tx, tx.caller.scope, [machine]):
            raise Refusal(Reason.NOT_FOUND, f"There is no machine {machine_id}. Enrol it: pointsman machine token")
        now = self._clock.now()
        known = sessions.find(tx, session_id)
        if known is None:
            session = Session(session_id, machine_id, checked_label(label), "", "", SessionState.UNKNOWN, 0, now, now)
        else:
            session = self._moved(known, machine_id, checked_label(label) or known.label, now)
        scopes.check_new(tx.caller.scope, session)
        sessions.write(tx, session)
        # What waits goes along; what was ever sent stays with the old machine, which may have typed it.
        self._delivery.move(tx, session.session_id, machine_id)
        self._record(tx, session, "Registered", actor)
        return replace(session, connected=self._connected(machine_id))

    def rename(self, tx: Transaction, session_id: str, label: str, actor: str) -> Session:
        """Let people call it so; by an empty name, as its machine does. Raises Refusal."""
        session = replace(sessions.get(tx, session_id), given_name=visible(checked_label(label.strip())))
        sessions.write(tx, session)
        self._record(tx, session, "Renamed", actor)
        return replace(session, connected=self._connected(session.machine_id))

    def unregister(self, tx: Transaction, session_id: str, actor: str) -> int:
        """End a session; what waits for it becomes dead letters. Returns how many. Raises Refusal(SESSION_UNKNOWN)."""
        session = sessions.get(tx, session_id)
        return self._end(tx, session, actor)

    def reported(self, tx: Transaction, machine_id: str, report: SessionReport) -> None:
        """An agent tells of a session. Raises Refusal, having written nothing."""
        checked_id(report.session_id, "session_id")
        known = sessions.find(tx, report.session_id)
        if known and known.machine_id != machine_id:  # an ended one too: replies to its old messages would go there
            owner = machines.find(tx, known.machine_id)
            # A revoked machine owns nothing: its session may come back under another one.
            if owner and not owner.revoked:
                raise sessions.elsewhere(known)
        # A report that overtook a restart would bring the dead program back.
        if known and known.machine_id == machine_id and report.generation < known.generation:
            raise Refusal(
                Reason.SESSION_RESTARTED,
                f"Session {known.session_id} is in generation {known.generation}; {report.generation} is over."
                " Count up at each restart, and keep the count.",
            )
        if known is None or known.state is SessionState.ENDED or known.machine_id != machine_id:
            self._quotas.check_sessions(machine_id, sessions.living(tx, machine_id))
        now = self._clock.now()
        session = Session(
            known.session_id if known else report.session_id, machine_id, visible(report.label)[:200], report.backend,
            report.cwd, report.state, report.generation, known.created_at if known else now, now,
            waiting_for=report.waiting_for, mode=report.mode, model=report.model, modes=report.modes,
            controls=report.controls, given_name=known.given_name if known else "",
            limited_until=report.limited_until,
        )  # fmt: skip
        # A hello repeats all sessions at each link: what says nothing new costs no step of the trace.
        if known is None or replace(known, updated_at=now) != session:
            sessions.write(tx, session)
            self._delivery.move(tx, session.session_id, machine_id)
            self._record(tx, session, "Reported", machine_id)
            self._limits.reported(tx, known, session)
        else:
            sessions.seen(tx, session.session_id, now)

    def closed(self, tx: Transaction, machine_id: str, frame: SessionClosed) -> None:
        """An agent tells that a session is over. Raises Refusal: it is another's, or a newer generation lives."""
        session = sessions.owned(tx, frame.session_id, machine_id)
        if frame.generation < session.generation:
            text = f"Generation {session.generation} of session {session.session_id} lives; {frame.generation} is over."
            raise Refusal(Reason.SESSION_RESTARTED, text)
        if session.state is not SessionState.ENDED:
            self._end(tx, session, machine_id)
            for tell in self.on_ended:
                tell(tx, session)

    def end_all(self, tx: Transaction, machine_id: str, actor: str) -> int:
        """A machine is out: its sessions end. Returns how many commands became dead letters."""
        waited = [self._end(tx, session, actor, Reason.MACHINE_REVOKED) for session in sessions.page(tx, machine_id)]
        return sum(waited) + self._delivery.give_up_machine(tx, machine_id, Reason.MACHINE_REVOKED)

    def _end(self, tx: Transaction, session: Session, actor: str, reason: Reason = Reason.SESSION_ENDED) -> int:
        if session.state is SessionState.ENDED:
            return 0
        sessions.write(tx, replace(session, state=SessionState.ENDED, waiting_for="", updated_at=self._clock.now()))
        self._record(tx, session, "Ended", actor)
        # In this order: questions are closed in their topics before the topics are.
        self._permissions.session_ended(tx, session.session_id)
        callbacks.session_ended(tx, session.session_id)
        self._topics.session_ended(tx, session)
        return self._delivery.give_up_session(tx, session.session_id, reason)

    def _moved(self, known: Session, machine_id: str, label: str, now: float) -> Session:
        same = known.machine_id == machine_id
        state = SessionState.UNKNOWN if known.state is SessionState.ENDED else known.state
        # Generations are counted by the machine: another one begins anew.
        generation = known.generation if same else 0
        return replace(known, machine_id=machine_id, label=label, state=state, generation=generation, updated_at=now)

    def _record(self, tx: Transaction, session: Session, event: str, actor: str) -> None:
        step = TraceStep(
            self._clock.now(), session.session_id, session.session_id, event, "", "", actor, session.machine_id
        )
        record(tx, [step])
        tx.after_commit(partial(self._wakeups.wake, session.session_id))  # whose program watches with its token
