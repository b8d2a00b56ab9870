"""What people read in the chat. One catalogue; couriers add the platform's formatting."""

from router.domain.command import Command, CommandState, Input
from router.domain.errors import Reason
from router.domain.session import Session

HELP = (
    "Reply to a message of a session and your text is typed into it. Other ways:\n"
    "/sessions - what is running where\n"
    "/use NAME - plain text goes to that session from now on\n"
    "/cmd TOKEN text - to the session that the token names\n"
    "/stop - Esc in the chosen session; /key NAME - any key\n"
    "/status - what waits and what went wrong; /dead - dead letters\n"
    "/cancel - take back what has not been typed yet"
)
NO_SESSION = (
    "I don't know which session you mean. Reply to one of its messages, or choose one with /use NAME."
    " /sessions lists them."
)
STALE_BUTTON = "This button is no longer valid."
NO_SUCH_NAME = "That token names no session here. Reply to a recent message of the session instead."
EMPTY = "There is nothing to type in this message."

_REASONS = {
    Reason.SESSION_RESTARTED: "the session was restarted since; send it again if you still want it",
    Reason.SESSION_ENDED: "the session has ended",
    Reason.SESSION_UNKNOWN: "the machine does not know this session",
    Reason.MACHINE_REVOKED: "the machine was revoked",
    Reason.TOO_OLD: "nobody could take it within 24 hours",
    Reason.TOO_MANY_ATTEMPTS: "the machine failed to take it eight times",
    Reason.POISON_SUSPECT: "the machine restarted each time it was sent this",
    Reason.TTL_EXPIRED: "its time ran out",
    Reason.CANCELLED: "taken back",
    Reason.INBOX_LOST: "the machine lost its inbox; look at the session before you send it again",
    Reason.AGENT_RESTARTED: "the agent died while it was typing; look at the session before you send it again",
    Reason.TARGET_GONE: "the terminal is gone",
    Reason.BACKEND_ERROR: "the terminal reported an error",
    Reason.EXIT_CODE: "the command failed",
    Reason.UNSUPPORTED: "this session cannot do that",
}


def reason_text(reason: Reason) -> str:
    """A reason for people, without a full stop."""
    return _REASONS.get(reason, reason.name.lower().replace("_", " "))


def receipt(command: Command, session: Session | None, *, connected: bool) -> str:
    """One line on how far a command got."""
    name = session.name if session else command.session_id
    match command.state:
        case CommandState.QUEUED if connected:
            return f"⏳ Queued for {name}."
        case CommandState.QUEUED:
            return f"⏳ Queued: {command.machine_id} is away. It waits up to {_hours(command)} and goes out on return."
        case CommandState.SENT:
            return f"📤 On its way to {command.machine_id}."
        case CommandState.RECEIVED:
            return f"📥 On {command.machine_id}, next in line."
        case CommandState.DONE:
            return f"✅ Typed into {name}." + (f"\n{command.detail}" if command.detail else "")
        case CommandState.UNCERTAIN:
            return f"❓ Perhaps typed into {name}: {_why(command)}."
        case CommandState.CANCELLED:
            return f"↩️ Taken back; {command.detail or 'it was not typed'}."
        case CommandState.EXPIRED | CommandState.DEAD:
            return f"⌛ Given up for {name}: {_why(command)}."
        case CommandState.FAILED:
            return f"❌ Not typed into {name}: {_why(command)}."


def quoted(command: Command) -> str:
    """The beginning of what a command types, for lists."""
    text = command.action.text if isinstance(command.action, Input) else f"[{command.action.name}]"
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:59] + "…"


def _why(command: Command) -> str:
    text = reason_text(command.reason)
    return f"{text} ({command.detail})" if command.detail else text


def _hours(command: Command) -> str:
    seconds = command.expires_at - command.created_at
    return f"{seconds / 3600:.0f} h" if seconds >= 3600 else f"{max(1, round(seconds / 60))} min"
