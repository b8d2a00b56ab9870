"""Where somebody types at the terminal itself: there they see what a session says, and its chats need make no sound."""

from router.clock import Clock
from router.domain.frames import Heartbeat
from router.domain.session import bare_id
from router.store import sessions
from router.store.database import Transaction

BUSY_FOR = 120.0  # seconds after the last key
HOLD = 30.0  # seconds for which whoever sits there may answer before others are asked
_TYPED = "typed"


def typed(tx: Transaction, machine_id: str, frame: Heartbeat, clock: Clock) -> None:
    """A machine tells at whose terminals somebody typed; it knows nothing of those of others."""
    for name in frame.typed:
        session = sessions.find(tx, name)
        if session is not None and session.machine_id == machine_id:
            # In memory alone: after a restart the next heartbeat tells it.
            tx.put(tx.memory, (_TYPED, bare_id(name)), clock.now())


def is_busy(tx: Transaction, session_id: str, now: float) -> bool:
    """Whether somebody sits at the terminal of a session."""
    last: float | None = tx.memory.get((_TYPED, bare_id(session_id)))
    return last is not None and 0 <= now - last < BUSY_FOR
