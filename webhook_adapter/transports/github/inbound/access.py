"""Who may command: people by their number, or by what they may do to the repository; else nobody.

Never by what GitHub calls their association to it, which says nothing of what they may, nor by a name, which others can
take. Whoever cannot be asked about is not let in.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from pointsman.client.bindings import Binding
from webhook_adapter.transports.github.inbound.delivery import Repository, Sender

ENOUGH = frozenset({"admin", "write"})  # maintain is told as write, triage as read
CACHED = 300.0  # seconds for which an answer is good
_REMEMBERED = 1024

Permission = Callable[[Repository, Sender], str]
"""What somebody may do to a repository, as GitHub calls it. Raises Unknown."""


@dataclass(frozen=True, slots=True)
class Unknown(Exception):
    """GitHub could not be asked: the delivery must come again."""

    why: str


class Commanders:
    """Asks at most once in five minutes for a person and a repository, so that strangers cost little."""

    def __init__(self, permission: Permission, now: Callable[[], float]) -> None:
        self._permission, self._now = permission, now
        self._known: dict[tuple[int, int], tuple[float, bool]] = {}
        self._lock = threading.Lock()

    def may(self, sender: Sender, repository: Repository, binding: Binding) -> bool:
        """Whether what they write counts there. Raises Unknown."""
        # The words of programs begin nothing, whoever lists them: two of them never end.
        if not sender.is_person:
            return False
        if str(sender.user_id) in binding.allowed:
            return True
        return binding.writers and self._may_write(sender, repository)

    def _may_write(self, sender: Sender, repository: Repository) -> bool:
        key, now = (repository.repository_id, sender.user_id), self._now()
        at, known = self._known.get(key, (-CACHED, False))
        if now - at < CACHED:
            return known
        may = self._permission(repository, sender) in ENOUGH
        with self._lock:
            self._known.pop(key, None)
            self._known[key] = (now, may)
            if len(self._known) > _REMEMBERED:
                self._known.pop(next(iter(self._known)))
        return may
