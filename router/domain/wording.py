"""What people read in the chat: the catalogue, with the other modules of that name. Couriers add a platform's format.

All sentences are the constants and tables here; the functions below them only choose and fill in. A translation gives
these names other values; what stands in braces is filled in and stays.
"""

from router.domain.command import (
    KEYS,
    Command,
    CommandState,
    FileInput,
    Input,
    KeepSession,
    KeyPress,
    PermissionDecision,
    StartSession,
    StopSession,
)
from router.domain.errors import Reason, Refusal
from router.domain.question_wording import actor_name
from router.domain.reason_wording import reason_text
from router.domain.session import Session, SessionState
from router.domain.start_wording import KEEPS, STARTS, STOPS

HELP = (
    "Reply to a message of a session and your text is typed into it. Other ways:\n"
    "/sessions - what is running where\n"
    "/use NAME - plain text goes to that session from now on\n"
    "/stop - Esc in the session; /key NAME - any key\n"
    "/new TEXT - a new session; /end - end one that was started so; /keep - let it go on after 24 h\n"
    "/cancel - take back what has not been typed yet\n"
    "/status - what waits and what went wrong; /dead - dead letters\n"
    "/policy - ask before old commands go out\n"
    "/topics on - a topic for each session\n"
    "/mute, /unmute - no sound for a session; /quiet 22-7 - no sound at night\n"
    "/stop, /key, /cancel, /end, /keep and /mute work in a reply to a session too."
)
FOR_WHICH = "Which session is this for? Press it, and it goes there. /use NAME chooses one for what follows."
MORE_SESSIONS = "… and {count} more. For one of those: /use NAME, and write it again."
FOR_WHICH_ANSWERED = "Which session is this for?"
NOT_KEPT = "What was written is not kept any more: it waits for a day, and 20 of a chat do. Write it again."
CHOSEN_IS_OVER = (
    "{name} has ended. Press the session that this is for, and it goes there. /use NAME chooses another one."
)
TOO_LONG = "That is too long to type: it may have {limit} KiB. Send it in parts."
STALE_BUTTON = "This button is no longer valid."
ALREADY_PRESSED = "Already answered: {label}"
UNKNOWN_MESSAGE = (
    "I don't know any more which session that message is about, so nothing was typed. Press the session that your"
    " answer is for, or reply to a newer message of it."
)
NO_SUCH_NAME = "That token names no session here, so nothing was typed. Press the session that it is for."
NOT_SHOWN = "⚠️ A message could not be shown here ({why}). On a machine: pointsman trace {id}"
SET_ASIDE = "set aside after {tries} tries, while others were answered: {why}"
CLOSED = (
    "⚠️ {platform} takes no messages for chat {chat}: {why}. What is written for it does not arrive until a person lets"
    " the bot in again."
)
MOVED = (
    "➡️ This chat has a new id: {new} instead of {old}. I go on here, but what you write is ignored until the adapter's"
    " ALLOWED_CHAT_IDS names the new one."
)
DIGEST = "🗞 {count} messages of {name} since {when}:"
DIGEST_WHOLE = "Whole texts: pointsman notifications --session {session} --json"
DONE_TOGETHER = "✅ {name} has got this and the {count} before it."
CANNOT_START = "its agent starts no sessions: POINTSMAN_START_FOLDERS must name a folder there, and claude be installed"
TWO_OF_ONE = (
    "Two agents take turns as machine {machine}, mostly because a data directory was copied. Both are held off, and"
    " nothing is lost. Stop one and enrol it under a name of its own; restart the other."
)
EMPTY = "There is nothing to type in this message."
FILE_NOT_TAKEN = "📎 The file was not taken, and nothing was typed: {why}."
FILE_WITH_COMMAND = (
    "A file goes to a session with a plain caption; /{command} was not carried out and the file was not sent. Send it"
    " again without the command."
)
EDITED = "Editing a message changes nothing here: what it said first is what counts. Send it again as a new message."
SENDING = "Sending: {what}"

