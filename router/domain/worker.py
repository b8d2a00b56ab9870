"""What a machine lets the program of one of its sessions be: less than the machine, and for that session alone."""

from msgspec import Struct

from router.domain.errors import Reason, Refusal
from router.domain.machine import Machine
from router.domain.session import Session, SessionState

ROLE = "worker"
CLOCK_LEEWAY = 30.0  # seconds; clocks set by NTP differ by less
LONGEST = 3600.0  # seconds between iat and exp
_ANEW = "The agent writes a new one as it goes on: read the file that POINTSMAN_WORKER_TOKEN_FILE names again."


class Worker(Struct, frozen=True):
    """Whoever holds such a credential. `expires_at` is in seconds since the epoch."""

    machine_id: str
    session_id: str
    generation: int
    expires_at: float
    public_key: bytes = b""  # of the machine, when this was looked at first

    @property
    def name(self) -> str:
        """For people, the audit and request ids: no id has a space, so none of another pair reads the same."""
        return f"{self.session_id} on {self.machine_id}"


def check(worker: Worker, machine: Machine | None, session: Session | None, now: float) -> None:
    """Raises Refusal where a credential is over. What counts is what the router knows now, not when it was signed."""
    if machine is None or machine.revoked:
        text = "The machine of this worker token is unknown or revoked. Enrol it again, and start the session anew."
        raise Refusal(Reason.MACHINE_REVOKED, text)
    if machine.public_key != worker.public_key:
        raise Refusal(Reason.KEY_REPLACED, f"The key that signed this worker token was replaced. {_ANEW}")
    if worker.expires_at + CLOCK_LEEWAY < now:
        raise Refusal(Reason.WORKER_EXPIRED, f"This worker token is over. {_ANEW}", router_time=f"{now:.3f}")
    if over := _over(worker, session):
        raise Refusal(Reason.WORKER_SESSION_OVER, f"{over} {_ANEW}")


def _over(worker: Worker, session: Session | None) -> str:
    if session is None:
        return f"The router has not heard of session {worker.session_id[:128]}, or not yet."
    if session.machine_id != worker.machine_id:
        return f"Session {session.session_id} is not on machine {worker.machine_id}."
    if session.state is SessionState.ENDED:
        return f"Session {session.session_id} has ended, and with it this worker token."
    if session.generation != worker.generation:
        return f"Session {session.session_id} is in generation {session.generation}, not in {worker.generation}."
    return ""


def elsewhere(worker: Worker) -> Refusal:
    """What it is told that names another session than its own, or none."""
    text = f"This worker token is for session {worker.session_id} alone: name that one. An API key reaches others."
    return Refusal(Reason.WORKER_OTHER_SESSION, text)


def may_not(what: str) -> Refusal:
    """What it is told that wants what is none of its business."""
    can = (
        "It notifies, asks, types, watches, searches, looks, notes, defers, for its own session, and sends to others;"
        " an API key may do more."
    )
    text = f"A worker token may not {what}. {can}"
    return Refusal(Reason.WORKER_MAY_NOT, text)
