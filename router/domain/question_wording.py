"""What people read of permission questions: the part of the catalogue that is theirs.

As in wording, all sentences are the constants and tables here; the functions below them only choose and fill in.
"""

import re

from router.domain.permission import ENDED_ELSEWHERE, Permission, PermissionKind, PermissionState

_ASKS = {
    PermissionKind.TOOL: "🔐 May it use {tool}?\n\n{input}",
    PermissionKind.PLAN: "📋 It has a plan. Go ahead?\n\n{input}",
    PermissionKind.QUESTION: "❓ {input}",
}
_INPUT_LENGTH = 3000  # characters of an input that a message shows, so that it stays one message
_CUT = "{shown}\n… and {count} more characters: pointsman questions {id}"
_TEXT_TELLS = {
    PermissionKind.TOOL: "Reply to this message to deny with a reason.",
    PermissionKind.PLAN: "Reply to this message to say what to change.",
    PermissionKind.QUESTION: "Or reply to this message with your own answer.",
}
_OUTCOMES = {
    PermissionState.OPEN: "Nobody has answered yet.",
    PermissionState.ALLOWED: "✅ Allowed by {who}, {when}.",
    PermissionState.ALLOWED_ALWAYS: "✅ Allowed by {who}, {when}: {choice}.",
    PermissionState.DENIED: "❌ Denied by {who}, {when}.",
    PermissionState.ANSWERED: "💬 Answered by {who}, {when}: {choice}",
    PermissionState.ANSWERED_ELSEWHERE: "☑️ Answered at the terminal, {when}.",
    PermissionState.WITHDRAWN: "⚪ Not asked any more, {when}{why}.",
    PermissionState.EXPIRED: "⌛ Nobody answered in time; the terminal has it, {when}.",
}
_DENIED_WHY = "❌ Denied by {who}, {when}: {choice}"
_IN_VAIN = "{outcome} The answer of {who} came too late."
_NAME = re.compile(r".*\((.+)\)")  # "telegram:4711 (Ada)"
REPLY_WITH_REASON = "Reply to this message with your reason, and it is denied with that."
NO_WORDS_HERE = "This question takes no text; press one of its buttons."
SESSION_OVER = "the session has ended"


def question(asked: Permission) -> str:
    """A permission question as long as it is open."""
    tells = _TEXT_TELLS[asked.kind] if asked.for_text else ""
    return "\n\n".join(filter(None, (_asks(asked), tells)))


def answered(closed: Permission, when: str) -> str:
    """A permission question that is over, and how it ended."""
    return f"{_asks(closed)}\n\n{outcome(closed, when)}"


def outcome(permission: Permission, when: str) -> str:
    """One line on how a permission question stands."""
    option, who = permission.option(permission.option_id), actor_name(permission.decided_by)
    denied_why = permission.state is PermissionState.DENIED and permission.text
    line = (_DENIED_WHY if denied_why else _OUTCOMES[permission.state]).format(
        who=who,
        when=when,
        choice=permission.text or (option.label if option else ""),
        why=f" ({permission.detail})" if permission.detail else "",
    )
    decided_in_vain = permission.decided_by and permission.state in ENDED_ELSEWHERE
    return _IN_VAIN.format(outcome=line, who=who) if decided_in_vain else line


def actor_name(actor: str) -> str:
    """Who did something, as people call them."""
    match = _NAME.fullmatch(actor)
    return match[1] if match else actor


def _asks(asked: Permission) -> str:
    shown, rest = asked.input[:_INPUT_LENGTH], len(asked.input) - _INPUT_LENGTH
    if rest > 0:
        shown = _CUT.format(shown=shown, count=rest, id=asked.permission_id)
    return _ASKS[asked.kind].format(tool=asked.tool, input=shown)
