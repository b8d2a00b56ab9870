"""Sessions that are started and ended from afar.

The session is there from the start's acceptance on, and the start is its first command: so what is sent to it meanwhile
waits in order, and it is started once. A start that ends badly ends its session (Delivery sees to that).
"""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from router.clock import Clock
from router.domain import gates
from router.domain.action import StopSession
from router.domain.audit import AuditEvent
from router.domain.command import Command, CommandState, Ended, Origin
from router.domain.errors import Reason, Refusal
from router.domain.machine import CLAUDE, MODEL, Machine, MachinePolicy
from router.domain.session import Session, SessionState
from router.domain.start import Wanted, checked, read
from router.domain.wording import answers
from router.services import scopes
from router.services.delivery.drafts import Draft
from router.services.delivery.engine import DeliveryEngine
from router.services.gates import Gates
from router.services.people import audience
from router.services.workspaces import Workspaces
from router.store import audit, commands, machines, sessions, workspaces
from router.store.database import Transaction
from router.store.trace import TraceStep, record

NO_WORKSPACES = (
    "{machine} has no workspaces. There POINTSMAN_REPOSITORIES must say which repositories may be cloned, and git be"
    " installed; then restart its agent."
)
BACKEND = "headless"  # of what an agent starts: there is no terminal


@dataclass(frozen=True, slots=True)
class Starts:
    """Accepts starts and stops."""

    _delivery: DeliveryEngine
    _gates: Gates
    _workspaces: Workspaces
    _clock: Clock
    _new_id: Callable[[], str]
    _spare: Callable[[Transaction, str], tuple[str, ...]] = lambda _tx, _machine_id: ()

    def read(self, tx: Transaction, argument: str) -> Wanted:
        """What a person wrote behind `/new`."""
        agents = {agent for machine in machines.page(tx) for agent in machine.agents}
        return read(argument, machines.ids(tx), agents | {CLAUDE})

    def start(
        self,
        tx: Transaction,
        wanted: Wanted,
        origin: Origin,
        *,
        ttl: float | None = None,
        note: str = "",
        redrive_of: str = "",
        is_public: bool = False,
    ) -> Command:
        """Put a session and its start on disk. Raises Refusal, having written nothing.

        `is_public`: others read where it was begun, so that its people hear of it elsewhere as of any other.
        """
        if origin.chat:
            wanted = replace(wanted, action=replace(wanted.action, platform=origin.chat.transport))
        # What the machine may refuse is checked here, too: a person hears it at once, and not when it is back.
        wanted, now = self.checked(tx, wanted), self._clock.now()
        if asked := wanted.action.workspace:
            asked = self._workspaces.asked(tx, asked, wanted.machine_id, tx.caller.scope)
            asked = replace(asked, spare=self._spare(tx, wanted.machine_id))
            wanted = replace(wanted, action=replace(wanted.action, workspace=asked))
        # Ours, not the machine's: a start that is sent twice begins one session.
        session_id = f"session_{self._new_id()}"
        session = Session(
            session_id, wanted.machine_id, wanted.label, BACKEND, wanted.action.folder, SessionState.STARTING, 1,
            now, now,
        )  # fmt: skip
        scopes.check_new(tx.caller.scope, session)
        sessions.write(tx, session)
        audience.began(tx, session_id, origin.chat, is_public=is_public)
        try:
            if wanted.action.agent == MODEL:
                self._delivery.quick.begin(tx, session_id, origin)
            command = self._delivery.accept(tx, Draft(session_id, wanted.action, origin, ttl, redrive_of, note))
        # The refusal is an answer in a chat, which is committed: the session must not be.
        except Refusal:
            self._forget(tx, session_id)
            raise
        who = origin.actor or origin.source
        if asked:
            self._workspaces.taken(tx, asked, session, who)
        record(tx, [TraceStep(now, session_id, session_id, "Requested", "", "", who, wanted.machine_id)])
        what = f"{wanted.action.agent} " if wanted.action.agent else ""
        place = f"workspace {asked.key}" if asked else wanted.action.folder or "its first folder"
        where = f"{what}on {wanted.machine_id} in {place}"
        audit.record(tx, now, AuditEvent.SESSION_STARTED, tx.caller, subject=session_id, detail=where)
        return command

    def _forget(self, tx: Transaction, session_id: str) -> None:
        sessions.remove(tx, session_id)
        audience.forgotten(tx, session_id)
        self._delivery.quick.forgotten(tx, session_id)

    def stop(self, tx: Transaction, session_id: str, origin: Origin, note: str = "") -> Command:
        """End a session; one that has not begun is taken back, which is the command given then. Raises Refusal."""
        session = sessions.get(tx, session_id)
        start = commands.start_of(tx, session.session_id) if session.state is SessionState.STARTING else None
        if start is not None and start.state.live:
            command = self._delivery.cancel(tx, start.command_id, origin.actor or origin.source)
        else:
            command = self._delivery.accept(tx, Draft(session.session_id, StopSession(), origin, note=note))
        where = f"on {session.machine_id}"
        audit.record(tx, self._clock.now(), AuditEvent.SESSION_STOPPED, tx.caller, subject=session_id, detail=where)
        return command

    def set_policy(self, tx: Transaction, machine_id: str, policy: MachinePolicy) -> Machine:
        """Say what may be started on a machine from now on. Raises Refusal."""
        if (machine := machines.find(tx, machine_id)) is None:
            raise Refusal(Reason.NOT_FOUND, f"There is no machine {machine_id[:128]}. `pointsman machines` lists them.")
        changed = replace(machine, policy=gates.checked(policy))
        machines.write(tx, changed)
        said = f"starts {changed.policy.starts}, folders {changed.policy.folders}, programs {changed.policy.programs}"
        audit.record(
            tx, self._clock.now(), AuditEvent.POLICY_SET, tx.caller, subject=machine_id,
            detail=f"{said}, hours {changed.policy.hours}",
        )  # fmt: skip
        if not changed.policy.starts:
            give_up(tx, self._delivery, machine_id, Reason.START_NOT_ALLOWED, answers.NO_LONGER_ALLOWED)
        return changed

    def checked(self, tx: Transaction, wanted: Wanted) -> Wanted:
        """What is wanted, with its machine, where that may begin it now. Raises Refusal."""
        if (asked := wanted.action.workspace) and not wanted.machine_id:
            place = workspaces.find(tx, asked.key)  # it is where it is
            wanted = replace(wanted, machine_id=place.machine_id) if place and not place.is_over else wanted
        named = machines.find(tx, wanted.machine_id)
        # One that is named and able is all that is looked at; else it is told which there are.
        is_enough = named and _begins(named, wanted) and not named.revoked and not tx.caller.scope.is_limited
        some = [named] if named and is_enough else machines.page(tx)
        known = scopes.machines_in(tx, tx.caller.scope, some)
        there = {machine.machine_id: machine for machine in known if not machine.revoked}
        may = [machine_id for machine_id, machine in there.items() if _begins(machine, wanted)]
        if asked:
            may = [each for each in may if there[each].has_workspaces]
            _check_able(there.get(wanted.machine_id))
        wanted = checked(wanted, [*there], may, {each: there[each].agents for each in may})
        program = wanted.action.agent or CLAUDE
        if shut := self._gates.before_start(there[wanted.machine_id], wanted.action.place, program):
            raise Refusal(shut.gate.reason, shut.text)
        return wanted


def _check_able(machine: Machine | None) -> None:
    """Raises Refusal for a machine that is there and has no workspaces."""
    if machine is not None and not machine.has_workspaces:
        raise Refusal(Reason.UNSUPPORTED, NO_WORKSPACES.format(machine=machine.machine_id))


def _begins(machine: Machine, wanted: Wanted) -> bool:
    """Whether it begins sessions of that kind, as far as is known."""
    return machine.may_answer if wanted.action.agent == MODEL else machine.may_start and not machine.only_answers


def give_up(
    tx: Transaction,
    delivery: DeliveryEngine,
    machine_id: str,
    reason: Reason = Reason.UNSUPPORTED,
    why: str = answers.CANNOT_START,
) -> None:
    """A machine begins no sessions: the starts that wait for it are over."""
    for command_id in commands.starts_waiting(tx, machine_id):
        delivery.end(tx, command_id, Ended(CommandState.FAILED, reason, why), "router")
