"""Questions of programs that speak ACP: what people read, the ways to answer, and what the program wants to hear. Pure.

Of a permission the options are the program's own, by their names. Of a form each field is a question; one with a field
that people cannot fill in here is declined as a whole, as half a form would be answered for the rest, too.
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

CANCELLED: Json = {"outcome": {"outcome": "cancelled"}}
DECLINED: Json = {"action": "decline"}
WITHDRAWN: Json = {"action": "cancel"}
MAX_FIELDS = 8
_DENY, _WORDS = "deny", "text"
# Of a kind that is not known nobody can tell how far it goes.
_VERDICTS = {"allow_once": Verdict.ALLOW, "reject_once": Verdict.DENY, "reject_always": Verdict.DENY}


@dataclass(frozen=True, slots=True)
class Way:
    """One of the program's own ways to answer."""

    name: str  # its id
    words: str
    kind: str


@dataclass(frozen=True, slots=True)
class Permission:
    """It wants to do something. `given` is all that is decided about; `shown` is that in words."""

    tool: str
    given: Json
    shown: str
    ways: tuple[Way, ...]
    is_plan: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that it wants to know. `choices` are values and what people read; with `other` also their own words.

    `several`: more than one may be chosen. `extra` is the field that takes words where the choices are another one's.
    """

    name: str
    words: str
    choices: tuple[tuple[object, str], ...] = ()
    other: bool = False
    several: bool = False
    extra: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """It wants to know something; without fields it is one that cannot be answered here."""

    words: str
    fields: tuple[Field, ...]
    given: Json


def permission_question(asked: Permission, session_id: str, asker: str, wait: float = LONGEST_WAIT) -> Question:
    """What people are asked. The same asking again is the same question."""
    kind = Kind.PLAN if asked.is_plan else Kind.TOOL
    options = tuple(option for option, _ in _offered(asked))
    cut = [f"{option.label}: {way.words}" for option, way in _offered(asked) if way and len(way.words) > MAX_LABEL]
    words = "\n".join([asked.shown, *cut])
    return _question(session_id, asker, 0, kind, asked.tool, words, [asked.tool, asked.given], options, wait)


def permission_answer(asked: Permission, decision: Decision | None) -> Json:
    """What the program wants to hear; None is that nobody answered."""
    ways = {option.option_id: way for option, way in _offered(asked)}
    way = ways.get(decision.option_id) if decision else _refusal(asked)
    return {"outcome": {"outcome": "selected", "optionId": way.name}} if way else CANCELLED


def is_denied(asked: Permission, decision: Decision) -> bool:
    """Whether that was a no, with which a person may have said what to do instead."""
    return any(one.option_id == decision.option_id and one.verdict is Verdict.DENY for one, _ in _offered(asked))


def form_questions(form: Form, session_id: str, asker: str, wait: float = LONGEST_WAIT) -> tuple[Question, ...]:
    """One question for each field, in order."""
    what = [form.words, form.given]
    asked = [(_field_words(form, one, at), _field_options(one)) for at, one in enumerate(form.fields)]
    return tuple(
        _question(session_id, asker, at, Kind.QUESTION, "question", words, what, options, wait)
        for at, (words, options) in enumerate(asked)
    )


def form_answer(form: Form, decisions: Sequence[Decision]) -> Json:
    """What the program wants to hear, from one decision for each field up to the first no."""
    if len(decisions) < len(form.fields) or any(one.option_id == _DENY for one in decisions):
        return DECLINED
    content: dict[str, object] = {}
    for field, decision in zip(form.fields, decisions, strict=True):
        filled = _filled(field, decision)
        if filled is None:
            return DECLINED
        content |= filled
    return {"action": "accept", "content": content}


def _offered(asked: Permission) -> list[tuple[Option, Way | None]]:
    """Our options for the program's ways. There is a no, always; with it may come what to do instead."""
    no = _refusal(asked)
    yes = [way for way in asked.ways if _verdict(way) is not Verdict.DENY]
    others = [way for way in asked.ways if _verdict(way) is Verdict.DENY and way is not no]
    chosen = [*yes[: MAX_OPTIONS - 1], *others][: MAX_OPTIONS - 1]
    offered: list[tuple[Option, Way | None]] = [
        (Option(f"option-{at}", _label(way.words), _verdict(way)), way) for at, way in enumerate(chosen, start=1)
    ]
    return [*offered, (Option(_DENY, _label(no.words) if no else "", Verdict.DENY, takes_text=True), no)]


def _refusal(asked: Permission) -> Way | None:
    """The mildest no; without one asking is ended with `cancelled`."""
    refusals = [way for way in asked.ways if _verdict(way) is Verdict.DENY]
    return min(refusals, key=lambda way: way.kind != "reject_once", default=None)


def _verdict(way: Way) -> Verdict:
    return _VERDICTS.get(way.kind, Verdict.ALLOW_ALWAYS)


def _field_words(form: Form, field: Field, at: int) -> str:
    lines = [form.words] if at == 0 and form.words != field.words else []
    lines.append(field.words)
    lines += [f"• {words}" for _, words in field.choices if len(words) > MAX_LABEL or len(field.choices) > _SHOWN]
    if field.several:
        lines.append("More than one may be chosen: reply with them, with commas between.")
    return "\n".join(filter(None, lines))


_SHOWN = MAX_OPTIONS - 2  # beside these there must be room for the person's own words, and for a no


def _field_options(field: Field) -> tuple[Option, ...]:
    offered = tuple(
        Option(f"option-{at}", _label(words), Verdict.ANSWER) for at, (_, words) in enumerate(field.choices, start=1)
    )
    takes_words = field.other or field.several or not field.choices or len(field.choices) > _SHOWN
    words = (Option(_WORDS, "", Verdict.ANSWER, takes_text=True),) if takes_words else ()
    return (*offered[:_SHOWN], *words, Option(_DENY, "❌ Don't answer", Verdict.DENY))


def _filled(field: Field, decision: Decision) -> Json | None:
    """None where none of the choices is meant, and there is no room for other words."""
    if decision.option_id.startswith("option-"):
        value = field.choices[int(decision.option_id.removeprefix("option-")) - 1][0]
        return {field.name: [value] if field.several else value}
    named = {words.partition(" - ")[0].casefold().strip(): value for value, words in field.choices}
    named |= {words.casefold().strip(): value for value, words in field.choices}
    said = decision.text.split(",") if field.several else [decision.text]
    meant = [named[words] for part in said if (words := part.casefold().strip()) in named]
    if meant and len(meant) == len(said):
        return {field.name: meant if field.several else meant[0]}
    return {field.extra or field.name: decision.text} if field.other else None


def _question(
    session_id: str,
    asker: str,
    number: int,
    kind: Kind,
    tool: str,
    words: str,
    about: object,
    options: tuple[Option, ...],
    wait: float,
) -> Question:
    what = digest(tool, about)
    permission_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{session_id}/{asker}/{what}/{number}"))
    return Question(permission_id, session_id, kind, tool[:200] or "tool", words[:MAX_INPUT], what, options, wait)


def _label(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= MAX_LABEL else line[: MAX_LABEL - 1] + "…"
