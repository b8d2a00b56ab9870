"""Claude Code's permission questions: what people read, the ways to answer, and what the program wants to hear.

Pure. The same for its PermissionRequest hook and for can_use_tool of its stream-json.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agent.domain import claude_tool
from agent.domain.permission import (
    LONGEST_WAIT,
    MAX_GIVEN,
    MAX_INPUT,
    MAX_LABEL,
    MAX_MEANING,
    MAX_OPTIONS,
    Decision,
    Details,
    FormOption,
    FormQuestion,
    Kind,
    Option,
    Question,
    Verdict,
    digest,
    given_of,
)

Json = Mapping[str, object]

ASKS, PLANS = "AskUserQuestion", "ExitPlanMode"
_NO_REASON = "The person you work for denied this."  # the model reads it where the person gave none
ALLOW, DENY = "allow", "deny"
_ALWAYS, _WORDS = "always", "text"
_WHERE = {
    "session": "in this session",
    "localSettings": "in this project",
    "projectSettings": "in this project, for all who share it",
    "userSettings": "everywhere",
}
_MODES = {"acceptEdits": "accept all edits", "plan": "only plan"}  # others are left to the person at the terminal
_MOST_SUGGESTIONS = 3  # each is a row of buttons on a small screen
_MOST_ASKED, _MOST_ANSWERS = 8, 16  # of a form; the program itself asks four questions, with four answers each
_LONGEST, _LONGEST_LABEL, _LONGEST_DESCRIPTION = 4000, 200, 500  # characters: all of it fits a frame
_ASKS_PERMISSION, _ASKS_INPUT = "permission prompt", "input needed"  # the program's own words
_TOO_LONG = f"Its input is longer than {MAX_GIVEN // 1024} KiB: it can be allowed as it is, or denied."
_FORM_IS_ANSWERED = "It takes answers, and no other input."
_PLAN_IS_TAKEN = "A plan is taken as it is, or denied with what to change."


@dataclass(frozen=True, slots=True)
class ToolUse:
    """What the program asks: may it use this tool with this input. `suggestions` are its own ways to say "always".

    `mode` is its permission mode, `before` what the file holds that it would change, where that is known.
    """

    tool: str
    given: Json
    suggestions: tuple[Json, ...] = ()
    mode: str = field(default="", compare=False)
    before: str | None = field(default=None, compare=False)

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
            permission_id, session_id, kind, _shown(use.tool)[:200], _shown(words), use.digest, options[:MAX_OPTIONS],
            wait, _details(use, kind, number),
        )  # fmt: skip

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
    other, chosen = given_of(decisions[0].updated_input), decisions[0].option_id
    allowed: dict[str, object] = {"behavior": "allow", "updatedInput": dict(use.given) if other is None else other}
    suggestion = next((each for option_id, each, _ in _always(use) if option_id == chosen), None)
    return allowed if suggestion is None else allowed | {"updatedPermissions": [suggestion]}


def whole(use: ToolUse, first: int, decision: Decision) -> list[Decision]:
    """One decision for each question from the `first` on, of one that answers them all."""
    answered = []
    for asked, answer in zip(use.asked[first:], decision.answers, strict=True):
        labels = dict(_labels(asked))
        chosen = [labels[option_id] for option_id in answer.option_ids]
        answered.append(Decision(_WORDS, ", ".join([*chosen, answer.text] if answer.text else chosen)))
    return answered


def denial(message: str) -> dict[str, object]:
    """A no; the model reads the message."""
    return {"behavior": "deny", "message": message}


def _answered(use: ToolUse, decisions: Sequence[Decision]) -> dict[str, str]:
    answers = {}
    for asked, decision in zip(use.asked, decisions, strict=True):
        labels = dict(_labels(asked))  # the program knows labels; ids are ours, short enough for a button
        answers[_text(asked, "question")] = labels.get(decision.option_id) or decision.text
    return answers


def _details(use: ToolUse, kind: Kind, number: int) -> Details:
    given, changes = claude_tool.input_json(use.given), claude_tool.diff(use.tool, use.given, use.before)
    is_cut = len(given.encode()) > MAX_GIVEN
    not_editable = {Kind.PLAN: _PLAN_IS_TAKEN, Kind.QUESTION: _FORM_IS_ANSWERED}.get(kind, _TOO_LONG if is_cut else "")
    return Details(
        _shown(claude_tool.title(use.tool, use.given)),
        _cut(given),
        is_cut,
        _cut(changes),
        not_editable,
        _shown(use.mode)[:40],
        _ASKS_INPUT if use.asked else _ASKS_PERMISSION,
        _form(use.asked[number:]),
    )


def _form(asked: Sequence[Json]) -> tuple[FormQuestion, ...]:
    """As one form; empty where it is too long for that, as nobody answers what they are not shown."""
    is_short = len(asked) <= _MOST_ASKED and all(len(_offered(each)) <= _MOST_ANSWERS for each in asked)
    return tuple(map(_form_question, asked)) if is_short else ()


def _form_question(asked: Json) -> FormQuestion:
    described = [_text(each, "description") for each in _offered(asked)]
    options = [
        FormOption(option_id, _shown(label)[:_LONGEST_LABEL], _shown(more)[:_LONGEST_DESCRIPTION])
        for (option_id, label), more in zip(_labels(asked), described, strict=True)
    ]
    words, header = _shown(_text(asked, "question"))[:_LONGEST], _shown(_text(asked, "header"))[:MAX_LABEL]
    return FormQuestion(words, header, asked.get("multiSelect") is True, tuple(options))


def _tool_options(always: Sequence[tuple[str, Json, str]]) -> tuple[Option, ...]:
    return (
        Option(ALLOW, "", Verdict.ALLOW),
        *(
            Option(option_id, _label(f"✅ Always: {words}"), Verdict.ALLOW_ALWAYS, meaning=_shown(words)[:MAX_MEANING])
            for option_id, _, words in always
        ),
        Option(DENY, "", Verdict.DENY, takes_text=True),
    )


def _plan_options() -> tuple[Option, ...]:
    return (
        Option(ALLOW, "✅ Go ahead", Verdict.ALLOW),
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
    # What a button cannot say whole is said above it.
    cut = [f"Always: {words}" for _, _, words in always if len(f"✅ Always: {words}") > MAX_LABEL]
    return "\n".join(filter(None, [claude_tool.words(use.tool, use.given, use.before), *cut]))


def _question_words(asked: Json) -> str:
    described = [(_text(each, "label"), _text(each, "description")) for each in _offered(asked)]
    lines = [f"• {label} - {words}" for label, words in described if words]
    if asked.get("multiSelect") is True:
        lines.append("More than one may be chosen: reply with them, with commas between.")
    return "\n".join([_text(asked, "question"), *lines])


def _shown(words: str) -> str:
    """What can be shown of it: a lone surrogate is legal JSON, but no database and no protobuf takes it."""
    return words.encode(errors="replace").decode()[:MAX_INPUT]


def _cut(text: str) -> str:
    """As much of it as a question carries, in whole characters."""
    data = _shown(text).encode()
    return data.decode() if len(data) <= MAX_GIVEN else data[:MAX_GIVEN].decode(errors="ignore")


def _label(words: str) -> str:
    line = _shown(" ".join(words.split()))
    return line if len(line) <= MAX_LABEL else line[: MAX_LABEL - 1] + "…"


def _text(fields: Json, name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _maps(fields: Json, name: str) -> list[Json]:
    values = fields.get(name)
    return [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []
