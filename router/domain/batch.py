"""Many at once: which are meant, and what becomes of each. Who says yes to many says it to exactly what they saw."""

from collections.abc import Iterable
from enum import Enum
from fnmatch import fnmatchcase

from msgspec import Struct

from router.domain.errors import Reason, Refusal
from router.domain.session import Session

MOST = 100  # at once: more, nobody has read
SHOWN = 20  # of these in a chat, with a word on each


class Doing(Enum):
    """What is done to each."""

    ALLOW = "allow"
    DENY = "deny"
    RETRY = "retry"
    DROP = "drop"
    CANCEL = "cancel"

    @property
    def is_answer(self) -> bool:
        """It answers questions; the others are about commands."""
        return self in (Doing.ALLOW, Doing.DENY)


class Item(Struct, frozen=True):
    """One of them: a question by its digest, a command by its state, as somebody saw them. `name` is for people."""

    item_id: str
    seen: str
    name: str = ""


class Batch(Struct, frozen=True):
    """What a message offers to do."""

    batch_id: str
    doing: Doing
    items: tuple[Item, ...]
    created_at: float


class Outcome(Struct, frozen=True):
    """What became of one. `why` is empty where it was done."""

    item: Item
    why: str = ""
    reason: Reason = Reason.UNSPECIFIED


class Wanted(Struct, frozen=True):
    """Which ones: all that fit every one of these. Patterns with * and ?; empty: any."""

    sessions: tuple[str, ...] = ()
    tool: str = ""
    machine: str = ""
    rule: str = ""  # the name of a rule for what is risky

    def has(self, session: Session | None, tool: str = "", risks: Iterable[str] = ()) -> bool:
        """Whether one of that session is meant."""
        names = (session.name, session.session_id) if session else ()
        if self.sessions and not any(fnmatchcase(name, each) for name in names for each in self.sessions):
            return False
        if self.machine and not (session and fnmatchcase(session.machine_id, self.machine)):
            return False
        if self.tool and not fnmatchcase(tool, self.tool):
            return False
        return not self.rule or any(fnmatchcase(name, self.rule) for name in risks)


def wanted(words: str) -> Wanted:
    """What people name in a chat: `all`, or patterns of sessions, `tool:Bash`, `machine:devbox`, `rule:delete`.

    Raises Refusal for nothing at all: many at once must be meant.
    """
    found: dict[str, str] = {}
    named = []
    for word in words.split():
        kind, separator, value = word.partition(":")
        if separator and kind in ("tool", "machine", "rule") and value:
            found[kind] = value
        else:
            named.append(word)
    if not words.split():
        raise Refusal(Reason.INVALID_ARGUMENT, "Say which: all, a session's name, tool:Bash, machine:NAME, rule:NAME.")
    return Wanted(tuple(each for each in named if each != "all"), **found)


def checked(items: Iterable[Item]) -> tuple[Item, ...]:
    """The items, each once. Raises Refusal where there are none, or too many."""
    known = tuple({item.item_id: item for item in items}.values())
    if not 1 <= len(known) <= MOST:
        raise Refusal(Reason.INVALID_ARGUMENT, f"1 to {MOST} at once; these are {len(known)}.")
    return known
