"""Control signals: commands that change how the program in a session works, and who may send which."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from router.clock import Clock
from router.domain.audit import AuditEvent
from router.domain.command import Command, Origin
from router.domain.control import BYPASS, ControlKind, ControlSignal
from router.domain.errors import Reason, Refusal
from router.domain.person import Deed, Person
from router.domain.risk import RiskRule
from router.domain.session import Session
from router.domain.wording import controls as wording
from router.services.delivery.drafts import Draft
from router.services.delivery.engine import DeliveryEngine
from router.services.people import rights
from router.store import audit, machines, sessions
from router.store.database import Transaction

CONTROL = "control"  # the ability of an agent to take them


@dataclass(frozen=True, slots=True)
class Controls:
    """Accepts commands, and looks at those that are signals."""

    _delivery: DeliveryEngine
    _clock: Clock
    _rules: Sequence[RiskRule]
    on_write: list[Callable[[Transaction, str, Origin], None]] = field(default_factory=list)

    def accept(self, tx: Transaction, draft: Draft, *, may_allow: bool) -> Command:
        """Put any command on disk; a signal only for who may. Raises Refusal, having written nothing.

        `may_allow`: who sends it may answer questions.
        """
        signal = draft.action
        if type(signal) is not ControlSignal:
            return self._delivery.accept(tx, draft)
        session = sessions.get(tx, draft.session_id)
        self._check(tx, session, signal, may_allow=may_allow)
        command = self._delivery.accept(tx, draft)
        if signal.kind is ControlKind.MODE:
            audit.record(
                tx, self._clock.now(), AuditEvent.MODE_CHANGED, tx.caller, subject=session.session_id,
                detail=f"{signal.value}, on {session.machine_id}",
            )  # fmt: skip
        return command

    def accept_of(self, tx: Transaction, person: Person | None, draft: Draft) -> Command:
        """The same for a person. Raises Refusal."""
        is_signal = type(draft.action) is ControlSignal
        may_allow = not is_signal or not rights.refusal(tx, person, Deed.ANSWER, draft.session_id)
        command = self.accept(tx, draft, may_allow=may_allow)
        for tell in self.on_write:
            tell(tx, command.session_id, command.origin)
        return command

    def _check(self, tx: Transaction, session: Session, signal: ControlSignal, *, may_allow: bool) -> None:
        machine = machines.find(tx, session.machine_id)
        if machine and machine.capabilities is not None and CONTROL not in machine.capabilities:
            raise Refusal(Reason.UNSUPPORTED, wording.OLDER_AGENT.format(machine=machine.machine_id))
        # Its machine is the judge of that, too; what it did not offer is not even tried.
        if signal.value == BYPASS and BYPASS not in session.modes:
            raise Refusal(Reason.MODE_NOT_ALLOWED, wording.NO_BYPASS)
        if not signal.asks_less:
            return
        if not may_allow:
            raise Refusal(Reason.MODE_NOT_ALLOWED, wording.MAY_NOT_ALLOW)
        # What a code is wanted for would be done without any question.
        if any(rule.needs_code and rule.is_of(session.machine_id) for rule in self._rules):
            raise Refusal(Reason.MODE_NOT_ALLOWED, wording.CODE_WANTED)
