"""What people are answered in a chat: to their commands, and to what they wrote."""

from zoneinfo import ZoneInfo

from router.domain.action import KEYS
from router.domain.errors import Reason, Refusal
from router.domain.schedule import told
from router.domain.session import Session, SessionState
from router.domain.work import Shows

HELP = (
    "Reply to a message of a session and your text is typed into it. Other ways:\n"
    "/sessions - what is running where\n"
    "/use NAME - plain text goes to that session from now on\n"
    "/stop - Esc in the session; /key NAME - any key\n"
    "/mode, /model - what it asks, which model; /compact, /clear - what it remembers\n"
    "/new TEXT - a new session; /end - end one that was started so; /keep - let it go on after 24 h\n"
    "/workspaces - clones that sessions work in, and what is in them\n"
    "/cancel - take back what has not been typed yet\n"
    "/later WHEN TEXT, /every RULE TEXT, /remind WHEN TEXT - at that time; /scheduled lists them\n"
    "/ask TEXT - a quick answer of a model, without files and tools\n"
    "/remember TEXT - note it for all sessions there; /recall WORDS, /notes, /forget N\n"
    "/limits - go on by itself after a usage limit; /zone - of the times here\n"
    "/status - what waits and what went wrong; /dead - dead letters\n"
    "/allow all, /deny NAME - many questions at once; /retry, /drop, /cancel all - many commands; /rules - what is"
    " allowed by itself\n"
    "/policy - ask before old commands go out\n"
    "/topics on - a topic for each session\n"
    "/follow NAME, /unfollow NAME - hear of a session here, or not; /iam CODE - be the same person as elsewhere\n"
    "/escalate LADDER - how to be asked again, and where: 15m again, 30m mail\n"
    "/mute, /unmute - no sound for a session; /quiet 22-7 - no sound at night; /summary 8:00 - each morning\n"
    "/settings - what this chat shows while a session works, and how all of that is set\n"
    "/stop, /key, /mode, /model, /compact, /clear, /cancel, /end, /keep and /mute work in a reply to a session too."
)
FOR_WHICH_OF_THESE = "That message is of several sessions, so nothing was typed. Press the one that your answer is for."
FOR_WHICH = "Which session is this for? Press it, and it goes there. /use NAME chooses one for what follows."
MORE_SESSIONS = "… and {count} more. For one of those: /use NAME, and write it again."
FOR_WHICH_ANSWERED = "Which session is this for?"
NOT_KEPT = "What was written is not kept any more: it waits for a day, and 20 of a chat do. Write it again."
CHOSEN_IS_OVER = (
    "{name} has ended. Press the session that this is for, and it goes there. /use NAME chooses another one."
)
TOO_LONG = "That is too long to type: it may have {limit} KiB. Send it in parts."
UNKNOWN_MESSAGE = (
    "I don't know any more which session that message is about, so nothing was typed. Press the session that your"
    " answer is for, or reply to a newer message of it."
)
NO_SUCH_NAME = "That token names no session here, so nothing was typed. Press the session that it is for."
NO_LONGER_ALLOWED = "its policy was changed meanwhile"
CANNOT_START = "its agent starts no sessions: POINTSMAN_START_FOLDERS must name a folder there, and claude be installed"
EMPTY = "There is nothing to type in this message."
FILE_NOT_TAKEN = "📎 The file was not taken, and nothing was typed: {why}."
FILE_WITH_COMMAND = (
    "A file goes to a session with a plain caption; /{command} was not carried out and the file was not sent. Send it"
    " again without the command."
)
EDITED = "Editing a message changes nothing here: what it said first is what counts. Send it again as a new message."
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
AT_LIMIT = " · at its usage limit until {moment}"
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
DEAD_LETTER = "{what}\n{line}\n{id}"
POLICY = {
    False: "Commands that waited for a machine go out when it is back, however long that took.",
    True: "Commands that waited more than an hour for a machine: I ask you before they go out.",
}
POLICY_HINT = "/policy ask or /policy send changes it."
TOPICS = {
    False: "No topics. /topics on gives each session a topic of its own, where the chat can have topics.",
    True: "Each session gets its own topic with its next message. Plain text there goes to it. /topics off ends it.",
}
SHOWS = {
    Shows.QUIET: "Quiet: of a turn you see its questions and its end.",
    Shows.PROGRESS: "Progress: while a session works, one message says what it does, without a sound.",
    Shows.EVERYTHING: (
        "Everything: while a session works, one message says what it does, and its words and tools come as messages,"
        " too, all without a sound."
    ),
}
BUNDLES = {
    False: "Sessions that finish come each by themselves. /settings bundle on tells of several at once.",
    True: (
        "Sessions that finish within a minute come as one message, while nobody writes here. Questions do not wait."
        " In topics each comes by itself. /settings bundle off ends that."
    ),
}
SHOWS_HINT = "/settings progress, /settings everything or /settings quiet changes it."
SETTINGS_MORE = (
    "\n\nTopics: {topics}. Old commands: {policy}. Quiet hours: {quiet}. Bundles: {bundles}.\n"
    "/topics, /policy, /quiet and /settings bundle on change those."
)
_SETTINGS = {
    "topics": {False: "off", True: "on"},
    "policy": {False: "go out unasked", True: "are asked about first"},
}
FOLLOWS = "You hear of {name} here from now on. /unfollow ends that."
LEFT = "You hear of {name} here no more. /follow changes that; what you asked for here is answered all the same."
FOLLOW_WHICH = "Which one? Reply to a message of it, or /follow NAME, /unfollow NAME. /sessions lists them."
SEVERAL_TO_FOLLOW = "Several fit, so nothing was changed: {names}"
NO_SUCH_HOURS = "Quiet hours are read as 22-7, 22:30-6:45 or off."
NO_SUCH_WISH = "{name} is one of: {words}."
MUTED = "{name} makes no sound here from now on. Questions still do. /unmute ends that."
MUTED_UNTIL = "{name} makes no sound here until {moment}. Questions still do. /unmute ends that."
UNMUTED = "{name} is heard here again."
QUIET_OFF = "No quiet hours. /quiet 22-7 sets them, by the router's clock, which says {clock} now."
QUIET_ON = (
    "Quiet from {quiet} by the router's clock, which says {clock} now: messages come without a sound, but for questions"
    " that a session waits on. /quiet off"
)
QUIET_HOW = "I did not understand that. For example: /quiet 22-7, /quiet 22:30-6:45, /quiet off"
SESSION_IS_OVER = "This session has ended. /sessions lists those that live."
_REFUSED = {
    Reason.SESSION_ENDED: SESSION_IS_OVER,
    Reason.SESSION_UNKNOWN: "There is no such session any more. /sessions lists them.",
}


