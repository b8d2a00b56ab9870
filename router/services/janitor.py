"""Looks after workspaces: removes what is proven done, archives the rest, and keeps whatever is not known.

Each decision is in the trace before it is carried out, and its machine judges once more, under the workspace's lock.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from router.clock import Clock
from router.domain.command import Origin
from router.domain.errors import Refusal
from router.domain.janitor import Decision, Deed, Facts, decide, is_spare
from router.domain.scope import EVERYTHING, Scope
from router.domain.session import SessionState
from router.domain.workspace import KnownWorkspace, WorkspaceState
from router.services.workspaces import Workspaces, reaches
from router.store import commands, deferred, permissions, sessions, workspace_moves, workspaces
from router.store.database import Transaction

EVERY = 6 * 3600.0  # seconds between looks
FRESH = 3600.0  # seconds for which a word counts that something is over
MOST = 50  # workspaces that are closed at one look: each is work for a machine's disk
MOST_SPARE = 20  # named to a machine at once
_ORIGIN = Origin("janitor")


@dataclass(frozen=True, slots=True)
class Words:
    """The port by which those who know say whether what a workspace is for is over: a platform's transport, people.

    Kept in memory alone: after a restart nothing is known, and nothing goes until it is said again.
    """

    _clock: Clock
    _said: dict[str, tuple[bool, float]] = field(default_factory=dict)

    def say(self, tx: Transaction, key: str, *, over: bool) -> None:
        """Somebody who knows says it now."""
        tx.put(self._said, key, (over, self._clock.monotonic()))

    def fresh(self, key: str) -> bool | None:
        """What was said within the hour; None for nothing. Without a platform in its key people say it once."""
        over, at = self._said.get(key, (None, 0.0))
        if over is not None and self._clock.monotonic() - at < FRESH:
            return over
        return None if ":" in key else True


@dataclass(frozen=True, slots=True)
class Janitor:
    """Each call is one step inside one transaction."""

    workspaces: Workspaces
    _words: Words
    _connected: Callable[[str], bool]
    _clock: Clock

    def say(self, tx: Transaction, key: str, actor: str, *, over: bool, is_person: bool = True) -> KnownWorkspace:
        """What it is for is over, or is not after all. Raises Refusal where there is none.

        What a person wants kept stays, whatever a platform says.
        """
        known = workspaces.get(tx, key)
        self._words.say(tx, key, over=over)
        if not over:
            change = self.workspaces.kept if is_person else self.workspaces.reopened
            change(tx, key, actor)
        elif is_person or not known.kept_by:
            self.workspaces.closed(tx, key, actor)
            # The word is fresh now: in six hours it is not.
            self._decide(tx, [workspaces.get(tx, key)])
        return workspaces.get(tx, key)

    def spare(self, tx: Transaction, machine_id: str) -> tuple[str, ...]:
        """Those of a machine that may go where it has no room for another one, the oldest first."""
        all_known = workspaces.page(tx)
        there = [each for each in all_known if each.machine_id == machine_id and each.state is WorkspaceState.CLOSING]
        found = [each for each in there if is_spare(each, self._facts(tx, each, all_known))]
        return tuple(each.key for each in sorted(found, key=lambda each: each.closing_at or 0.0)[:MOST_SPARE])

    def look(self, tx: Transaction) -> None:
        """Decide about all, and do it."""
        self.sweep(tx, EVERYTHING)

    def sweep(self, tx: Transaction, scope: Scope, *, dry_run: bool = False) -> list[Decision]:
        """What becomes of each that is not gone; done, unless it is a dry run."""
        known = [
            each for each in workspaces.page(tx) if each.state is not WorkspaceState.GONE and reaches(tx, scope, each)
        ]
        if not (dry_run or scope.is_limited):  # what moved away is nobody's to reach where it was
            self.workspaces.moves.look(tx, self._connected)
        return self._decide(tx, known, dry_run=dry_run)

    def _decide(self, tx: Transaction, known: list[KnownWorkspace], *, dry_run: bool = False) -> list[Decision]:
        all_known, left = workspaces.page(tx), MOST
        decisions = [decide(each, self._facts(tx, each, all_known), self._clock.now()) for each in known]
        for each, decision in zip(known, decisions, strict=True):
            is_work = decision.deed is not Deed.KEEP
            if not dry_run and (left or not is_work):
                left -= is_work
                self._do(tx, each, decision)
        return decisions

    def _do(self, tx: Transaction, known: KnownWorkspace, decision: Decision) -> None:
        now, what = self._clock.now(), f"{decision.deed.name.lower()}: {decision.why}"
        command_id = known.command_id
        if decision.deed is not Deed.KEEP:
            try:
                archive = decision.deed is Deed.ARCHIVE
                command_id = self.workspaces.close(tx, known, _ORIGIN, archive=archive).command_id
            except Refusal as refusal:
                what = f"keep: {refusal.text}"
        workspaces.decided(tx, known, what, command_id, now)

    def _facts(self, tx: Transaction, known: KnownWorkspace, all_known: list[KnownWorkspace]) -> Facts:
        session = sessions.find(tx, known.session_id) if known.session_id else None
        closing = commands.find(tx, known.command_id) if known.command_id else None
        return Facts(
            is_over=self._words.fresh(known.key),
            has_session=session is not None and session.state is not SessionState.ENDED,
            is_asked=bool(session and permissions.open_of_session(tx, session.session_id)),
            is_deferred=bool(session and deferred.of_session(tx, session.session_id)),
            is_shared=any(_shares(known, each) for each in all_known),
            is_away=not self._connected(known.machine_id),
            is_orphan=workspaces.is_orphan(tx, known),
            moving_to=move.target if (move := workspace_moves.on_its_way(tx, known.key)) else "",
            is_being_closed=closing is not None and closing.state.live,
        )


def _shares(known: KnownWorkspace, other: KnownWorkspace) -> bool:
    """Whether another one is for the same branch, and is not over."""
    over = (WorkspaceState.CLOSING, WorkspaceState.ARCHIVED, WorkspaceState.GONE, WorkspaceState.FAILED)
    is_same = (known.repository, known.ref) == (other.repository, other.ref) and bool(known.ref)
    return is_same and known.key != other.key and other.state not in over
