"""A workspace's life, and what may be done to one. Pure: nothing here knows a database or a link.

    asked ─▶ preparing ─▶ ready ⇄ in use (⇄ waiting) ─▶ closing ─▶ archived ─▶ gone
               │            ▲                            │   └─▶ gone
               └─▶ failed   └──────── Reopened ──────────┘

What is on the disk its machine alone knows: `told` is its last word, and holds wherever a person or GitHub has not said
that the workspace is to close. Waiting is no state of its own on disk: a session in it waits.
"""

import re
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from router.domain.errors import IllegalTransition, Reason, Refusal

MAX_REPOSITORY, MAX_REF, MAX_DETAIL, MAX_PATH = 1024, 255, 1000, 4096
MOST_OF_MACHINE = 1000  # that a machine may tell of by itself
_KEY = re.compile(r"[A-Za-z0-9._:@/#-]{1,128}")
_NUMBERED = re.compile(r"[a-z]+:[0-9]+(#[0-9]+)")
_REF = re.compile(r"refs/(?:heads|tags|pull|merge-requests|remotes)/[A-Za-z0-9][A-Za-z0-9._/@+#-]*")
# As git reads them, but for what could run something (ext::) and what holds a password.
_REPOSITORY = re.compile(
    r"https://[A-Za-z0-9.-]+(?::\d{1,5})?/[^\s?#@]+"
    r"|ssh://(?:[A-Za-z0-9._-]+@)?[A-Za-z0-9][A-Za-z0-9.-]*(?::\d{1,5})?/\S+"
    r"|[A-Za-z0-9._-]+@[A-Za-z0-9][A-Za-z0-9.-]*:[^\s:-]\S*|/\S+"
)


class Workspace(Struct, frozen=True):
    """What a start asks for."""

    key: str
    repository: str
    ref: str = ""
    base_ref: str = ""
    foreign: bool = False
    restore: bool = False  # its machine has to have its archive
    spare: tuple[str, ...] = ()  # others of its machine that go first where there is no room, by their keys


class WorkspaceState(Enum):
    """Where it stands; names as in agentlink.v1."""

    ASKED = "asked"
    PREPARING = "preparing"
    READY = "ready"
    IN_USE = "in_use"
    WAITING = "waiting"
    CLOSING = "closing"
    ARCHIVED = "archived"
    GONE = "gone"
    FAILED = "failed"


_S = WorkspaceState
MOVABLE = frozenset({_S.READY, _S.IN_USE, _S.CLOSING, _S.ARCHIVED})  # there is something that a machine could pack
PUT_BACK = frozenset({_S.READY, _S.IN_USE})  # what a machine says of one that is open there
SAID_BY_MACHINES = frozenset({_S.PREPARING, _S.READY, _S.IN_USE, _S.ARCHIVED, _S.GONE, _S.FAILED})


class Figures(Struct, frozen=True):
    """What a machine found when it last looked."""

    path: str = ""
    head: str = ""
    is_dirty: bool = True
    unpushed: int = 0
    bytes: int = 0
    detail: str = ""


class KnownWorkspace(Struct, frozen=True):
    """One workspace as it is on disk. Times are seconds since the epoch by the router's steady clock."""

    key: str
    machine_id: str
    session_id: str  # that is in it, or was last
    repository: str
    ref: str
    base_ref: str
    is_foreign: bool
    created_at: float
    changed_at: float
    state: WorkspaceState = WorkspaceState.ASKED
    told: WorkspaceState = WorkspaceState.ASKED  # its machine's last word
    figures: Figures = Figures()
    looked_at: float | None = None  # when that word came
    closing_at: float | None = None  # since when it is to close
    archived_at: float | None = None
    command_id: str = ""  # that closes it, and may be on its way
    decided: str = ""  # what the janitor said last, and why
    kept_by: str = ""  # who wants it kept, whatever its platform says

    @property
    def is_over(self) -> bool:
        """Whether a start makes it anew."""
        return self.state in (WorkspaceState.GONE, WorkspaceState.FAILED)

    def seen(self, *, waits: bool) -> WorkspaceState:
        """As people are shown it, where the session in it waits for one of them or does not."""
        return WorkspaceState.WAITING if waits and self.state is WorkspaceState.IN_USE else self.state


class Shown(Struct, frozen=True):
    """One as people see it."""

    known: KnownWorkspace
    waits: bool  # the session in it waits for one of them
    is_orphan: bool  # its machine was revoked
    moving_to: str = ""  # the machine to which it is on its way
    move_detail: str = ""  # why it stayed where it was, the last time

    @property
    def state(self) -> WorkspaceState:
        """Where it stands for them."""
        return self.known.seen(waits=self.waits)


class Wanted(Struct, frozen=True):
    """A session is to work in it."""

    session_id: str
    machine_id: str
    workspace: Workspace


class Told(Struct, frozen=True):
    """Its machine says how it stands."""

    state: WorkspaceState
    figures: Figures
    machine_id: str = ""  # it may have moved there


class Moved(Struct, frozen=True):
    """Another machine has it, by the session that is to be spoken to of it."""

    machine_id: str
    session_id: str
    figures: Figures


class NotBegun(Struct, frozen=True):
    """The session that it was asked for has not begun."""

    why: str = ""


class Closed(Struct, frozen=True):
    """What it is for is over: its days of grace begin."""


class Reopened(Struct, frozen=True):
    """It is not over after all."""


class Kept(Struct, frozen=True):
    """Somebody wants it kept, whatever its platform says: until a person says that it is over."""

    by: str


Event = Wanted | Told | Moved | NotBegun | Closed | Reopened | Kept

