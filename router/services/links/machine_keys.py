"""The keys of machines: replaced without a moment in which a machine has none, and watched once they are over."""

from dataclasses import dataclass

from msgspec.structs import replace

from router.clock import Clock
from router.domain import machine_key
from router.domain.audit import AuditEvent
from router.domain.errors import Reason, Refusal
from router.domain.machine import Machine
from router.domain.machine_key import Replacement, fingerprint
from router.domain.wording import alerts
from router.link.hub import Hub
from router.services.delivery.engine import DeliveryEngine
from router.services.outbox.notifications import Notifications
from router.store import audit, machines
from router.store.database import Transaction

_ASKED = "another key is wanted of this machine: come again for it"


@dataclass(frozen=True, slots=True)
class MachineKeys:
    """Each call is one step inside one transaction."""

    _hub: Hub
    _delivery: DeliveryEngine
    _notifications: Notifications
    _clock: Clock
    _router_id: str

    def replace(self, tx: Transaction, machine_id: str, offered: Replacement) -> None:
        """Let another key take the place of a machine's, whose links end; said again, it changes nothing."""
        machine = machines.find(tx, machine_id)
        if machine is None or machine.revoked:
            raise Refusal(Reason.MACHINE_REVOKED, "This machine was revoked. Enrol it again.")
        if machine.public_key == offered.public_key:
            return  # the answer was lost
        changed = machine_key.replaced(machine, offered, self._router_id, self._clock.now())
        machines.write(tx, changed)
        keys = f"{fingerprint(machine.public_key)}, now {fingerprint(changed.public_key)}"
        audit.record(tx, self._clock.now(), AuditEvent.MACHINE_KEY_REPLACED, tx.caller, subject=machine_id, detail=keys)
        # Whoever stole the old key has nothing any more, not even a link that is open.
        if link := self._hub.get(machine_id):
            self._delivery.lost(tx, link, on_purpose=True)
            tx.after_commit(lambda: link.close(Reason.KEY_REPLACED, machine_key.OVER))

    def want(self, tx: Transaction, machine_id: str) -> Machine:
        """Ask a machine for another key, now or when it next comes. Raises Refusal."""
        machine = machines.find(tx, machine_id)
        if machine is None:
            raise Refusal(Reason.NOT_FOUND, f"There is no machine {machine_id}. `pointsman machines` lists them.")
        if machine.revoked:
            raise Refusal(Reason.MACHINE_REVOKED, f"{machine_id} was revoked: enrolled again, it gets a new key.")
        if machine.key_wanted:
            return machine
        wanted = replace(machine, key_wanted=True)
        machines.write(tx, wanted)
        audit.record(tx, self._clock.now(), AuditEvent.MACHINE_KEY_WANTED, tx.caller, subject=machine_id)
        # It is asked in its next welcome.
        if link := self._hub.get(machine_id):
            tx.after_commit(lambda: link.close(Reason.DRAINING, _ASKED))
        return wanted

    def old_one_shown(self, tx: Transaction, machine_id: str) -> None:
        """Tell people that somebody shows a key that is over: once, until the machine itself has come again."""
        machine = machines.find(tx, machine_id)
        if machine is not None and machine.gate != Reason.KEY_REPLACED.name:
            machines.write(tx, replace(machine, gate=Reason.KEY_REPLACED.name))
            self._notifications.to_operators(tx, alerts.OLD_KEY_SHOWN.format(machine=machine_id))
