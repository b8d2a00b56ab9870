"""What people read of permission questions: the part of the catalogue that is theirs.

As in wording, all sentences are the constants and tables here; the functions below them only choose and fill in.
"""

import re
from collections.abc import Sequence

from router.domain.permission import ENDED_ELSEWHERE, Permission, PermissionKind, PermissionState
from router.domain.risk import RiskRule
from router.domain.wording.work import code_closed

SESSION_OVER = "the session has ended"
REPLY_WITH_REASON = "Reply to this message with your reason, and it is denied with that."
NO_WORDS_HERE = "This question takes no text; press one of its buttons."
TOO_LATE = "{outcome}\nYour text was not typed. To write to the session, reply to another of its messages."

NEEDS_CODE = "To allow it, reply with the six digits of your authenticator app, or use a passkey in the console."
CODE_BY_REPLY = f"This needs more than a press. {NEEDS_CODE}"
_RISKY = "⚠️ It {what}."
_ASKS = {
    PermissionKind.TOOL: "🔐 May it use {tool}?\n\n{input}",
    PermissionKind.PLAN: "📋 It has a plan. Go ahead?\n\n{input}",
    PermissionKind.QUESTION: "❓ {input}",
}
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
_ALLOWED_CHANGED = "✅ Allowed by {who}, {when}, with another input:\n{choice}"
_DENIED_WHY = "❌ Denied by {who}, {when}: {choice}"
_SEEN = "👁 Seen by {who}, {when}."
_NOT_SEEN = "⌛ Nobody has seen it in time, {when}."
_NO_MATTER = "☑️ Over, {when}{why}."
_ALWAYS = "this and what is like it"
_NOTICE_OUTCOMES = {
    PermissionState.ANSWERED: _SEEN,
    PermissionState.EXPIRED: _NOT_SEEN,
    PermissionState.WITHDRAWN: _NO_MATTER,
}
_IN_VAIN = "{outcome} The answer of {who} came too late."
# Characters. What is over stays one message of a chat, whatever it was about: an edit cannot add another.
_INPUT_LEFT, _CHOICE_LEFT = 1000, 300
_CUT = "{shown}… ({count} more characters)"
_NAME = re.compile(r".*\((.+)\)")  # "telegram:4711 (Ada)"


def question(asked: Permission, found: Sequence[RiskRule] = ()) -> str:
    """A permission question as long as it is open: with all of its input, as that is what is decided about.

    What is risky in it comes first: no input is so long that it moves out of sight.
    """
    risky = _RISKY.format(what="; ".join(rule.words for rule in found)) if found else ""
    code = NEEDS_CODE if any(rule.needs_code for rule in found) else ""
    tells = _TEXT_TELLS[asked.kind] if asked.for_text else ""
    return "\n\n".join(filter(None, (risky, _asks(asked, asked.input), code, tells)))


def answered(closed: Permission, when: str) -> str:
    """A permission question that is over, and how it ended."""
    return f"{_asks(closed, _cut(closed.input, _INPUT_LEFT))}\n\n{outcome(closed, when)}"


def outcome(permission: Permission, when: str) -> str:
    """One line on how a permission question stands."""
    option, who = permission.option(permission.option_id), actor_name(permission.decided_by)
    line = _line(permission).format(
        who=who,
        when=when,
        choice=_cut(permission.updated_input or permission.text, _CHOICE_LEFT)
        or (option.label if option else "")
        or _ALWAYS,
        why=f" ({permission.detail})" if permission.detail else "",
    )
    decided_in_vain = permission.decided_by and permission.state in ENDED_ELSEWHERE
    return _IN_VAIN.format(outcome=line, who=who) if decided_in_vain else line


def _line(permission: Permission) -> str:
    if permission.is_notice:
        return _NOTICE_OUTCOMES.get(permission.state, _OUTCOMES[permission.state])
    if permission.state is PermissionState.DENIED and permission.text:
        return _DENIED_WHY
    changed = permission.state is PermissionState.ALLOWED and permission.updated_input
    return _ALLOWED_CHANGED if changed else _OUTCOMES[permission.state]


def actor_name(actor: str) -> str:
    """Who did something, as people call them."""
    match = _NAME.fullmatch(actor)
    return match[1] if match else actor


def _asks(asked: Permission, shown: str) -> str:
    return shown if asked.is_notice else _ASKS[asked.kind].format(tool=asked.tool, input=shown)


def _cut(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    # What ends within code would make code of how it ended.
    shown = code_closed(text[:length])
    return _CUT.format(shown=shown if len(shown) == length else f"{shown}\n", count=len(text) - length)
