"""Claude Code's permission questions: what people read, the ways to answer, and what the program wants to hear.

Pure. The same for its PermissionRequest hook and for can_use_tool of its stream-json.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.domain.permission import (
    LONGEST_WAIT,
    MAX_INPUT,
    MAX_LABEL,
    MAX_OPTIONS,
    Decision,
    Kind,
    Option,
    Question,
    Verdict,
    digest,
)

Json = Mapping[str, object]

ASKS, PLANS = "AskUserQuestion", "ExitPlanMode"
_NO_REASON = "The person you work for denied this."  # the model reads it where the person gave none
DENY = "deny"
_ALLOW, _ALWAYS, _WORDS = "allow", "always", "text"
_WHERE = {
    "session": "in this session",
    "localSettings": "in this project",
    "projectSettings": "in this project, for all who share it",
    "userSettings": "everywhere",
}
_MODES = {"acceptEdits": "accept all edits", "plan": "only plan"}  # others are left to the person at the terminal
_MOST_SUGGESTIONS = 3  # each is a row of buttons on a small screen


@dataclass(frozen=True, slots=True)
class ToolUse:
    """What the program asks: may it use this tool with this input. `suggestions` are its own ways to say "always"."""

    tool: str
    given: Json
    suggestions: tuple[Json, ...] = ()

    @property
    def digest(self) -> str:
        return digest(self.tool, self.given)

    @property
    def asked(self) -> tuple[Json, ...]:
        """What it wants to know, where it wants to know something; else empty."""
        questions = self.given.get("questions")
        if self.tool != ASKS or not isinstance(questions, list):
            return ()
        sound = tuple(each for each in questions if isinstance(each, dict) and _text(each, "question"))
        # Half a form would be answered for the rest, too: then it is a permission.
        return sound if len(sound) == len(questions) else ()


def questions(use: ToolUse, session_id: str, asker: str, wait: float = LONGEST_WAIT) -> tuple[Question, ...]:
    """One question for each thing it wants to know, in order; one where it wants a permission.

    `asker` names this asking: the same one again has the same questions.
    """

    def made(number: int, kind: Kind, words: str, options: tuple[Option, ...]) -> Question:
        permission_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{session_id}/{asker}/{use.digest}/{number}"))
        return Question(
            permission_id, session_id, kind, use.tool[:200], _shown(words), use.digest, options[:MAX_OPTIONS], wait
        )

    if use.asked:
        return tuple(
            made(number, Kind.QUESTION, _question_words(each), _answers(each)) for number, each in enumerate(use.asked)
        )
    if use.tool == PLANS and _text(use.given, "plan"):
        return (made(0, Kind.PLAN, _text(use.given, "plan"), _plan_options()),)
    always = _always(use)
    return (made(0, Kind.TOOL, _tool_words(use, always), _tool_options(always)),)


def verdict(use: ToolUse, decisions: Sequence[Decision]) -> dict[str, object]:
    """What the program wants to hear, from one decision for each of its questions."""
    # One no is a no to all: the program takes one verdict.
    refused = next((each for each in decisions if each.option_id == DENY), None)
    if refused is not None:
        return denial(refused.text or _NO_REASON)
    if use.asked:
        return {"behavior": "allow", "updatedInput": {**use.given, "answers": _answered(use, decisions)}}
    allowed: dict[str, object] = {"behavior": "allow", "updatedInput": dict(use.given)}
    chosen = decisions[0].option_id
    suggestion = next((each for option_id, each, _ in _always(use) if option_id == chosen), None)
    return allowed if suggestion is None else allowed | {"updatedPermissions": [suggestion]}


def denial(message: str) -> dict[str, object]:
    """A no; the model reads the message."""
    return {"behavior": "deny", "message": message}


def _answered(use: ToolUse, decisions: Sequence[Decision]) -> dict[str, str]:
    answers = {}
    for asked, decision in zip(use.asked, decisions, strict=True):
        labels = dict(_labels(asked))  # the program knows labels; ids are ours, short enough for a button
        answers[_text(asked, "question")] = labels.get(decision.option_id) or decision.text
    return answers


def _tool_options(always: Sequence[tuple[str, Json, str]]) -> tuple[Option, ...]:
    return (
        Option(_ALLOW, "", Verdict.ALLOW),
        *(Option(option_id, _label(f"✅ Always: {words}"), Verdict.ALLOW_ALWAYS) for option_id, _, words in always),
        Option(DENY, "", Verdict.DENY, takes_text=True),
    )


def _plan_options() -> tuple[Option, ...]:
    return (
        Option(_ALLOW, "✅ Go ahead", Verdict.ALLOW),
        Option(DENY, "❌ Keep planning", Verdict.DENY, takes_text=True),
    )


def _answers(asked: Json) -> tuple[Option, ...]:
    offered = tuple(Option(option_id, _label(label), Verdict.ANSWER) for option_id, label in _labels(asked))
    words = Option(_WORDS, "", Verdict.ANSWER, takes_text=True)
    # Room for the two that must be there.
    return (*offered[: MAX_OPTIONS - 2], words, Option(DENY, "❌ Don't answer", Verdict.DENY))


def _labels(asked: Json) -> list[tuple[str, str]]:
    """The ids and labels of what a question offers."""
    return [(f"option-{number}", _text(each, "label")) for number, each in enumerate(_offered(asked), start=1)]


def _offered(asked: Json) -> list[Json]:
    offered = asked.get("options")
    return [each for each in offered if isinstance(each, dict)] if isinstance(offered, list) else []


def _always(use: ToolUse) -> list[tuple[str, Json, str]]:
    """The suggestions that can be put into words: option id, the suggestion, the words."""
    # Nobody grants what cannot be read.
    sayable = [(each, words) for each in use.suggestions if (words := _suggestion_words(each))]
    return [
        (f"{_ALWAYS}-{number}" if number > 1 else _ALWAYS, each, words)
        for number, (each, words) in enumerate(sayable[:_MOST_SUGGESTIONS], start=1)
    ]


def _suggestion_words(suggestion: Json) -> str:
    where = _WHERE.get(_text(suggestion, "destination"))
    what = ""
    match _text(suggestion, "type"):
        # Others would forbid for ever what is pressed as a yes.
        case "addRules" if _text(suggestion, "behavior") == "allow":
            what = ", ".join(_rule_words(each) for each in _maps(suggestion, "rules"))
        case "addDirectories":
            folders = suggestion.get("directories")
            what = "folder " + ", ".join(map(str, folders)) if isinstance(folders, list) and folders else ""
        case "setMode":
            what = _MODES.get(_text(suggestion, "mode"), "")
    return f"{what} {where}" if what and where else ""


def _rule_words(rule: Json) -> str:
    content = _text(rule, "ruleContent")
    return f"{_text(rule, 'toolName')}({content})" if content else _text(rule, "toolName")


def _tool_words(use: ToolUse, always: Sequence[tuple[str, Json, str]]) -> str:
    fields = dict(use.given)
    lines = [_fenced(str(fields.pop("command")))] if isinstance(fields.get("command"), str) else []
    lines += [_field(name, value) for name, value in fields.items()]
    # What a button cannot say whole is said above it.
    cut = [f"Always: {words}" for _, _, words in always if len(f"✅ Always: {words}") > MAX_LABEL]
    return "\n".join(lines + cut)


def _question_words(asked: Json) -> str:
    described = [(_text(each, "label"), _text(each, "description")) for each in _offered(asked)]
    lines = [f"• {label} - {words}" for label, words in described if words]
    if asked.get("multiSelect") is True:
        lines.append("More than one may be chosen: reply with them, with commas between.")
    return "\n".join([_text(asked, "question"), *lines])


def _field(name: str, value: object) -> str:
    if name == "description" and isinstance(value, str):
        return value
    text = value if isinstance(value, str) else str(value)
    return f"{name}:\n{_fenced(text)}" if "\n" in text else f"{name}: {text}"


def _fenced(text: str) -> str:
    """In a fixed width, unless the text would end that by itself."""
    return text if "```" in text else f"```\n{text}\n```"


def _shown(words: str) -> str:
    """What can be shown of it: a lone surrogate is legal JSON, but no database and no protobuf takes it."""
    return words.encode(errors="replace").decode()[:MAX_INPUT]


def _label(words: str) -> str:
    line = _shown(" ".join(words.split()))
    return line if len(line) <= MAX_LABEL else line[: MAX_LABEL - 1] + "…"


def _text(fields: Json, name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _maps(fields: Json, name: str) -> list[Json]:
    values = fields.get(name)
    return [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []
