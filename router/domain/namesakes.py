"""What people call sessions: two that are shown side by side always differ in something."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from router.domain.session import Session, SessionState, bare_id

MAX_ON_BUTTON = 60  # characters
_LEAST_NAME = 12  # characters of a name that has to share a button
_PATH, _WORDS, _ID = 30, 30, 8  # characters

_DETAILS: tuple[Callable[[Session], str], ...] = (
    lambda session: session.cwd.rstrip("/").rpartition("/")[2],
    lambda session: _cut(session.cwd, _PATH, end=True),
    lambda session: _cut(session.first_words, _WORDS),
    lambda session: bare_id(session.session_id)[:_ID],
    lambda session: session.session_id,
)


def told_apart(there: Iterable[Session]) -> list[Session]:
    """The same sessions; those of one name on one machine say in `distinction` what tells them apart."""
    there = list(there)
    said: dict[str, list[str]] = {session.session_id: [] for session in there}
    for detail in _DETAILS:
        for twins in _alike(there, said):
            if len({detail(twin) for twin in twins}) > 1:
                for twin in twins:
                    said[twin.session_id] += filter(None, [detail(twin)])
    return [replace(session, distinction=" · ".join(said[session.session_id])) for session in there]


def on_button(there: Sequence[Session]) -> list[str]:
    """Each of them as a button says it; the machine is named where there are several. What tells apart is never cut."""
    several = len({session.machine_id for session in there}) > 1
    return [_label(session, session.machine_id if several else "") for session in told_apart(there)]


def _label(session: Session, machine: str) -> str:
    more = "".join(f" · {part}" for part in (machine, session.distinction) if part)
    room = max(_LEAST_NAME, MAX_ON_BUTTON - len(more))
    return _cut(_cut(session.name, room) + more, MAX_ON_BUTTON)


def _alike(there: list[Session], said: dict[str, list[str]]) -> list[list[Session]]:
    groups: dict[tuple[str | bool, ...], list[Session]] = defaultdict(list)
    for session in there:
        over = session.state is SessionState.ENDED  # nobody takes a live one for one that is over
        groups[session.name, session.machine_id, over, *said[session.session_id]].append(session)
    return [group for group in groups.values() if len(group) > 1]


def _cut(text: str, room: int, *, end: bool = False) -> str:
    if len(text) <= room:
        return text
    return f"…{text[1 - room :]}" if end else f"{text[: room - 1]}…"