NO_SESSIONS_YET = "No sessions yet. On a machine: pointsman run -- claude"
SESSIONS_HINT = "/use NAME chooses one."
SESSION_LINE = "{mark} {name} - {machine}{doing}"
AWAY_MARK = " (away)"
DOING = {
    SessionState.UNKNOWN: "",
    SessionState.IDLE: " · ready",
    SessionState.BUSY: " · working",
    SessionState.WAITING: " · waits for you",
    SessionState.ENDED: " · ended",
    SessionState.STARTING: " · starting",
}
WAITING_FOR = " · waits for you: {what}"
AND_MORE = "… and {count} more"
WHICH_SESSION = "Which one? /use NAME - /sessions lists them."
NO_SUCH_SESSION = "No session is called {wanted}. /sessions lists them."
SEVERAL_FIT = "Several fit: {names}"
CHOSEN = "Plain text goes to {name} on {machine} now."
STATUS_CHOSEN = "Chosen: {name} on {machine}"
STATUS_NOT_CHOSEN = "Chosen: none. /use NAME"
STATUS_COUNTS = "{sessions}, {commands} waiting"
STATUS_AWAY = ", away: {machines}"
STATUS_DEAD = "{letters}: /dead"
STATUS_QUIET = "Quiet hours: {quiet}"
WHICH_KEY_HERE = "Which key for {name}? One of: {keys}"
TOOK_BACK = "Took back {commands} that waited."
ASKED_BACK = "Asked {machine} to take back {count} that it has."
NOTHING_WAITS_FOR = "Nothing waits for {name}."
NO_DEAD_LETTERS = "No dead letters."
COUNTS = {
    "sessions": ("1 session", "{count} sessions"),
    "commands": ("1 command", "{count} commands"),
    "letters": ("1 dead letter", "{count} dead letters"),
    "letters_below": ("1 dead letter:", "{count} dead letters, newest first:"),
}
MORE_DEAD_LETTERS = "{count} dead letters. The newest {shown}; /dead again shows those behind them once these are done:"
DEAD_LETTER = "{what}\n{receipt}\n{id}"
POLICY = {
    False: "Commands that waited for a machine go out when it is back, however long that took.",
    True: "Commands that waited more than an hour for a machine: I ask you before they go out.",
}
POLICY_HINT = "/policy ask or /policy send changes it."
TOPICS = {
    False: "No topics. /topics on gives each session a topic of its own, where the chat can have topics.",
    True: "Each session gets its own topic with its next message. Plain text there goes to it. /topics off ends it.",
}
TOPICS_FAILED = (
    "No topic could be made here ({why}), so topics are off again and messages come as before. The chat must have"
    " topics turned on, and the bot must be an admin who may manage them. Then: /topics on"
)
UNSEEN = (
    "Nothing was heard of this session for 30 days: it has ended here, and what waited for it is a dead letter."
    " If it is still there, its machine brings it back when it connects; else register it again."
)
TOPIC_ENDED = "This session has ended; its topic is closed."
MUTED = "{name} makes no sound here from now on. Questions still do. /unmute ends that."
UNMUTED = "{name} is heard here again."
QUIET_OFF = "No quiet hours. /quiet 22-7 sets them, by the router's clock, which says {clock} now."
QUIET_ON = (
    "Quiet from {quiet} by the router's clock, which says {clock} now: messages come without a sound, but for questions"
    " that a session waits on. /quiet off"
)
QUIET_HOW = "I did not understand that. For example: /quiet 22-7, /quiet 22:30-6:45, /quiet off"

LABELS = {
    "retry": "🔁 Retry",
    "send-to": "↪️ Send to…",
    "drop": "🗑 Drop",
    "back": "« Back",
    "cancel": "✋ Take back",
    "send": "▶️ Send now",
    "ask": "Ask me first",
    "dont-ask": "Just send",
    "allow": "✅ Allow",
    "allow_always": "✅ Allow always",
    "deny": "❌ Deny",
    "answer": "💬 Answer",
    "reason": "💬 Deny with reason",
}
CHOSE = "✓ {label}"
SIGNED = "{words} — {who}, {when}"
_VERDICTS = {"allow": "allow", "always": "allow_always", "deny": "deny"}  # by the option ids that agents give
SENT_AGAIN = "🔁 Sent again to {name}."
DROPPED = "🗑 Dropped: it will not be typed."
SENT_NOW = "Sent."
TAKING_BACK = "Asked {machine} to take it back."
TAKEN_BACK = "Taken back."
CHOOSE_ONE = "Choose a session."
NO_OTHER_SESSION = "There is no other session."
STILL_SEND = (
    "❔ {machine} is back. This waited {age} for {name}; still send it?\n{what}\n"
    "Without an answer it is given up {wait} after it was written."
)

SESSION_IS_OVER = "This session has ended. /sessions lists those that live."
_REFUSED = {
    Reason.SESSION_ENDED: SESSION_IS_OVER,
    Reason.SESSION_UNKNOWN: "There is no such session any more. /sessions lists them.",
}
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
_TAKEN = "▶️ {name} is working on it."
_FINISHED = "🏁 {name} has finished it."
_NOT_TAKEN = (
    "⚠️ Typed into {name}, but its program has not taken it. Look at its screen before you send it again.{output}"
)
_DECISIONS = {
    CommandState.DONE: "✅ Your answer reached {name}.",
    CommandState.UNCERTAIN: "❓ Your answer may have reached {name}: {why}.",
    CommandState.CANCELLED: "↩️ Your answer to {name} was taken back; the terminal still asks.",
    CommandState.DEAD: "❌ Your answer did not reach {name}: {why}.",
    CommandState.FAILED: "❌ Your answer did not reach {name}: {why}.",
}
_LINES = {PermissionDecision: _DECISIONS, StartSession: STARTS, StopSession: STOPS, KeepSession: KEEPS}
_NOT_TYPED = "it was not typed"
_HOURS, _MINUTES = "{count:.0f} h", "{count:.0f} min"


