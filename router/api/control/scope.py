"""What a request names is looked up in its caller's scope before anything is done with it."""

from google.protobuf.message import Message

from router.domain.scope import Scope
from router.services import scopes
from router.store import commands, permissions, sessions
from router.store.database import Transaction

_FINDS = {
    "session_id": (sessions.find, sessions.unknown),
    "command_id": (commands.find, commands.unknown),
    "permission_id": (permissions.find, permissions.unknown),
}


def check_named(tx: Transaction, scope: Scope, request: Message) -> None:
    """Raise what is told of things that are not there, where a request names one outside."""
    if not scope.is_limited:
        return
    for field, (find, unknown) in _FINDS.items():
        identity = getattr(request, field, "")
        found = find(tx, identity) if identity else None
        if found is not None:  # else whoever looks for it says so
            scopes.check(tx, scope, found.session_id, unknown(identity))