def other_settings(*, has_topics: bool, asks_first: bool, quiet: str, bundles: bool) -> str:
    """How else a chat is set."""
    return SETTINGS_MORE.format(
        topics=_SETTINGS["topics"][has_topics],
        policy=_SETTINGS["policy"][asks_first],
        quiet=quiet or "none",
        bundles=_SETTINGS["topics"][bundles],
    )


def counted(count: int, what: str) -> str:
    """So many of what COUNTS has."""
    one, many = COUNTS[what]
    return one if count == 1 else many.format(count=count)


def refused(refusal: Refusal) -> str:
    """A refusal for people in a chat, who have no command line at hand."""
    return _REFUSED.get(refusal.reason, refusal.text)


def which_key(session: Session) -> str:
    """What stands above a keypad."""
    return WHICH_KEY_HERE.format(name=session.name, keys=", ".join(sorted(KEYS)))


def doing(session: Session, *, connected: bool, wall: float, zone: ZoneInfo) -> str:
    """What a session does, behind its name; of a machine that is away nobody knows. `wall`: the time of day now."""
    # Its last word may be hours old.
    if not connected:
        return AWAY_MARK
    if session.state is SessionState.WAITING and session.waiting_for:
        return WAITING_FOR.format(what=session.waiting_for)
    if session.limited_until and session.limited_until > wall and session.state is SessionState.IDLE:
        return AT_LIMIT.format(moment=told(session.limited_until, zone, wall))
    return DOING[session.state]