def counted(count: int, what: str) -> str:
    """So many of what COUNTS has."""
    one, many = COUNTS[what]
    return one if count == 1 else many.format(count=count)


def refused(refusal: Refusal) -> str:
    """A refusal for people in a chat, who have no command line at hand."""
    return _REFUSED.get(refusal.reason, refusal.text)


def signed(words: str, actor: str, when: str) -> str:
    """What was done, by whom and when."""
    return SIGNED.format(words=words.rstrip("."), who=actor_name(actor), when=when)


def which_key(session: Session) -> str:
    """What stands above a keypad."""
    return WHICH_KEY_HERE.format(name=session.name, keys=", ".join(sorted(KEYS)))


def receipt(command: Command, session: Session | None, *, connected: bool) -> str:
    """One line on how far a command got."""
    waits_for_machine = command.state is CommandState.QUEUED and not connected
    lines = _RECEIPTS | _LINES.get(type(command.action), {})
    return (_AWAY if waits_for_machine else _mark(command) or lines[command.state]).format(
        name=session.name if session else command.session_id,
        machine=command.machine_id,
        wait=span(command.expires_at - command.created_at),
        why=_why(command),
        how=command.detail or _NOT_TYPED,
        output=f"\n{command.detail}" if command.detail else "",
    )


_LATE = {
    CommandState.DONE: "the machine says that it was typed after all",
    CommandState.FAILED: "the machine says that it was not typed",
    CommandState.CANCELLED: "the machine has taken it back: it was not typed",
    CommandState.EXPIRED: "the machine let it expire: it was not typed",
    CommandState.UNCERTAIN: "the machine cannot tell whether it was typed",
}


def late(ended: CommandState, said: CommandState) -> str:
    """What a machine's word after the end adds to it; empty where it adds nothing."""
    return "" if said is ended else _LATE.get(said, "")


def still_send(command: Command, session: Session | None, now: float) -> str:
    """The question whether an old command is still meant."""
    return STILL_SEND.format(
        machine=command.machine_id,
        age=span(now - command.created_at),
        name=session.name if session else command.session_id,
        what=quoted(command),
        wait=span(command.expires_at - command.created_at),
    )


def says_all(command: Command) -> bool:
    """Whether a mark on the person's message says as much as the receipt would."""
    plain = command.reason is Reason.UNSPECIFIED and not command.detail and not isinstance(command.action, StartSession)
    return command.state is CommandState.DONE and plain and not command.names_session


def _mark(command: Command) -> str:
    """The line for what a program did with a text that was typed into it; empty when it has not said."""
    if not isinstance(command.action, Input):
        return ""
    if command.finished_at is not None:
        return _FINISHED
    if command.taken_at is not None:
        return _TAKEN
    return _NOT_TAKEN if command.reason is Reason.NOT_TAKEN else ""


def quoted(command: Command) -> str:
    """The beginning of what a command types, for lists."""
    line = " ".join(_typed(command).split())
    return line if len(line) <= 60 else line[:59] + "…"


def doing(session: Session, *, connected: bool) -> str:
    """What a session does, behind its name; of a machine that is away nobody knows."""
    if not connected:
        return AWAY_MARK
    if session.state is SessionState.WAITING and session.waiting_for:
        return WAITING_FOR.format(what=session.waiting_for)
    return DOING[session.state]


def _typed(command: Command) -> str:
    match command.action:
        case Input(text):
            return text
        case FileInput(name=name, caption=caption):
            return f"📎 {name} {caption}".rstrip()
        case KeyPress(name):
            return f"[{name}]"
        case PermissionDecision(_, _, option_id, text):
            verdict = LABELS.get(_VERDICTS.get(option_id.partition("-")[0], ""), LABELS["answer"])
            return f"{verdict} {text}".rstrip()
        case StartSession(prompt=text):
            return f"🚀 {text}"
        case StopSession():
            return "⏹ End"
        case KeepSession():
            return "♾ Keep"


def span(seconds: float) -> str:
    """A length of time."""
    if seconds >= 3600:
        return _HOURS.format(count=seconds / 3600)
    return _MINUTES.format(count=max(1, round(seconds / 60)))


def _why(command: Command) -> str:
    text = reason_text(command.reason)
    return f"{text} ({command.detail})" if command.detail else text
