"""Workspaces: asked for by starts, told of by their machines, closed by people and the janitor."""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from router.clock import Clock
from router.domain import workspace as rules
from router.domain.action import CloseWorkspace
from router.domain.command import Command, Origin
from router.domain.errors import Reason, Refusal
from router.domain.frames import WorkspaceReport
from router.domain.scope import Scope
from router.domain.session import Session, SessionState
from router.domain.workspace import Closed, Kept, KnownWorkspace, Reopened, Told, Wanted, Workspace, WorkspaceState
from router.services.delivery.drafts import Draft
from router.services.delivery.engine import DeliveryEngine
from router.services.workspace_moves import WorkspaceMoves, check_still
from router.store import commands, sessions, workspaces
from router.store.database import Transaction
from router.store.statements import Connection

CLOSE_WITHIN = 3600.0  # seconds; one that its machine did not get by then is decided about anew
_ELSEWHERE = "Workspace {key} is on machine {machine}. Archive it there first: pointsman workspaces archive {key}"
_IN_USE = "{name} is in workspace {key}: write to that session, or end it."
_CLOSING = "Workspace {key} is being closed just now. Start again in a minute: it is put back then."


@dataclass(frozen=True, slots=True)
class Workspaces:
    """Each call is one step inside one transaction."""

    _delivery: DeliveryEngine
    moves: WorkspaceMoves
    _clock: Clock
    _new_id: Callable[[], str]

    def asked(self, tx: Transaction, wanted: Workspace, machine_id: str, scope: Scope) -> Workspace:
        """What the machine of a start is sent. Raises Refusal where no session may begin in it now; writes nothing."""
        wanted = rules.checked(wanted)
        known = workspaces.find(tx, wanted.key)
        if known is None or known.is_over:
            return wanted
        check(tx, known, scope)
        check_still(tx, known)
        if known.machine_id != machine_id and known.state is not WorkspaceState.ARCHIVED:
            raise Refusal(Reason.ILLEGAL_STATE, _ELSEWHERE.format(key=known.key, machine=known.machine_id))
        if (within := _living(tx, known)) is not None:
            raise Refusal(Reason.ILLEGAL_STATE, _IN_USE.format(name=within.name, key=known.key))
        if _is_closed_now(tx, known):
            raise Refusal(Reason.ILLEGAL_STATE, _CLOSING.format(key=known.key), retry_after=60.0)
        return replace(
            wanted, foreign=wanted.foreign or known.is_foreign, base_ref=wanted.base_ref or known.base_ref,
            restore=known.state is WorkspaceState.ARCHIVED,
        )  # fmt: skip

    def taken(self, tx: Transaction, workspace: Workspace, session: Session, actor: str) -> None:
        """A start was accepted for it."""
        wanted, now = Wanted(session.session_id, session.machine_id, workspace), self._clock.now()
        if (known := workspaces.find(tx, workspace.key)) is None:
            workspaces.insert(tx, rules.asked(wanted, now), actor)
        else:
            workspaces.change(tx, known, wanted, now, actor)

    def told(self, tx: Transaction, machine_id: str, report: WorkspaceReport) -> None:
        """Its machine says how it stands. Raises Refusal, having written nothing."""
        known, now = workspaces.find(tx, report.key), self._clock.now()
        if known is None:
            known = self._unknown(tx, machine_id, report.key, now)
        self.moves.packed(tx, machine_id, report)
        if known.machine_id != machine_id:
            if self.moves.spoke(tx, known, machine_id, report):
                return
            _check_coming(tx, known, machine_id)
            if report.state not in rules.PUT_BACK:
                return  # its archive is where it was, whatever becomes of this try
        workspaces.change(tx, known, Told(report.state, report.figures, machine_id), now, machine_id)

    def closed(self, tx: Transaction, key: str, actor: str) -> None:
        """What it is for is over: its days of grace begin. Said again, or of one that is over, it changes nothing."""
        self._change(tx, key, Closed(), actor)

    def reopened(self, tx: Transaction, key: str, actor: str) -> None:
        """It is not over after all."""
        self._change(tx, key, Reopened(), actor)

    def kept(self, tx: Transaction, key: str, actor: str) -> None:
        """Somebody wants it kept, whatever its platform says of what it is for."""
        self._change(tx, key, Kept(actor), actor)

    def close(
        self, tx: Transaction, known: KnownWorkspace, origin: Origin, *, archive: bool, note: str = ""
    ) -> Command:
        """Have its machine remove or archive it. Raises Refusal, having written nothing."""
        check_still(tx, known)
        if (within := _living(tx, known)) is not None:
            raise Refusal(Reason.ILLEGAL_STATE, _IN_USE.format(name=within.name, key=known.key))
        session = self.moves.session_on(tx, known, known.machine_id, known.session_id)
        draft = Draft(session.session_id, CloseWorkspace(known.key, archive), origin, CLOSE_WITHIN, note=note)
        return self._delivery.accept(tx, draft)

    def move(self, tx: Transaction, known: KnownWorkspace, machine_id: str, origin: Origin, scope: Scope) -> None:
        """Bring it to another machine. Raises Refusal, having written nothing."""
        if (within := _living(tx, known)) is not None:
            raise Refusal(Reason.ILLEGAL_STATE, _IN_USE.format(name=within.name, key=known.key))
        if _is_closed_now(tx, known):
            raise Refusal(Reason.ILLEGAL_STATE, _CLOSING.format(key=known.key), retry_after=60.0)
        self.moves.begin(tx, known, machine_id, origin, scope)

    def _change(self, tx: Transaction, key: str, event: Closed | Reopened | Kept, actor: str) -> None:
        known = workspaces.find(tx, key)
        if known is not None and known.state in rules.SOURCES[type(event)]:
            workspaces.change(tx, known, event, self._clock.now(), actor)

    def _unknown(self, tx: Transaction, machine_id: str, key: str, now: float) -> KnownWorkspace:
        """One that its machine has and we do not, put back from a backup: nothing is known of what it is for."""
        if not rules.is_key(key):
            raise Refusal(Reason.INVALID_ARGUMENT, "The workspace has a key that is none.")
        if workspaces.of_machine(tx, machine_id) >= rules.MOST_OF_MACHINE:
            text = f"{rules.MOST_OF_MACHINE} workspaces of machine {machine_id} are known here already."
            raise Refusal(Reason.WORKSPACE_FULL, text)
        new = rules.asked(Wanted("", machine_id, Workspace(key, "")), now)
        workspaces.insert(tx, new, machine_id)
        return new


