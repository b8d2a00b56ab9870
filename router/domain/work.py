"""What a session does in a turn, folded from its events: pure. An event says what is new, the fold what it adds up to.

A turn begins when the session is at work, or uses a tool, and ends when it is at rest, or says that it has ended.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from router.domain.session import SessionState

MOST_PLANNED = 12  # entries that are shown
MOST_STEPS = 60  # that wait to be told one by one; of more the oldest are only counted
STALE = 600.0  # seconds: what happened longer ago is history, and begins nothing


class Shows(Enum):
    """What a chat shows of a turn."""

    QUIET = "quiet"
    PROGRESS = "progress"
    EVERYTHING = "everything"


class ToolKind(Enum):
    """What a tool does, roughly; the value names it for people."""

    READ = "read"
    EDIT = "edit"
    RUN = "command"
    SEARCH = "search"
    FETCH = "fetch"
    OTHER = "other"


class WorkState(Enum):
    """How far a tool, or an entry of a plan, is."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Spoke(Struct, frozen=True):
    """The coding agent said something; `by_person`: somebody said something to it."""

    text: str
    by_person: bool = False


class Used(Struct, frozen=True):
    """A tool: it began, or ended; what is empty then is as it was."""

    tool_id: str
    state: WorkState
    kind: ToolKind = ToolKind.OTHER
    name: str = ""
    title: str = ""
    output: str = ""


class Planned(Struct, frozen=True):
    """What it means to do; replaces the plan before."""

    entries: tuple[tuple[WorkState, str], ...]


class Became(Struct, frozen=True):
    """What it does now."""

    state: SessionState
    waiting_for: str = ""


class Happened(Struct, frozen=True):
    """One event. `at` in seconds since the epoch by the machine's clock, None where its program does not say."""

    seq: int
    what: Spoke | Used | Planned | Became
    at: float | None = None


class Step(Struct, frozen=True):
    """What can be told by itself: words, or a tool with how it ended."""

    seq: int
    what: Spoke | Used


class Work(Struct, frozen=True):
    """A turn as far as it is known. `begun` is the number of its first event; 0 before any."""

    begun: int = 0
    seq: int = 0  # the last event that is in it
    since: float = 0.0  # when it began, by the router's clock; 0 where that is not known any more
    ended: float | None = None
    running: tuple[Used, ...] = ()  # in the order in which they began
    counts: tuple[tuple[ToolKind, int], ...] = ()
    failed: int = 0
    plan: tuple[tuple[WorkState, str], ...] = ()
    waiting_for: str = ""
    last: Spoke | None = None  # of the agent, behind which nothing came yet: it may be the answer
    last_seq: int = 0  # its number
    steps: tuple[Step, ...] = ()
    skipped: int = 0  # steps that are not kept
    before: "Work | None" = None  # the turn before it, which may not be shown as over yet

    @property
    def is_over(self) -> bool:
        return self.ended is not None or not self.begun

    @property
    def tools(self) -> int:
        return sum(count for _, count in self.counts)


def folded(work: Work, events: Iterable[Happened], now: float) -> Work:
    """The turn after some events."""
    for event in events:
        work = _after(work, event, now)
    return work


def over(work: Work, now: float) -> Work:
    """It has ended."""
    return work if work.is_over else replace(work, ended=now, running=(), waiting_for="")


def untold(work: Work, told: int) -> Sequence[Step]:
    """The steps behind a number."""
    return [step for step in work.steps if step.seq > told]


def _after(work: Work, event: Happened, now: float) -> Work:
    is_fresh = event.at is None or now - event.at < STALE
    if work.is_over and _begins(event.what) and is_fresh:
        plan = work.plan if _is_under_way(work.plan) else ()
        work = Work(
            event.seq, since=now, plan=plan, before=replace(work, before=None, steps=()) if work.begun else None
        )
    work = replace(work, seq=max(work.seq, event.seq))
    if work.is_over and not isinstance(event.what, Planned):
        return work
    match event.what:
        case Spoke(by_person=True):
            return _with_last(work)
        case Spoke() as said:
            return replace(_with_last(work), last=said, last_seq=event.seq)
        case Used() as used:
            return _used(_with_last(work), used, event.seq)
        case Planned(entries):
            return replace(work, plan=entries)
        case Became(state, waiting_for):
            is_at_rest = state not in (SessionState.BUSY, SessionState.WAITING)
            return over(work, now) if is_at_rest else replace(work, waiting_for=waiting_for)


def _begins(what: Spoke | Used | Planned | Became) -> bool:
    match what:
        case Became(state, _):
            return state is SessionState.BUSY
        case Used():
            return what.state in (WorkState.PENDING, WorkState.RUNNING)
    return False


def _is_under_way(plan: Sequence[tuple[WorkState, str]]) -> bool:
    return any(state in (WorkState.PENDING, WorkState.RUNNING) for state, _ in plan)


def _with_last(work: Work) -> Work:
    """What was said last is no answer: something came behind it."""
    if work.last is None:
        return work
    return replace(_with_step(work, Step(work.last_seq, work.last)), last=None)


def _with_step(work: Work, step: Step) -> Work:
    # In the order of their numbers: a tool ends at the number of its end.
    steps = (*work.steps, step)
    cut = max(0, len(steps) - MOST_STEPS)
    return replace(work, steps=steps[cut:], skipped=work.skipped + cut)


def _used(work: Work, used: Used, seq: int) -> Work:
    begun = next((each for each in work.running if each.tool_id == used.tool_id), None)
    if used.state in (WorkState.PENDING, WorkState.RUNNING):
        if begun is not None:
            running = tuple(_merged(each, used) if each is begun else each for each in work.running)
            return replace(work, running=running)
        counts = Counter(dict(work.counts))
        counts[used.kind] += 1
        return replace(work, running=(*work.running, used), counts=tuple(counts.items()))
    if begun is None:  # it began before the turn did, as far as it is known
        return work
    ended = _merged(begun, used)
    work = replace(
        work, running=tuple(each for each in work.running if each is not begun),
        failed=work.failed + (used.state is WorkState.FAILED),
    )  # fmt: skip
    return _with_step(work, Step(seq, ended))


def _merged(before: Used, used: Used) -> Used:
    kind = before.kind if used.kind is ToolKind.OTHER else used.kind
    return Used(
        used.tool_id, used.state, kind, used.name or before.name, used.title or before.title,
        used.output or before.output,
    )  # fmt: skip
