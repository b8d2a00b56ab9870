"""Workspaces on their way to another machine: each step is a command, and the next one is accepted with its end.

So it goes on after any crash, here or there, by what is on disk; and it fails back to where the workspace is.
"""

from collections.abc import Callable
from dataclasses import dataclass

from router.clock import Clock
from router.domain import workspace as rules
from router.domain.action import CloseWorkspace, PackWorkspace, TakeWorkspace
from router.domain.command import Command, CommandState, Origin
from router.domain.errors import Reason, Refusal
from router.domain.frames import WorkspaceReport
from router.domain.janitor import ARCHIVED_FOR
from router.domain.scope import Scope
from router.domain.session import Session, SessionState
from router.domain.wording.reasons import reason_text
from router.domain.workspace import KnownWorkspace, Moved, Workspace
from router.domain.workspace_move import MoveState, WorkspaceMove
from router.services import scopes
from router.services.delivery.drafts import Draft
from router.services.delivery.engine import DeliveryEngine
from router.services.files import key_of
from router.store import commands, files, machines, sessions, workspace_moves, workspaces
from router.store.database import Transaction

STEP_WITHIN = 3600.0  # seconds; a machine that did not get its part by then is away, and it stays where it is
_SOURCE = "move"  # of the commands
_THERE = "Workspace {key} is on machine {machine} already."
_NO_MACHINE = "There is no machine {machine}. `pointsman machines` lists them."
_NOT_ABLE = (
    "{machine} moves no workspaces: its agent is too old, or it makes none (POINTSMAN_REPOSITORIES). Move it by hand:"
    " docs/workspaces.md says how."
)
_NOTHING_THERE = "There is nothing to move: workspace {key} is {state}."
_MOVING = "Workspace {key} is on its way to {machine}. `pointsman workspaces` says when it is there."
_NO_ARCHIVE = "its machine said that it is packed, but not all of it came here"


