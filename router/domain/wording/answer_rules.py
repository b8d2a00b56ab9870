"""What people read of rules that allow for a time."""

from router.domain.answer_rule import AnswerRule, Match
from router.domain.wording.questions import actor_name

NO_TOOL = "A rule is for what a tool is allowed: this question is none of these."
NO_FOLDER = "Nobody knows in which folder this session began: make it for the session."
NOT_WHOLE = "Its input is not known whole here: allow it each time."
TOO_MANY = "There are as many rules as may be ({count} of one person or key). End one: /rules, or `pointsman rules`."
RISKY = "It {what}: no rule answers that, and least of all what begins like it. Allow it each time."
USED = "⏱ The rule has answered {count} times since, the last time for {what}. /rules shows and ends it."
NONE = "No rule answers by itself. A reply to a question, /allow 2h, makes one."
MORE = "… and {count} more. `pointsman rules` lists all."
REPLY_TO_ONE = "Reply with that to the question that is meant, as long as it is open."
OVER = "It is over already."
ACTOR = "rule {rule_id} ({made_by}'s rule)"
_WHAT = {Match.EXACT: "{tool}: exactly {pattern}", Match.PREFIX: "{tool}: {pattern} …"}


def described(rule: AnswerRule, until: str, *, holds: bool) -> str:
    """One of them."""
    shown = rule.pattern if len(rule.pattern) <= 200 else rule.pattern[:199] + "…"
    where = f"in {rule.folder} on {rule.machine_id}" if rule.folder else f"in this session on {rule.machine_id}"
    mark = "⏱" if holds else "⚪"
    what = _WHAT[rule.match].format(tool=rule.tool, pattern=shown)
    how = f"until {until}" if holds else "over"
    by = f"by {actor_name(rule.made_by)}; it answered {rule.answers} times"
    return f"{mark} Allowed by itself, {how}: {what}\n{where}, {by}"