def check(on: Connection, known: KnownWorkspace, scope: Scope) -> None:
    """Raise Refusal, as of one that is not there, where somebody's scope does not reach it."""
    if not reaches(on, scope, known):
        raise Refusal(Reason.NOT_FOUND, f"There is no workspace {known.key}. `pointsman workspaces` lists them.")


def reaches(on: Connection, scope: Scope, known: KnownWorkspace) -> bool:
    """Whether it is within somebody's scope, as the session in it is, or was before it was forgotten."""
    if not scope.is_limited:
        return True
    session = sessions.find(on, known.session_id) if known.session_id else None
    if session is not None and session.machine_id == known.machine_id:
        return scope.has(session)
    return scope.has_named(known.machine_id, rules.label(known.key, known.repository), known.session_id)


def _check_coming(on: Connection, known: KnownWorkspace, machine_id: str) -> None:
    """Raise Refusal where another machine speaks of it, unless a session there was to put its archive back."""
    session = sessions.find(on, known.session_id) if known.session_id else None
    if known.state is not WorkspaceState.ARCHIVED or session is None or session.machine_id != machine_id:
        text = f"Workspace {known.key} is on machine {known.machine_id}, as far as is known here."
        raise Refusal(Reason.SESSION_OWNED_ELSEWHERE, text)


def _living(on: Connection, known: KnownWorkspace) -> Session | None:
    session = sessions.find(on, known.session_id) if known.session_id else None
    return session if session is not None and session.state is not SessionState.ENDED else None


def _is_closed_now(on: Connection, known: KnownWorkspace) -> bool:
    command = commands.find(on, known.command_id) if known.command_id else None  # type: ignore[arg-type]
    return command is not None and command.state.live
