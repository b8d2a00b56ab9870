"""What people read where many are done at once."""

from collections.abc import Sequence

from router.domain.action import text_of
from router.domain.batch import Doing, Item, Outcome
from router.domain.command import Command
from router.domain.permission import Permission

CHANGED = "It changed meanwhile."
IS_NOW = "It is {state} now."
NO_SUCH_ANSWER = "It takes no such answer."
ONE_BY_ONE = "Whether a session may write into another is answered one by one."
HOW = {
    Doing.ALLOW: "/allow WHICH allows many questions at once, /deny WHICH denies them. WHICH: all, a session's name"
    " (api-*), tool:Bash, machine:devbox, rule:delete, or several of these. In a reply to a question, /allow 2h lets"
    " the same again for two hours here, /allow 2h npm test all that begins so.",
    Doing.RETRY: "/retry WHICH sends many again that ended badly, /drop WHICH takes them off the list. WHICH: all, a"
    " session's name (api-*), machine:devbox.",
}
NOTHING = "None fits."
_ASKS = {
    Doing.ALLOW: "Allow these {count}?",
    Doing.DENY: "Deny these {count}?",
    Doing.RETRY: "Send these {count} again?",
    Doing.DROP: "Take these {count} off the list?",
    Doing.CANCEL: "Take these {count} back?",
}
BUTTONS = {
    Doing.ALLOW: "✅ Allow {count}",
    Doing.DENY: "❌ Deny {count}",
    Doing.RETRY: "🔁 Retry {count}",
    Doing.DROP: "🗑 Drop {count}",
    Doing.CANCEL: "✋ Take back {count}",
}
_DONE = {
    Doing.ALLOW: "Allowed {count}.",
    Doing.DENY: "Denied {count}.",
    Doing.RETRY: "Sent {count} again.",
    Doing.DROP: "Dropped {count}.",
    Doing.CANCEL: "Took {count} back, or asked their machines to.",
}
_LEFT_OUT = "Left out: {name} ({why})"
_MORE = "… and {count} more are not in this: do these first."
NOT_KEPT = "That was too long ago. Ask again what there is."


def question(session: str, asked: Permission) -> str:
    """One question on a line."""
    return f"{session}: {asked.tool}: {_short(asked.input)}"


def command(session: str, known: Command) -> str:
    """One command on a line."""
    return f"{session}: {_short(text_of(known.action)) or type(known.action).__name__} ({known.state.value})"


def offered(doing: Doing, items: Sequence[Item], left: int) -> str:
    """What a button would do, to each of these by name."""
    lines = [_ASKS[doing].format(count=len(items)), *(f"• {item.name}" for item in items)]
    return "\n".join([*lines, _MORE.format(count=left)] if left else lines)


def done(doing: Doing, outcomes: Sequence[Outcome]) -> str:
    """What became of each."""
    count = sum(not each.why for each in outcomes)
    left = [_LEFT_OUT.format(name=each.item.name or each.item.item_id, why=each.why) for each in outcomes if each.why]
    return "\n".join([_DONE[doing].format(count=count), *left])


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 120 else line[:119] + "…"
