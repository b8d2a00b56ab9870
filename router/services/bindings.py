"""Which machines work for what: bound and unbound by people, and told of in the audit."""

from dataclasses import dataclass

from msgspec.structs import replace

from router.clock import Clock
from router.domain.audit import AuditEvent
from router.domain.binding import MOST, Binding
from router.domain.errors import Reason, Refusal
from router.store import audit, bindings, machines
from router.store.database import Transaction

_NO_MACHINE = "There is no machine {name}. `pointsman machines` lists them."
_NOT_BOUND = "No machine works for that. `pointsman github bind` lets one."
_FULL = "There are {most} bindings already. End some: pointsman github unbind"


@dataclass(frozen=True, slots=True)
class Bindings:
    """Each call is one step inside one transaction."""

    _clock: Clock

    def bind(self, tx: Transaction, wanted: Binding, who: str) -> Binding:
        """Let a machine work for it, in place of what was bound. Raises Refusal."""
        binding = replace(wanted.checked(), created_at=self._clock.now(), created_by=who)
        machine = machines.find(tx, binding.machine_id)
        if machine is None or machine.revoked:
            raise Refusal(Reason.NOT_FOUND, _NO_MACHINE.format(name=binding.machine_id[:128]))
        if bindings.find(tx, binding.transport, binding.space) is None and bindings.count(tx) >= MOST:
            raise Refusal(Reason.QUEUE_FULL, _FULL.format(most=MOST))
        bindings.write(tx, binding)
        asking = [*binding.allowed, *(["whoever may write there"] if binding.writers else [])]
        begins = "" if binding.autostart else ", and begins nothing by itself"
        detail = f"{binding.name} on {binding.machine_id}, for {', '.join(asking)}{begins}"
        self._tell(tx, AuditEvent.BOUND, binding, detail)
        return binding

    def unbind(self, tx: Transaction, transport: str, space: str) -> None:
        """Let none work for it any more. Raises Refusal."""
        if (binding := bindings.find(tx, transport, space)) is None:
            raise Refusal(Reason.NOT_FOUND, "Nothing is bound there. `pointsman github status` lists what is.")
        bindings.end(tx, binding)
        self._tell(tx, AuditEvent.UNBOUND, binding, f"{binding.name} on {binding.machine_id}")

    def _tell(self, tx: Transaction, event: AuditEvent, binding: Binding, detail: str) -> None:
        subject = f"{binding.transport}:{binding.space}"
        audit.record(tx, self._clock.now(), event, tx.caller, subject=subject, detail=detail)


def get(tx: Transaction, transport: str, space: str) -> Binding:
    """What is bound there. Raises Refusal."""
    if (found := bindings.find(tx, transport, space)) is None:
        raise Refusal(Reason.NOT_BOUND, _NOT_BOUND)
    return found
