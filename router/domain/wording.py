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
NOT_SHOWN = "⚠️ A message could not be shown here ({why}). On a machine: pointsman trace {id}"
CLOSED = (
    "⚠️ {platform} takes no messages for chat {chat}: {why}. What is written for it does not arrive until a person lets"
    " the bot in again."
)
MOVED = (
    "➡️ This chat has a new id: {new} instead of {old}. I go on here, but what you write is ignored until the adapter's"
    " ALLOWED_CHAT_IDS names the new one."
)
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
    Reason.DIALOG_OPEN: "a dialog is open in the terminal",
    Reason.LINE_IN_USE: "someone is typing in the terminal",
}


def reason_text(reason: Reason) -> str:
    """A reason for people, without a full stop."""
    return _REASONS.get(reason, reason.name.lower().replace("_", " "))


_AWAY = "⏳ Queued: {machine} is away. It waits up to {wait} and goes out on return."
_RECEIPTS = {
    CommandState.QUEUED: "⏳ Queued for {name}.",
    CommandState.SENT: "📤 On its way to {machine}.",
    CommandState.RECEIVED: "📥 On {machine}, next in line.",
    CommandState.DONE: "✅ Typed into {name}.{output}",
    CommandState.UNCERTAIN: "❓ Perhaps typed into {name}: {why}.",
    CommandState.CANCELLED: "↩️ Taken back; {how}.",
    CommandState.EXPIRED: "⌛ Given up: {why}.",
    CommandState.DEAD: "❌ Given up for {name}: {why}.",
    CommandState.FAILED: "❌ Not typed into {name}: {why}.",
}


def receipt(command: Command, session: Session | None, *, connected: bool) -> str:
    """One line on how far a command got."""
    waits_for_machine = command.state is CommandState.QUEUED and not connected
    return (_AWAY if waits_for_machine else _RECEIPTS[command.state]).format(
        name=session.name if session else command.session_id,
        machine=command.machine_id,
        wait=_hours(command),
        why=_why(command),
        how=command.detail or "it was not typed",
        output=f"\n{command.detail}" if command.detail else "",
    )


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