# event -> the states it is legal in
SOURCES: dict[type[Event], frozenset[WorkspaceState]] = {
    Wanted: frozenset({_S.READY, _S.CLOSING, _S.ARCHIVED, _S.GONE, _S.FAILED, _S.ASKED, _S.IN_USE, _S.PREPARING}),
    Told: frozenset(set(_S) - {_S.WAITING}),
    Moved: frozenset(set(_S) - {_S.WAITING}),  # whatever its old machine has said meanwhile
    NotBegun: frozenset({_S.ASKED}),
    Closed: frozenset({_S.ASKED, _S.PREPARING, _S.READY, _S.IN_USE, _S.FAILED}),
    Reopened: frozenset({_S.CLOSING}),
    Kept: frozenset({_S.ASKED, _S.PREPARING, _S.READY, _S.IN_USE, _S.CLOSING}),
}


def apply(known: KnownWorkspace, event: Event, now: float) -> KnownWorkspace:
    """The workspace after an event. Raises IllegalTransition, and changes nothing, where the table has no such row."""
    if known.state not in SOURCES[type(event)]:
        raise IllegalTransition(f"{type(event).__name__} in state {known.state.name} of {known.key}")
    match event:
        case Wanted():
            return _wanted(known, event, now)
        case Told():
            return _told(known, event, now)
        case Moved():
            return _moved(known, event, now)
        case NotBegun(why):
            figures = replace(known.figures, detail=why)
            return replace(known, state=_S.FAILED, told=_S.FAILED, figures=figures, changed_at=now)
        case Closed():
            return replace(known, state=_S.CLOSING, closing_at=now, changed_at=now, kept_by="")
        case Reopened():
            return replace(known, state=known.told, closing_at=None, changed_at=now, decided="")
        case Kept(by):
            state = known.told if known.state is _S.CLOSING else known.state
            return replace(known, state=state, closing_at=None, changed_at=now, decided="", kept_by=by)


def _wanted(known: KnownWorkspace, event: Wanted, now: float) -> KnownWorkspace:
    wanted = event.workspace
    # What a stranger has had in it stays a stranger's, whatever is said of it later.
    is_foreign = wanted.foreign or (known.is_foreign and not known.is_over)
    state = _S.ASKED if known.is_over else known.told if known.state is _S.CLOSING else known.state
    # An archive is where it is until another machine says that it has put it back.
    machine_id = known.machine_id if state is _S.ARCHIVED else event.machine_id
    return replace(
        known, session_id=event.session_id, machine_id=machine_id, repository=wanted.repository, ref=wanted.ref,
        base_ref=wanted.base_ref, is_foreign=is_foreign, state=state, told=_S.ASKED if known.is_over else known.told,
        closing_at=None, changed_at=now, decided="", kept_by="" if known.is_over else known.kept_by,
    )  # fmt: skip


def _told(known: KnownWorkspace, event: Told, now: float) -> KnownWorkspace:
    state = event.state
    # That it is to close holds until there is nothing left to close.
    stays = known.state is _S.CLOSING and state not in (_S.ARCHIVED, _S.GONE)
    archived_at = (known.archived_at or now) if state is _S.ARCHIVED else None
    return replace(
        known, state=_S.CLOSING if stays else state, told=state, figures=event.figures, looked_at=now,
        changed_at=now, archived_at=archived_at, machine_id=event.machine_id or known.machine_id,
    )  # fmt: skip


def _moved(known: KnownWorkspace, event: Moved, now: float) -> KnownWorkspace:
    # That it is to close holds wherever it is.
    state = _S.CLOSING if known.state is _S.CLOSING else _S.READY
    return replace(
        known, machine_id=event.machine_id, session_id=event.session_id, state=state, told=_S.READY,
        figures=event.figures, looked_at=now, changed_at=now, archived_at=None, command_id="", decided="",
    )  # fmt: skip


def asked(wanted: Wanted, now: float) -> KnownWorkspace:
    """A new one."""
    w = wanted.workspace
    return KnownWorkspace(
        w.key, wanted.machine_id, wanted.session_id, w.repository, w.ref, w.base_ref, w.foreign, now, now
    )


def label(key: str, repository: str) -> str:
    """What people call a session in it. Of one whose key names its repository by a number: that repository's name."""
    last = key.rpartition("/")[2] or key
    number = _NUMBERED.fullmatch(key)
    name = re.split(r"[/:]", repository.rstrip("/"))[-1].removesuffix(".git")
    return f"{name}{number[1]}" if number and name else last


def is_key(text: str) -> bool:
    """Whether a workspace may be named so."""
    return _KEY.fullmatch(text) is not None


def checked(wanted: Workspace) -> Workspace:
    """The workspace itself. Raises Refusal for what cannot be one."""
    if not is_key(wanted.key):
        raise _malformed("A workspace's key is 1 to 128 of the characters A-Z a-z 0-9 . _ : @ / # -.")
    if len(wanted.repository) > MAX_REPOSITORY or not _REPOSITORY.fullmatch(wanted.repository):
        raise _malformed("A repository is an https or ssh address without a password, or an absolute path.")
    for ref in filter(None, (wanted.ref, wanted.base_ref)):
        if len(ref) > MAX_REF or not _REF.fullmatch(ref) or ".." in ref or ref.endswith((".", "/", ".lock")):
            raise _malformed(f"{ref[:80]!r} is no full name of a branch, tag or pull request, such as refs/heads/main.")
    if wanted.foreign and not wanted.base_ref:
        raise _malformed("For a stranger's branch base_ref names the branch whose settings are put in its place.")
    return replace(wanted, restore=False, spare=())


def _malformed(text: str) -> Refusal:
    return Refusal(Reason.INVALID_ARGUMENT, text)
