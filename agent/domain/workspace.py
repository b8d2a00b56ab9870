"""A workspace as its machine knows it: a clone of a repository, with the coding agent's own state beside it.

    PREPARING ─▶ READY ⇄ IN_USE        READY, IN_USE ─▶ CLOSING ─▶ ARCHIVED ─▶ GONE
        └──────▶ FAILED                                    └─▶ GONE

What is on the disk decides; the state says which step to go on with after a crash. Of one that is PREPARING nothing
that matters is in its folder yet, of one that is CLOSING all of it may still be, or it may have been put aside already.
"""

import hashlib
import re
from dataclasses import dataclass, replace
from enum import Enum

MONTH = 30 * 24 * 3600.0  # seconds that an archive is kept
_PLAIN = re.compile(r"[^A-Za-z0-9]+")
_KEY = re.compile(r"[A-Za-z0-9._:@/#-]{1,128}")
_NUMBERED = re.compile(r"[a-z]+:[0-9]+(#[0-9]+)")
_SECRET = re.compile(r"[a-z]+://[^/]*:[^/]*@")  # it would stand in the clone's settings
_SHORT = 40  # characters of the readable part of a folder's name

# Of a stranger's branch these are the base's: what coding agents and git hooks read, and run, by themselves.
SETTINGS = (
    ".claude", ".mcp.json", ".claude.json", ".gitmodules", ".ripgreprc", "CLAUDE.md", "CLAUDE.local.md", ".husky",
    "AGENTS.md", ".gitattributes",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Workspace:
    """What a start asks for."""

    key: str
    repository: str
    ref: str = ""
    base_ref: str = ""
    foreign: bool = False
    restore: bool = False  # it was archived: without its archive nothing may be begun
    spare: tuple[str, ...] = ()  # others that go first where there is no room, by their keys

    @property
    def bare(self) -> "Workspace":
        """The same, without what only a start means."""
        return replace(self, restore=False, spare=())

    @property
    def folder(self) -> str:
        """The name of its folder: what is readable of its key, and what tells it from every other."""
        readable = _PLAIN.sub("-", self.key).strip("-")[-_SHORT:].strip("-") or "workspace"
        return f"{readable}-{hashlib.sha256(self.key.encode()).hexdigest()[:12]}"

    @property
    def label(self) -> str:
        """What people call a session in it, until they say otherwise."""
        last, number = self.key.rpartition("/")[2] or self.key, _NUMBERED.fullmatch(self.key)
        # A key may name its repository by a number, which says nothing to anybody.
        name = re.split(r"[/:]", self.repository.rstrip("/"))[-1].removesuffix(".git")
        return (f"{name}{number[1]}" if number and name else last)[:200]

    @property
    def name(self) -> str:
        """What its repository is called, with its owner: acme/api."""
        parts = re.split(r"[/:]", self.repository.rstrip("/").removesuffix(".git"))
        return "/".join(parts[-2:])

    @property
    def is_sound(self) -> bool:
        """Whether nothing in it could pass for an option, or for something that git runs."""
        words = (self.repository, self.ref, self.base_ref)
        parts = [part for word in words for part in word.split("/")]
        plain = all(part.isprintable() and not part.startswith("-") and " " not in part for part in parts)
        refs = all(ref == "" or (ref.startswith("refs/") and ":" not in ref and ".." not in ref) for ref in words[1:])
        address = (
            self.repository not in ("", "/") and "::" not in self.repository and not _SECRET.match(self.repository)
        )
        return bool(_KEY.fullmatch(self.key)) and plain and refs and address


@dataclass(frozen=True, slots=True)
class WorkspaceRules:
    """What this machine's settings allow. `takes_foreign`: strangers' branches, in containers."""

    repositories: tuple[str, ...] = ()
    most_bytes: float = 20e9
    takes_foreign: bool = False

    @property
    def is_able(self) -> bool:
        """Whether there may be any."""
        return bool(self.repositories)


NO_WORKSPACES = WorkspaceRules()


class WorkspaceState(Enum):
    """Where it stands; names as in agentlink.v1, but for CLOSING, which nobody else is told."""

    PREPARING = "preparing"
    READY = "ready"
    IN_USE = "in_use"
    CLOSING = "closing"
    ARCHIVED = "archived"
    GONE = "gone"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at a tree found. `is_certain`: nothing about it is strange, so that it may be believed."""

    head: str = ""
    is_dirty: bool = True
    unpushed: int = 0
    is_certain: bool = False

    @property
    def is_spare(self) -> bool:
        """Whether all of it is elsewhere, too."""
        return self.is_certain and not self.is_dirty and self.unpushed == 0


@dataclass(frozen=True, slots=True)
class KnownWorkspace:
    """One workspace of this machine. Times are seconds since the epoch."""

    workspace: Workspace
    state: WorkspaceState
    look: Look = Look()
    bytes: int = 0
    path: str = ""
    detail: str = ""
    session_id: str = ""  # that is in it, or was last
    archived_at: float = 0.0  # 0: it is not
    conversation_id: str = ""  # of the talk that was in it last

    @property
    def key(self) -> str:
        return self.workspace.key


@dataclass(frozen=True, slots=True)
class WorkspaceChanged:
    """What the router has to learn: one began or changed. `digest` and `size` of an archive that comes or goes."""

    known: KnownWorkspace
    digest: str = ""
    size: int = 0  # bytes


def is_allowed(repository: str, allowed: tuple[str, ...]) -> bool:
    """Whether a repository is one of those that this machine clones, or below one of them."""
    if ".." in repository.split("/"):
        return False
    wanted = _bare(repository)
    places = map(_bare, allowed)
    return any(wanted == each or wanted.startswith(each if each.endswith(":") else f"{each}/") for each in places)


def _bare(address: str) -> str:
    return address.rstrip("/").removesuffix(".git")
