"""What people call things, turned into the ids that the router acts upon: exactly one, or a Failure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pointsman.errors import ExitCode, Failure
from pointsman.settings import like

if TYPE_CHECKING:
    from pointsman.client.control import Control
    from pointsman.client.records import Session
    from router.domain.naming import Named


def session(router: "Control", name: str) -> str:
    """The id of the session that a person means by its id, its label or a part of its id. Raises Failure."""
    return find(router, name).session_id


def find(router: "Control", name: str) -> "Session":
    """As session, with all that is known of it."""
    there = router.sessions(include_ended=True)  # ended ones too: then it is told why nothing can be sent
    chosen = choose_session(there, name)
    return next(each for each in there if each.session_id == chosen)


def choose_session(sessions: "Sequence[Session]", name: str) -> str:
    """As session, of these."""
    from pointsman.client.records import SessionState
    from router.domain.naming import Named

    things = [
        Named(each.session_id, each.label, each.machine_id, over=each.state is SessionState.ENDED) for each in sessions
    ]
    return _one("session", name, things, "`pointsman sessions` lists them.")


def machine(router: "Control", name: str) -> str:
    """The id of a machine. Raises Failure."""
    from router.domain.naming import Named

    things = [Named(each.machine_id, over=each.revoked) for each in router.machines()]
    return _one("machine", name, things, "`pointsman machines` lists them.")


def api_key(router: "Control", name: str) -> str:
    """The id of an API key. Raises Failure."""
    from router.domain.naming import Named

    things = [Named(each.key_id, each.label, over=each.revoked) for each in router.api_keys()]
    return _one("key", name, things, "`pointsman apikey list` lists them.")


def join_token(router: "Control", name: str) -> str:
    """The id of a join token. Raises Failure."""
    from router.domain.naming import Named

    there = router.join_tokens(include_over=True)
    things = [Named(each.token_id, over=each.revoked or bool(each.used_by)) for each in there]
    return _one("join token", name, things, "`pointsman machine tokens` lists them.")


class Labels:
    """How sessions are called in a table, by their ids; asked for once, and not at all where nobody sees them."""

    def __init__(self, router: "Control", *, as_json: bool) -> None:
        sessions = [] if as_json else router.sessions(include_ended=True)
        self._labels = {each.session_id: each.label for each in sessions}
        self._times = Counter(each.label for each in sessions)

    def __getitem__(self, session_id: str) -> str:
        from pointsman.render import told

        label = self._labels.get(session_id, "")
        return " ".join(filter(None, (label, told(session_id) if not label or self._times[label] > 1 else "")))


def _one(noun: str, name: str, things: "Iterable[Named]", cure: str) -> str:
    from router.domain import naming

    things = list(things)
    found = naming.fitting(name, things)
    if len(found) == 1:
        return found[0].identity
    if found:
        raise Failure(naming.several(name, found), "Give more of the id.", ExitCode.USAGE)
    # Nobody is led to what is over.
    near = like(name, [word for each in things if not each.over for word in (each.label, each.identity) if word])
    raise Failure(f"no {noun} {name!r}", f"Did you mean {near}? {cure}" if near else cure, ExitCode.NOT_FOUND)
