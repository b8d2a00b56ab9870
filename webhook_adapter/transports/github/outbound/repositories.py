"""Which repository a number means now, and by which installation of the App we may write there.

A repository keeps its number when it is renamed or moved; another one may have its name by then.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from webhook_adapter.transports.github.outbound.http import Answer, ApiRefused, words_of

_KNOWN_S = 600.0  # whether it is private may change


@dataclass(frozen=True, slots=True)
class Repository:
    """One that the App is installed in."""

    repository_id: int
    full_name: str
    is_private: bool
    installation_id: int

    @property
    def path(self) -> str:
        """Where its calls begin."""
        return f"/repos/{self.full_name}"


class Repositories:
    """Remembers them for some minutes. Threads may share it."""

    def __init__(
        self,
        as_app: Callable[[str], Answer],
        as_installation: Callable[[int, int, str], Answer],
        monotonic: Callable[[], float],
        name_of: Callable[[int], str] = lambda _repository_id: "",
    ) -> None:
        """`as_app` and `as_installation` (its id, a repository's, a path) ask GitHub; they raise what a call does.

        `name_of` tells the last name that somebody knew, "" for none.
        """
        self._as_app, self._as_installation, self._monotonic, self._name_of = (
            as_app,
            as_installation,
            monotonic,
            name_of,
        )
        self._lock = threading.Lock()  # guards _known
        self._known: dict[int, tuple[float, Repository]] = {}

    def of(self, repository_id: int) -> Repository:
        """The repository. Raises ApiRefused or NoAnswer."""
        with self._lock:
            at, known = self._known.get(repository_id, (0.0, None))
        if known is not None and self._monotonic() - at < _KNOWN_S:
            return known
        found = self._found(repository_id)
        with self._lock:
            self._known[repository_id] = (self._monotonic(), found)
        return found

    def forget(self, repository_id: int) -> None:
        """It is not where it was, or the App was installed anew."""
        with self._lock:
            self._known.pop(repository_id, None)

    def _found(self, repository_id: int) -> Repository:
        name = self._name_of(repository_id)
        where = f"/repos/{name}" if name else f"/repositories/{repository_id}"
        installed = self._as_app(f"{where}/installation")
        installation_id = _whole(installed, "id")
        if installed.content.get("suspended_at"):
            raise ApiRefused(403, "the App is suspended there")
        answer = self._as_installation(installation_id, repository_id, where)
        told = answer.content if isinstance(answer.content, dict) else {}
        if _whole(answer, "id") != repository_id:
            # Somebody else has that name now: they are told nothing.
            raise ApiRefused(404, "the repository is not there any more")
        # What is not known counts as public: there less is shown.
        return Repository(repository_id, str(told.get("full_name")), told.get("private") is True, installation_id)


def _whole(answer: Answer, name: str) -> int:
    told = answer.content.get(name) if isinstance(answer.content, dict) else None
    if answer.status != 200 or type(told) is not int:
        raise ApiRefused(answer.status, words_of(answer))
    return told
