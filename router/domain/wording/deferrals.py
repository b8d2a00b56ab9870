"""What people are told of what is to be done later, and of usage limits."""

from zoneinfo import ZoneInfo

from router.domain.deferral import Deferred, DeferredState, Task
from router.domain.schedule import Condition, told

_CONDITIONS = {
    Condition.RETURN: "when {machine} is back",
    Condition.REST: "when {name} is ready",
    Condition.RESET: "when the usage limit of {name} is over",
}
_WHAT = {
    Task.TEXT: "{when}, into {name}: {text}",
    Task.REMINDER: "{when}, a reminder: {text}",
    Task.START: "{when}, a new session on {machine}: {text}",
    Task.SUMMARY: "{when}, a summary: {text}",
    Task.CONTINUE: "{when}, unless somebody writes to it: {text}",
}
_MARKS = {
    DeferredState.WAITING: "⏰",
    DeferredState.PAUSED: "⏸",
    DeferredState.DONE: "✅",
    DeferredState.CANCELLED: "↩️",
    DeferredState.FAILED: "❌",
}
_OVER = {
    DeferredState.DONE: "Done",
    DeferredState.CANCELLED: "Taken back",
    DeferredState.FAILED: "Given up",
}
_AGAIN = " ({words})"
_PAUSED = "Pauses"
REMINDER = "⏰ {text}"
REMINDER_OF = "⏰ {name}: {text}"
LATE = "⏰ This was due at {moment}; the router was away then, and does it now: {text}"
NOT_DONE = "❌ Not done: {what}\n{why}"
THIS_TIME = "⚠️ Not done this time: {what}\n{why}"
NOTHING = (
    "Nothing is to be done later. /later tomorrow 9:00 TEXT, /remind in 2h TEXT and /every weekday 9:00 TEXT do that."
)
MOVE_WHICH = "To move one, answer its message: /scheduled shows them; then /scheduled tomorrow 9:00 in a reply to it."
MORE = "… and {count} more. `pointsman scheduled` lists all."
HOW = {
    "later": "/later WHEN TEXT types it into the session then. WHEN: {examples}.",
    "remind": "/remind WHEN TEXT tells you then. WHEN: {examples}.",
    "every": "/every RULE TEXT types it again and again; with /new TEXT it starts a session. RULE, without its every:"
    " {examples}.",
}
NOT_AGAIN = "/later is for once. /every {words} does it again and again."
ZONE = "Times here are those of {zone}, where it is {clock} now. /zone Europe/Berlin changes it."
ZONE_SET = (
    "Times here are those of {zone} from now on, where it is {clock} now. What was scheduled before keeps its own."
)
GOES_ON = {
    False: "A session that comes to a usage limit: I ask you whether it should go on when that is over.",
    True: "A session that comes to a usage limit goes on by itself when that is over, unless somebody wrote to it"
    " since.",
}
LIMITS_HINT = "/limits ask or /limits continue changes it."
LIMITED = "⏳ {name} is at its usage limit until {moment}."
LIMITED_GOES_ON = (
    "⏳ {name} is at its usage limit until {moment}. It goes on then by itself, unless somebody writes to it."
)
WAITS_FOR_LIMIT = "⏳ {name} is at its usage limit until {moment}. This waits for that, and goes in then: {text}"
WILL_GO_ON = "It goes on then."
NO_LIMIT_NOW = "It is at no usage limit any more."
IS_HERE = "{machine} is not away: write it as it is."
IS_AT_NO_LIMIT = "{name} is at no usage limit that its program told of."
NEVER_RESTS = "Nobody tells when {name} is ready: its program says nothing of what it does."
NEEDS_SESSION = "That is about a session: reply to one of its messages, or name it."
NO_START_ON = "A new session is for a time: not for when another one is ready."
TEXT_SIZE = "The text must have 1 to {limit} bytes."
QUOTA_OF_ONE = "{count} of yours wait already, as many as may. Take one back: /scheduled, or `pointsman scheduled`."
QUOTA_OF_ALL = "{count} wait already, as many as may, of all people together."
PASSED = "Its moment has passed while it paused: give it another one, or have it done now."
TOO_LATE = "It was due at {moment}, more than a day ago."
NEVER_CAME = "What it waited for did not come for a year."
RESTARTED = "The session was restarted since."
NOT_LET_IN = "Whoever wanted it is not let in any more."
KEY_OVER = "The API key that wanted it is revoked, is over, or may not do it any more."
STILL_RUNS = "The session that it began last still works."
SOMEBODY_WROTE = "Somebody wrote to the session since: it goes on by that."
NOT_READY = "The session is not ready."


def described(deferred: Deferred, name: str, zone: ZoneInfo, wall: float, steady: float) -> str:
    """One of them on a line. Both clocks' time, as its moment is by one of them."""
    what = _WHAT[deferred.task].format(
        when=_when(deferred, name, zone, wall, steady),
        name=name,
        machine=deferred.machine_id,
        text=_short(deferred.text),
    )
    return f"{_MARKS[deferred.state]} {what}"


def _when(deferred: Deferred, name: str, zone: ZoneInfo, wall: float, steady: float) -> str:
    schedule = deferred.schedule
    if not deferred.state.live:
        return _OVER[deferred.state]
    if deferred.state is DeferredState.PAUSED:
        return _PAUSED + _AGAIN.format(words=schedule.words)
    if condition := schedule.condition:
        return _CONDITIONS[condition].format(name=name, machine=deferred.machine_id)
    moment = (deferred.next_at or 0.0) + (wall - steady if schedule.is_steady else 0.0)
    return told(moment, zone, wall) + (_AGAIN.format(words=schedule.words) if schedule.repeats else "")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 200 else line[:199] + "…"
