"""Which machines and sessions somebody reaches: a person, or an API key."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from msgspec import Struct

from router.domain.errors import Reason, Refusal
from router.domain.session import Session, bare_id

MAX_PATTERNS, MAX_PATTERN = 20, 128


class Scope(Struct, frozen=True):
    """Patterns with * and ?; none: all. A session is in it when its machine fits one, and its label or id another."""

    machines: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()

    @property
    def is_limited(self) -> bool:
        """Something is outside."""
        return bool(self.machines or self.sessions)

    def has_machine(self, machine_id: str) -> bool:
        """Whether a session of this machine may be in it."""
        return _fits(self.machines, (machine_id,))

    def has(self, session: Session) -> bool:
        """Whether the session is in it."""
        return self.has_named(session.machine_id, session.label, session.session_id)

    def has_named(self, machine_id: str, label: str, session_id: str) -> bool:
        """Whether a session of these names is in it, or was: it may be gone."""
        return self.has_machine(machine_id) and _fits(self.sessions, (label, session_id, bare_id(session_id)))

    def checked(self) -> "Scope":
        """Itself. Raises Refusal naming what is wrong."""
        for patterns in (self.machines, self.sessions):
            if len(patterns) > MAX_PATTERNS or not all(0 < len(each) <= MAX_PATTERN for each in patterns):
                text = f"There may be {MAX_PATTERNS} patterns, each with 1 to {MAX_PATTERN} characters."
                raise Refusal(Reason.INVALID_ARGUMENT, text)
        return self


EVERYTHING = Scope()


def _fits(patterns: tuple[str, ...], names: Iterable[str]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for name in names for pattern in patterns)
