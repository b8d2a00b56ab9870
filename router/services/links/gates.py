"""Machines that a gate holds off: written down, and told to people once for each reason."""

from dataclasses import dataclass

from msgspec.structs import replace

from router.clock import Clock
from router.domain.audit import AuditEvent
from router.domain.errors import Refusal
from router.domain.identity import Caller, Identity, IdentityKind
from router.domain.machine import Machine
from router.domain.wording import alerts
from router.services.gates import Gates
from router.services.outbox.notifications import Notifications
from router.store import audit, machines
from router.store.database import Transaction
from router.store.trace import TraceStep, record


@dataclass(frozen=True, slots=True)
class LinkGates:
    """Looks at the gates before a link. Each call is one step inside one transaction."""

    _gates: Gates
    _notifications: Notifications
    _clock: Clock

    def key_due(self, machine: Machine) -> bool:
        """Whether its welcome asks for another key."""
        return self._gates.key_due(machine)

    def look(self, tx: Transaction, machine: Machine) -> Refusal | None:
        """Why this machine gets no link, as its agent describes it now; None where it may have one."""
        shut = self._gates.before_link(machine)
        if shut is None:
            return None
        name, reason, now = machine.machine_id, shut.gate.reason, self._clock.now()
        machines.write(tx, replace(machine, gate=reason.name))
        if machine.gate != reason.name:
            record(tx, [TraceStep(now, name, "", "HeldOff", "", "", name, shut.text)])
            who = Caller(Identity(IdentityKind.MACHINE, name))
            audit.record(tx, now, AuditEvent.REFUSED, who, subject="AgentLink/Connect", detail=reason.name)
            self._notifications.to_operators(tx, alerts.HELD_OFF.format(why=shut.text))
        return Refusal(reason, shut.text)