@dataclass(frozen=True, slots=True)
class WorkspaceMoves:
    """Each call is one step inside one transaction."""

    _delivery: DeliveryEngine
    _clock: Clock
    _new_id: Callable[[], str]

    def __post_init__(self) -> None:
        self._delivery.on_workspace = self.ended

    def begin(self, tx: Transaction, known: KnownWorkspace, machine_id: str, origin: Origin, scope: Scope) -> None:
        """Have its machine pack it. Raises Refusal, having written nothing."""
        self._check(tx, known, machine_id, scope)
        session, now = self.session_on(tx, known, known.machine_id, known.session_id), self._clock.now()
        command = self._delivery.accept(tx, Draft(session.session_id, PackWorkspace(known.key), origin, STEP_WITHIN))
        who = origin.actor or origin.source
        move = WorkspaceMove(
            self._new_id(), known.key, known.machine_id, machine_id, session.session_id, who, command.command_id,
            now, now,
        )  # fmt: skip
        workspace_moves.put(tx, move, who)

    def packed(self, tx: Transaction, machine_id: str, report: WorkspaceReport) -> None:
        """A machine says which archive it has put here."""
        move = workspace_moves.on_its_way(tx, report.key) if report.digest else None
        if move is not None and move.state is MoveState.PACKING and move.source == machine_id:
            workspace_moves.stepped(tx, move, move.state, self._clock.now(), digest=report.digest, size=report.size)

    def spoke(self, tx: Transaction, known: KnownWorkspace, machine_id: str, report: WorkspaceReport) -> bool:
        """A machine speaks of one that is on another: whether that is known to be a part of a move."""
        move = workspace_moves.on_its_way(tx, known.key)
        if move is not None and move.state is MoveState.TAKING and move.target == machine_id:
            if report.state in rules.PUT_BACK and report.digest == move.digest:
                self._arrived(tx, known, move, report)
            return True
        return any(each.key == known.key and each.source == machine_id for each in workspace_moves.unsettled(tx))

    def ended(self, tx: Transaction, command: Command) -> None:
        """A command about a workspace is over."""
        if (move := workspace_moves.of_command(tx, command.command_id)) is None:
            return
        is_done = command.state is CommandState.DONE
        match move.state:
            case MoveState.PACKING if is_done:
                self._take(tx, move, command)
            case MoveState.PACKING | MoveState.TAKING:
                self._failed(tx, move, command.detail or reason_text(command.reason))
            case MoveState.CLEARING if is_done:
                now = self._clock.now()
                workspace_moves.stepped(tx, move, MoveState.LEFT, now, left_at=now)
            case MoveState.LEFT if is_done:
                workspace_moves.stepped(tx, move, MoveState.DONE, self._clock.now())

    def look(self, tx: Transaction, connected: Callable[[str], bool]) -> None:
        """Have old machines archive what they still have, and remove archives that are 30 days old."""
        now = self._clock.now()
        for move in workspace_moves.unsettled(tx):
            is_due = move.state is MoveState.CLEARING or now - (move.left_at or now) >= ARCHIVED_FOR
            before = commands.find(tx, move.command_id)
            if is_due and connected(move.source) and not (before and before.state.live):
                self._clear(tx, move)

    def session_on(self, tx: Transaction, known: KnownWorkspace, machine_id: str, session_id: str) -> Session:
        """By whose numbers a machine's commands are counted: the session that was in it last, or what is left of it."""
        found = sessions.find(tx, session_id) if session_id else None
        if found is not None and found.machine_id == machine_id:
            return found
        left = session_id if found is None else ""
        now, name = self._clock.now(), rules.label(known.key, known.repository)
        made = left or f"session_{self._new_id()}"
        session = Session(made, machine_id, name, "", "", SessionState.ENDED, 1, now, now)
        sessions.write(tx, session)
        return session

    def _check(self, tx: Transaction, known: KnownWorkspace, machine_id: str, scope: Scope) -> None:
        check_still(tx, known)
        here = scopes.machines_in(tx, scope, machines.page(tx))
        there = {each.machine_id: each for each in here if not each.revoked}
        if machine_id not in there:
            raise Refusal(Reason.NOT_FOUND, _NO_MACHINE.format(machine=machine_id[:128]))
        if known.machine_id == machine_id:
            raise Refusal(Reason.ILLEGAL_STATE, _THERE.format(key=known.key, machine=machine_id))
        for each in (known.machine_id, machine_id):
            machine = there.get(each) or machines.find(tx, each)
            if machine is None or machine.revoked or not machine.moves_workspaces:
                raise Refusal(Reason.UNSUPPORTED, _NOT_ABLE.format(machine=each))
        if known.state not in rules.MOVABLE or not known.repository:
            text = _NOTHING_THERE.format(key=known.key, state=known.state.value)
            raise Refusal(Reason.ILLEGAL_STATE, text)

    def _take(self, tx: Transaction, move: WorkspaceMove, packing: Command) -> None:
        """It is packed: the other machine gets it, if all of it is here."""
        known, parts = workspaces.find(tx, move.key), key_of(move.source, move.digest)
        if known is None or not move.digest or files.size(tx, parts) != move.size:
            return self._failed(tx, move, _NO_ARCHIVE)
        files.name(tx, parts)
        session = self.session_on(tx, known, move.target, "")
        place = Workspace(known.key, known.repository, known.ref, known.base_ref, known.is_foreign)
        action = TakeWorkspace(place, move.digest, move.size, parts)
        try:
            command = self._delivery.accept(tx, Draft(session.session_id, action, packing.origin, STEP_WITHIN))
        except Refusal as refusal:
            return self._failed(tx, move, refusal.text)
        workspace_moves.stepped(tx, move, MoveState.TAKING, self._clock.now(), command_id=command.command_id)
        return None

    def _arrived(self, tx: Transaction, known: KnownWorkspace, move: WorkspaceMove, report: WorkspaceReport) -> None:
        """It is there: from here on it is nowhere else."""
        now, taking = self._clock.now(), commands.get(tx, move.command_id)
        event = Moved(move.target, taking.session_id, report.figures)
        workspaces.change(tx, known, event, now, move.target)
        files.remove(tx, key_of(move.source, move.digest))
        # What was left on that machine once is the workspace itself again.
        for each in workspace_moves.unsettled(tx):
            if each.key == move.key and each.source == move.target:
                workspace_moves.stepped(tx, each, MoveState.DONE, now)
        self._clear(tx, workspace_moves.stepped(tx, move, MoveState.CLEARING, now))

    def _clear(self, tx: Transaction, move: WorkspaceMove) -> None:
        """The old machine archives what it has, or removes an archive that is old."""
        if (known := workspaces.find(tx, move.key)) is None:
            return
        session = self.session_on(tx, known, move.source, move.session_id)
        action = CloseWorkspace(move.key, archive=move.state is MoveState.CLEARING)
        try:
            command = self._delivery.accept(tx, Draft(session.session_id, action, Origin(_SOURCE), STEP_WITHIN))
        except Refusal:
            return  # its queue is full: at the next look
        workspace_moves.stepped(
            tx, move, move.state, self._clock.now(), command_id=command.command_id, session_id=session.session_id
        )

    def _failed(self, tx: Transaction, move: WorkspaceMove, why: str) -> None:
        workspace_moves.stepped(tx, move, MoveState.FAILED, self._clock.now(), detail=why[: rules.MAX_DETAIL])
        if move.digest:
            files.remove(tx, key_of(move.source, move.digest))


def check_still(tx: Transaction, known: KnownWorkspace) -> None:
    """Raise Refusal for one that is on its way."""
    if (move := workspace_moves.on_its_way(tx, known.key)) is not None:
        text = _MOVING.format(key=known.key, machine=move.target)
        raise Refusal(Reason.ILLEGAL_STATE, text, retry_after=60.0)
